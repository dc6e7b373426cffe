"""Biomarker scans beside R's coxph, lifelines and statsmodels: one thread, processor seconds, answers first."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from lifelines import CoxPHFitter
from threadpoolctl import threadpool_limits

from python_models.estimators.scans.cox_scan import CoxScanner
from python_models.estimators.scans.linear_scan import LinearScanner
from python_models.frames.survival.lifelines_cox import PRECISION
from tests.benchmarks.measure import Measurement

P, EVENT_SHARE, MISSING = 12, 0.04, 0.05
BLOCK = 128
# Models the slow peers fit: their time per model does not depend on how many follow.
PEER_MODELS = 6
F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]

COXPH = """
suppressMessages(library(survival))
folder <- commandArgs(TRUE)[1]
k <- as.integer(commandArgs(TRUE)[2])
n <- as.integer(commandArgs(TRUE)[3])
p <- as.integer(commandArgs(TRUE)[4])
doubles <- function(name, m) readBin(file.path(folder, name), "double", m)
days <- doubles("days", n); event <- doubles("event", n)
z <- matrix(doubles("covariates", n * p), n)
x <- matrix(doubles("biomarkers", n * k), n)
answer <- function(values, control) {
  known <- !is.nan(values)
  fit <- coxph(Surv(days[known], event[known]) ~ values[known] + z[known, ], ties = "efron", control = control)
  c(coef(fit)[1], sqrt(vcov(fit)[1, 1]))
}
seconds <- system.time(for (j in 1:k) answer(x[, j], coxph.control()))
# Equality is asked at the maximum, where the default tolerance stops short of.
exact <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)
found <- sapply(1:k, function(j) answer(x[, j], exact))
cat(sprintf("%.17g", c(seconds[["user.self"]] + seconds[["sys.self"]], found)), sep = "\\n")
"""


@dataclass(frozen=True, slots=True)
class Case:
    """n people, P covariates, follow-up in whole days with ties, and a way to draw biomarkers block by block."""

    covariates: F8
    days: F8
    event: npt.NDArray[np.bool_]

    def block(self, k: int, seed: int) -> F4:
        """Biomarkers (k, n), some tied to a covariate, MISSING of the values missing."""
        rng = np.random.default_rng(seed)
        values = rng.standard_normal((k, self.days.size), dtype=np.float32)
        values[::16] += 0.3 * self.covariates[:, 0].astype(np.float32)
        values[rng.random((k, self.days.size), dtype=np.float32) < MISSING] = np.nan
        return values


def draw_case(n: int) -> Case:
    rng = np.random.default_rng(20260101)
    covariates = rng.normal(size=(n, P))
    hazard = np.exp(covariates @ rng.normal(scale=0.2, size=P))
    onset = rng.exponential(4700.0 * hazard.mean() / (EVENT_SHARE * hazard))
    end = rng.integers(4000, 5400, size=n)
    return Case(covariates, np.ceil(np.minimum(onset, end)), onset <= end)


def processor_seconds(call: Callable[[], object], *, repeats: int = 2) -> float:
    """Smallest of a few processor times of this process."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


