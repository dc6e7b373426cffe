"""The primary Cox models, fitted by lifelines."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from threadpoolctl import threadpool_limits

F8 = npt.NDArray[np.float64]
# The defaults stop 2e-6 short of the maximum; this reaches it to about 1e-10. r_precision would stop it sooner, by the
# log likelihood.
PRECISION = 1e-12
FIT_OPTIONS = {"precision": PRECISION, "r_precision": 1e-15}


@dataclass(frozen=True, slots=True)
class LifelinesFit:
    """beta (p,), standard_error (p,): of all covariates; refusal: why there is no estimate."""

    beta: F8
    standard_error: F8
    refusal: str | None


def fit_lifelines(*, days: F8, event: npt.NDArray[np.bool_], covariates: F8, start: F8) -> LifelinesFit:
    """Efron ties, whole days; covariates (n, p).

    start (p,): a first guess, of which one decimal is used: far enough away that lifelines finds the maximum itself by
    its own likelihood, near enough to save it half its slow steps.
    """
    frame = pd.DataFrame(covariates, columns=[f"x{j}" for j in range(covariates.shape[1])])
    frame["days"] = days
    frame["event"] = event
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # Convergence trouble is raised or refused below; the rest is advice on columns the design has already checked.
        warnings.simplefilter("ignore")
        try:
            # lifelines steps in standardised columns.
            guess = np.round(start, 1) * covariates.std(axis=0, ddof=1)
            fitter = CoxPHFitter().fit(frame, "days", "event", fit_options=FIT_OPTIONS, initial_point=guess)
        except (ConvergenceError, np.linalg.LinAlgError) as error:
            return LifelinesFit(np.empty(0), np.empty(0), f"lifelines did not converge: {type(error).__name__}")
    return LifelinesFit(fitter.params_.to_numpy(), fitter.standard_errors_.to_numpy(), None)


def fit_saved(path: Path) -> LifelinesFit:
    """`fit_lifelines` of the arrays that numpy.savez left in a file, which is taken away."""
    with np.load(path) as saved:
        arrays = {name: saved[name] for name in saved.files}
    path.unlink()
    return fit_lifelines(**arrays)
