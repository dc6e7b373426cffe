"""Mediation at UK Biobank's size: the scan beside regmedint where R has it, all families, one bootstrap."""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from python_models.estimators.mediation.bootstrap import bootstrap_natural_effects
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.estimators.mediation.scan import MediationScanner, PathScan, join_paths, mediation_of_paths
from tests.benchmarks.measure import Measurement, time_call

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
N, P, N_BIOMARKERS = 50_000, 10, 3_000
# The same block is scanned again and again: 3,000 different rows would be 600 MB and the same work.
BLOCK = 128
N_EXPOSURES, N_OUTCOMES, ALL_BIOMARKERS = 8, 2, 3_174
# An eighth of the panel tells the time of all.
SHARE = 8
N_BOOTSTRAPS = 1_000
# Mediators that the peer fits, one by one; its time is given for all.
PEER_MEDIATORS = 3
REGMEDINT = """
suppressMessages(library(regmedint))
given <- commandArgs(TRUE)
people <- read.csv(given[1])
covariates <- grep("^c[0-9]+$", names(people), value = TRUE)
fit <- function(k) {
    found <- regmedint(data = people, yvar = "days", avar = "a", mvar = paste0("m", k), cvar = covariates,
        eventvar = "event", a0 = 0, a1 = 1, m_cde = 0, c_cond = rep(0, length(covariates)), mreg = "linear",
        yreg = "survCox", interaction = FALSE, casecontrol = FALSE)
    unname(coef(found)[c("pnde", "tnie", "te")])
}
started <- proc.time()[["elapsed"]]
effects <- lapply(seq_len(as.integer(given[2])), fit)
cat(proc.time()[["elapsed"]] - started, unlist(effects), sep = "\\n")
"""


@dataclass(frozen=True, slots=True)
class People:
    """One outcome with 4 % events, exposures (n, E), covariates (n, p) and a block of biomarkers (K, n)."""

    exposures: F8
    covariates: F8
    days: F8
    event: npt.NDArray[np.bool_]
    biomarkers: F4


def people(*, seed: int, n_exposures: int = 1) -> People:
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(N, P))
    exposures = rng.normal(size=(N, n_exposures)) + 0.2 * covariates[:, :1]
    biomarkers = 0.1 * exposures[:, 0] + rng.normal(size=(BLOCK, N))
    hazard = np.exp(-0.2 * exposures[:, 0] + 0.1 * biomarkers[0] + 0.2 * covariates[:, 0])
    onset = rng.exponential(1.0 / (0.04 / 4700.0 / hazard.mean() * hazard))
    end = rng.integers(4000, 5400, size=N)
    days = np.ceil(np.minimum(onset, end))
    return People(exposures, covariates, days, onset <= end, biomarkers.astype(np.float32))


def _scanned(one: People, exposure: int, n_biomarkers: int) -> PathScan:
    scanner = MediationScanner(
        exposure=one.exposures[:, exposure], exit=one.days, event=one.event, covariates=one.covariates
    )
    starts = range(0, n_biomarkers, BLOCK)
    return join_paths([scanner.paths(one.biomarkers[: min(BLOCK, n_biomarkers - start)]) for start in starts])


def _plain_twin(one: People, k: int) -> F8:
    fit = fit_natural_effects(
        exposure=one.exposures[:, 0], mediator=one.biomarkers[k].astype(np.float64), outcome=one.days, event=one.event,
        covariates=one.covariates,
    )  # fmt: skip
    assert fit.effects is not None
    return fit.effects.estimate[[EFFECTS.index(name) for name in ("pnde", "tnie", "te")]]


def _regmedint(one: People) -> tuple[float, F8] | None:
    """Seconds for PEER_MEDIATORS and their (pnde, tnie, te); None, with a word, where R has no regmedint."""
    rscript = shutil.which("Rscript")
    has_it = rscript is not None and (
        subprocess.run([rscript, "-e", "library(regmedint)"], capture_output=True, check=False).returncode == 0
    )
    if rscript is None or not has_it:
        print("bench: regmedint is not installed in R; the scan is timed without that peer", file=sys.stderr)
        return None
    names = ["a", "days", "event", *(f"c{j + 1}" for j in range(P)), *(f"m{k + 1}" for k in range(PEER_MEDIATORS))]
    table = np.column_stack(
        [one.exposures[:, 0], one.days, one.event, one.covariates, one.biomarkers[:PEER_MEDIATORS].T.astype(np.float64)]
    )
    with tempfile.TemporaryDirectory() as scratch:
        data, script = Path(scratch) / "people.csv", Path(scratch) / "peer.R"
        np.savetxt(data, table, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
        script.write_text(REGMEDINT)
        out = subprocess.run(
            [rscript, str(script), str(data), str(PEER_MEDIATORS)], capture_output=True, text=True, check=True
        ).stdout.split()
    return float(out[0]), np.array(out[1:], dtype=np.float64).reshape(PEER_MEDIATORS, 3)


def scan_measurement() -> Measurement:
    """One exposure through 3,000 biomarkers, delta and 1,000-draw intervals; one core."""
    one = people(seed=20260101)
    mediation_of_paths(_scanned(one, 0, BLOCK), seed=1)

    def ours() -> object:
        return mediation_of_paths(_scanned(one, 0, N_BIOMARKERS), seed=1)

    found = mediation_of_paths(_scanned(one, 0, BLOCK), seed=1)
    columns = [EFFECTS.index(name) for name in ("pnde", "tnie", "te")]
    mine = found.effects.estimate[:PEER_MEDIATORS][:, columns]
    peer = _regmedint(one)
    twins = np.stack([_plain_twin(one, k) for k in range(PEER_MEDIATORS)]) if peer is None else peer[1]
    return Measurement(
        "mediation scan",
        f"n {N:,}, {N_BIOMARKERS:,} biomarkers, {int(one.event.sum()):,} events",
        time_call(ours, repeats=2),
        peer=None if peer is None else "regmedint",
        peer_seconds=None if peer is None else peer[0] / PEER_MEDIATORS * N_BIOMARKERS,
        largest_difference=float(np.abs(mine - twins).max()),
    )


def families_measurement() -> Measurement:
    """8 exposures x 2 outcomes x 3,174 biomarkers, from an eighth of the biomarkers."""
    started = time.perf_counter()
    n_biomarkers = -(-ALL_BIOMARKERS // SHARE)
    for outcome in range(N_OUTCOMES):
        one = people(seed=20260102 + outcome, n_exposures=N_EXPOSURES)
        for exposure in range(N_EXPOSURES):
            mediation_of_paths(_scanned(one, exposure, n_biomarkers), seed=1)
    seconds = (time.perf_counter() - started) * SHARE
    return Measurement(
        "mediation, all families", f"{N_EXPOSURES} x {N_OUTCOMES} x {ALL_BIOMARKERS:,}, times {SHARE}", seconds
    )


def bootstrap_measurement() -> Measurement:
    """1,000 resamples of both models of one finalist."""
    one = people(seed=20260104)

    def ours() -> object:
        return bootstrap_natural_effects(
            exposure=one.exposures[:, 0], mediator=one.biomarkers[0].astype(np.float64), time=one.days,
            event=one.event, covariates=one.covariates, n_bootstraps=N_BOOTSTRAPS, seed=1,
        )  # fmt: skip

    return Measurement("bootstrap of one finalist", f"n {N:,}, {N_BOOTSTRAPS:,} resamples", time_call(ours, repeats=1))


def mediation_measurements() -> list[Measurement]:
    with threadpool_limits(limits=1):
        return [scan_measurement(), families_measurement(), bootstrap_measurement()]