def _coxph(case: Case, biomarkers: F4) -> tuple[float, F8] | None:
    """Processor seconds of coxph per model, and (coefficient, standard error) of each; None without R's survival."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        case.days.tofile(folder / "days")
        case.event.astype(np.float64).tofile(folder / "event")
        np.asfortranarray(case.covariates).T.tofile(folder / "covariates")
        biomarkers.astype(np.float64).tofile(folder / "biomarkers")
        (folder / "coxph.R").write_text(COXPH)
        sizes = [str(size) for size in (len(biomarkers), case.days.size, P)]
        done = subprocess.run(
            ["Rscript", "--vanilla", str(folder / "coxph.R"), scratch, *sizes],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        print(f"bench: coxph did not run: {done.stderr.strip().splitlines()[-1:]}")
        return None
    seconds, *answers = (float(line) for line in done.stdout.split())
    return seconds / len(biomarkers), np.array(answers).reshape(-1, 2)


def _lifelines(case: Case, biomarkers: F4) -> tuple[float, F8]:
    answers = []

    def fit() -> None:
        for values in biomarkers:
            known = np.isfinite(values)
            frame = pd.DataFrame(case.covariates[known], columns=[f"z{j}" for j in range(P)])
            frame = frame.assign(x=values[known].astype(float), days=case.days[known], event=case.event[known])
            fitted = CoxPHFitter().fit(frame, "days", "event", fit_options={"precision": PRECISION})
            answers.append((fitted.params_["x"], fitted.standard_errors_["x"]))

    return processor_seconds(fit, repeats=1) / len(biomarkers), np.array(answers)


def _panel_seconds(scanner: CoxScanner | LinearScanner, case: Case, n_biomarkers: int) -> float:
    """Processor seconds of scanning a panel that is drawn block by block, the drawing left out."""
    seconds = 0.0
    for start in range(0, n_biomarkers, BLOCK):
        block = case.block(min(BLOCK, n_biomarkers - start), start)
        started = time.process_time()
        scanner.scan(block)
        seconds += time.process_time() - started
    return seconds


def cox_scan_measurements(n: int, n_biomarkers: int) -> list[Measurement]:
    """The whole panel, drawn block by block; then the first models beside each peer."""
    case = draw_case(n)
    scanner = CoxScanner(exit=case.days, event=case.event, covariates=case.covariates)
    scanner.scan(case.block(BLOCK, 0))
    seconds = _panel_seconds(scanner, case, n_biomarkers)
    size = f"n {n:,}, p {P}, {int(case.event.sum()):,} events"
    measured = [Measurement(f"Cox scan of {n_biomarkers:,}", size, seconds)]
    few = case.block(BLOCK, 0)[:PEER_MODELS]
    mine = scanner.scan(few)
    answers = np.column_stack([mine.beta, mine.standard_error])
    coxph = _coxph(case, few)
    peers = {"lifelines": _lifelines(case, few[:2])}
    if coxph is None:
        print("bench: R with survival is not here: apt-get install r-base-core r-cran-survival")
    else:
        peers["coxph"] = coxph
    for name, (of_peer, theirs) in peers.items():
        difference = float(np.abs(answers[: len(theirs)] - theirs).max())
        measured.append(Measurement("one model of it", size, seconds / n_biomarkers, None, name, of_peer, difference))
    return measured


def linear_scan_measurements(n: int, n_biomarkers: int) -> list[Measurement]:
    case = draw_case(n)
    exposure, rest = case.covariates[:, 0], case.covariates[:, 1:]
    measured = []
    for variance, of_peer in (("classical", "nonrobust"), ("hc3", "HC3")):
        scanner = LinearScanner(exposure=exposure, covariates=rest, variance=variance)  # type: ignore[arg-type]
        scanner.scan(case.block(BLOCK, 0)[:2])
        seconds = _panel_seconds(scanner, case, n_biomarkers)
        few = case.block(BLOCK, 0)[:2]
        mine = scanner.scan(few)
        theirs = []

        def fit(of_peer: str = of_peer, few: F4 = few, theirs: list[tuple[float, float]] = theirs) -> None:
            for values in few:
                known = np.isfinite(values)
                x = sm.add_constant(np.column_stack([exposure, rest])[known])
                fitted = sm.OLS(values[known].astype(float), x).fit(cov_type=of_peer)
                theirs.append((fitted.params[1], fitted.bse[1]))

        peer_seconds = processor_seconds(fit, repeats=1) / len(few)
        answers = np.column_stack([mine.beta[:, 0], mine.standard_error[:, 0]])
        difference = float(np.abs(answers - np.array(theirs)).max())
        size = f"n {n:,}, p {P}, {variance}"
        measured.append(Measurement(f"linear scan of {n_biomarkers:,}", size, seconds))
        one = seconds / n_biomarkers
        measured.append(Measurement("one model of it", size, one, None, "statsmodels", peer_seconds, difference))
    return measured


def scan_measurements() -> list[Measurement]:
    with threadpool_limits(limits=1):
        return [
            *cox_scan_measurements(50_000, 2_923),
            *cox_scan_measurements(300_000, 251),
            *linear_scan_measurements(50_000, 2_923),
        ]
