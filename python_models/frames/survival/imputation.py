"""Multiple imputation of covariates: chained predictive mean matching, as mice does it for ordered and other factors.

Each incomplete covariate in turn is regressed on all others, on the event and on the Nelson-Aalen cumulative hazard
(White & Royston 2009, Stat Med 28:1982); coefficients and residual variance are drawn from their posterior; a missing
value is taken from one of the five observed whose prediction is nearest. A factor is scored by its first canonical
variate with the predictors before it is regressed (mice >= 3.15, `quantify`). The exposure and the outcome are
predictors and are never imputed.

References: van Buuren 2018, Flexible Imputation of Missing Data, 2nd ed, algorithms 3.1, 3.3 and 4.3; Little 1988,
J Bus Econ Stat 6:287.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from python_models.frames.columns import MISSING, Categories, Column

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
UNKNOWN = "unknown"
# van Buuren 2018, section 3.4.2: five donors; few cycles do where one covariate's gaps hardly depend on another's.
N_DONORS = 5
N_CYCLES = 3
# mice's ridge: this share of the diagonal is added, so that sparse indicators cannot make the regression singular.
RIDGE = 1e-5


@dataclass(slots=True)
class _Variable:
    """One covariate: its values as codes or numbers, which are missing, and its columns in the design."""

    name: str
    values: F8
    missing: npt.NDArray[np.bool_]
    n_levels: int  # 0 for a number
    columns: slice


def _variables(columns: Mapping[str, Column], names: Sequence[str]) -> list[_Variable]:
    """Covariates with their place in the design; a factor with k levels takes k - 1 columns."""
    found, at = [], 0
    for name in names:
        column = columns[name]
        if isinstance(column, Categories):
            unknown = column.levels.index(UNKNOWN) if UNKNOWN in column.levels else MISSING
            missing = (column.codes == MISSING) | (column.codes == unknown)
            used, codes = np.unique(column.codes[~missing], return_inverse=True)
            values = np.full(len(missing), np.nan)
            values[~missing] = codes
            width, levels = max(len(used) - 1, 0), len(used)
        else:
            values, missing, width, levels = column.astype(np.float64), ~np.isfinite(column), 1, 0
        found.append(_Variable(name, values.copy(), missing, levels, slice(at, at + width)))
        at += width
    return found


def _as_columns(variable: _Variable) -> F8:
    if variable.n_levels == 0:
        return variable.values[:, None]
    return (variable.values[:, None] == np.arange(1, variable.n_levels)).astype(np.float64)


def _quantified(codes: I8, n_levels: int, cross: F8, gram: F8) -> F8:
    """Scores of the levels (n_levels,): first canonical variate of the indicators with the predictors.

    codes (m,): level of each observed row; cross (q, n_levels): predictors summed by level; gram (q, q): products.
    """
    counts = np.maximum(np.bincount(codes, minlength=n_levels).astype(np.float64), 1.0)
    mean = np.outer(cross.sum(axis=1), counts / counts.sum())
    between = (cross - mean) / np.sqrt(counts)
    # The level scores whose share of variance explained by the predictors is greatest.
    explained = between.T @ np.linalg.solve(gram, between)
    return np.asarray(linalg.eigh(0.5 * (explained + explained.T))[1][:, -1] / np.sqrt(counts), dtype=np.float64)


def _draw(variable: _Variable, design: F8, gram: F8, rng: np.random.Generator) -> None:
    """Replace the missing values of one variable by those of donors.

    design (n, q): all standardised columns and a constant, the variable's own among them; gram (q, q): their products.
    """
    observed = ~variable.missing
    others = np.ones(design.shape[1], dtype=np.bool_)
    others[variable.columns] = False
    of_missing = design[variable.missing]
    # Products over the observed: all less the missing, which are few; nothing of n rows is copied.
    own = (gram - of_missing.T @ of_missing)[np.ix_(others, others)]
    own[np.diag_indices_from(own)] *= 1.0 + RIDGE
    own[np.diag_indices_from(own)] += RIDGE
    y = np.where(observed, variable.values, 0.0)
    if variable.n_levels > 2:
        codes = variable.values[observed].astype(np.int64)
        is_level = (y[:, None] == np.arange(variable.n_levels)) & observed[:, None]
        cross = (design.T @ is_level.astype(np.float64))[others]
        scores = _quantified(codes, variable.n_levels, cross, own)
        y = np.where(observed, scores[y.astype(np.int64)], 0.0)
    centred = np.where(observed, y - y[observed].mean(), 0.0)
    factor = linalg.cholesky(own, lower=True)
    beta = np.zeros(design.shape[1])
    beta[others] = linalg.cho_solve((factor, True), (design.T @ centred)[others])
    fitted = design @ beta
    residual = (centred - fitted)[observed]
    sigma = np.sqrt(float(residual @ residual) / rng.chisquare(max(int(observed.sum()) - int(others.sum()), 1)))
    drawn = beta.copy()
    noise = linalg.solve_triangular(factor, rng.standard_normal(int(others.sum())), lower=True, trans="T")
    drawn[others] += sigma * noise
    # Type 1 matching: the observed are predicted by the estimate, the missing by the draw.
    donors = _donors(fitted[observed], of_missing @ drawn, rng)
    variable.values[variable.missing] = variable.values[observed][donors]


def _donors(observed: F8, wanted: F8, rng: np.random.Generator) -> I8:
    """For each wanted prediction (k,), one of the nearest observed ones (m,): index into observed."""
    order = np.argsort(observed, kind="stable")
    ordered = observed[order]
    place = np.searchsorted(ordered, wanted)
    around = np.clip(place[:, None] + np.arange(-N_DONORS, N_DONORS)[None, :], 0, len(ordered) - 1)
    distance = np.abs(ordered[around] - wanted[:, None])
    near = np.argsort(distance, axis=1, kind="stable")[:, :N_DONORS]
    chosen = near[np.arange(len(wanted)), rng.integers(0, N_DONORS, len(wanted))]
    return order[around[np.arange(len(wanted)), chosen]]


def impute_covariates(
    *,
    columns: Mapping[str, Column],
    covariates: Sequence[str],
    predictors: F8,
    rng: np.random.Generator,
    n_cycles: int = N_CYCLES,
) -> dict[str, Column]:
    """One completed copy of the covariates.

    columns: arrays (n,) by covariate, the level `unknown` and NaN being missing. predictors (n, q): finite columns that
    are not imputed: exposure, event, cumulative hazard. Draws are those of `rng`.

    Raises
    ------
    ValueError: a covariate that nobody has.
    """
    variables = _variables(columns, covariates)
    empty = [variable.name for variable in variables if variable.missing.all()]
    if empty:
        raise ValueError(f"nobody has {', '.join(empty)}: nothing to impute from")
    n_columns = variables[-1].columns.stop if variables else 0
    n = len(predictors)
    # By column: a variable's own columns are rewritten in every cycle.
    design = np.ones((n, n_columns + predictors.shape[1] + 1), order="F")
    design[:, n_columns:-1] = (predictors - predictors.mean(axis=0)) / np.maximum(predictors.std(axis=0), 1e-12)
    incomplete = sorted((v for v in variables if v.missing.any()), key=lambda v: int(v.missing.sum()))
    for variable in variables:
        observed = variable.values[~variable.missing]
        variable.values[variable.missing] = rng.choice(observed, int(variable.missing.sum()))
        design[:, variable.columns] = _as_columns(variable)
    centre = design[:, :n_columns].mean(axis=0)
    spread = design[:, :n_columns].std(axis=0)
    spread[spread == 0.0] = 1.0
    design[:, :n_columns] = (design[:, :n_columns] - centre) / spread
    gram = design.T @ design
    for _ in range(n_cycles):
        for variable in incomplete:
            _draw(variable, design, gram, rng)
            fresh = (_as_columns(variable) - centre[variable.columns]) / spread[variable.columns]
            design[:, variable.columns] = fresh
            cross = design.T @ fresh
            gram[:, variable.columns] = cross
            gram[variable.columns, :] = cross.T
    return {variable.name: _completed(variable, columns[variable.name]) for variable in variables}


def _completed(variable: _Variable, original: Column) -> Column:
    if not isinstance(original, Categories):
        return variable.values
    unknown = original.levels.index(UNKNOWN) if UNKNOWN in original.levels else MISSING
    used = np.unique(original.codes[(original.codes != MISSING) & (original.codes != unknown)])
    return Categories(used[variable.values.astype(np.int64)].astype(np.int32), original.levels)
