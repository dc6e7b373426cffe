"""The house estimators beside their peers: the same answer first, then the ratio in the same run."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.survival.lifelines_cox import FIT_OPTIONS
from tests.benchmarks.measure import Measurement, time_call

N, P, EVENT_SHARE = 50_000, 12, 0.04


R_SCRIPT = Path(__file__).with_name("coxph.R")
REPEATS = 3


@dataclass(frozen=True, slots=True)
class CoxData:
    """covariates (n, p), days (n,) whole with ties, event (n,)."""

    covariates: np.ndarray
    days: np.ndarray
    event: np.ndarray

    @property
    def frame(self) -> pd.DataFrame:
        names = [f"x{j}" for j in range(self.covariates.shape[1])]
        return pd.DataFrame(self.covariates, columns=names).assign(days=self.days, event=self.event)

    @property
    def size(self) -> str:
        n, p = self.covariates.shape
        return f"n {n:,}, p {p}, {int(self.event.sum()):,} events"


def cox_data() -> CoxData:
    """n = 50,000, p = 12, 4 % events over 11 to 15 years."""
    rng = np.random.default_rng(20260101)
    covariates = rng.normal(size=(N, P))
    hazard = np.exp(covariates @ rng.normal(scale=0.2, size=P))
    scale = EVENT_SHARE / 4700.0 / hazard.mean()
    onset = rng.exponential(1.0 / (scale * hazard))
    end = rng.integers(4000, 5400, size=N)
    return CoxData(covariates, np.ceil(np.minimum(onset, end)), onset <= end)


def fit_by_lifelines(data: CoxData) -> tuple[np.ndarray, float]:
    """Coefficients and seconds."""
    frame = data.frame

    def fitted() -> np.ndarray:
        return CoxPHFitter().fit(frame, "days", "event", fit_options=FIT_OPTIONS).params_.to_numpy()

    return fitted(), time_call(fitted, repeats=REPEATS)


def fit_by_coxph(data: CoxData) -> tuple[np.ndarray, float] | None:
    """Coefficients and seconds inside R, reading left out; None, and a word, where R or `survival` is absent."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        print("bench: Rscript is not installed; the comparison with coxph is left out", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "data.csv"
        data.frame.astype({"event": int}).to_csv(path, index=False, float_format="%.17g")
        finished = subprocess.run(
            [rscript, "--vanilla", str(R_SCRIPT), str(path), str(REPEATS)], capture_output=True, text=True, check=False
        )
    if finished.returncode:
        print(f"bench: coxph is left out: {finished.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    numbers = [float(line) for line in finished.stdout.split()]
    return np.array(numbers[1:]), numbers[0]


def cox_measurements() -> list[Measurement]:
    """One Cox fit of the house estimator beside lifelines and R's coxph, one BLAS thread each."""
    data = cox_data()

    def ours() -> np.ndarray:
        return fit_cox(exit=data.days, event=data.event, covariates=data.covariates).beta

    measured = []
    with threadpool_limits(limits=1):
        beta = ours()
        for peer, answer in (("lifelines", fit_by_lifelines(data)), ("coxph", fit_by_coxph(data))):
            if answer is not None:
                theirs, seconds = answer
                measured.append(
                    Measurement(
                        "one Cox fit",
                        data.size,
                        time_call(ours, repeats=REPEATS),
                        peer=peer,
                        peer_seconds=seconds,
                        largest_difference=float(np.abs(beta - theirs).max()),
                    )
                )
    return measured


def estimator_measurements() -> list[Measurement]:
    return cox_measurements()
