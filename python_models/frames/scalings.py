"""How an exposure enters a model: the scalings of seeds/exposure_scalings.csv."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]
Scaling = Literal["per_sex_sd", "per_sd", "per_units", "sex_quarters", "per_category", "categories", "yes_vs_no"]
SCALINGS: tuple[str, ...] = get_args(Scaling)


@dataclass(frozen=True, slots=True)
class ScaledExposure:
    """An exposure as model columns.

    levels: k names of what one unit means. values (n, k). step: units of `values` that one unit of the scaling stands
    for, so that a coefficient times step is the reported one. is_raw: whether values is the exposure as measured: two
    such scalings are one model. note: the scale in words, with its numbers.
    """

    levels: tuple[str, ...]
    values: F8
    note: str = ""
    step: float = 1.0
    is_raw: bool = False


def _standardise(values: F8, groups: npt.NDArray[np.int32]) -> tuple[F8, dict[int, float]]:
    scaled = np.empty_like(values)
    deviations = {}
    for group in np.unique(groups):
        rows = groups == group
        deviation = float(values[rows].std(ddof=1)) if rows.sum() > 1 else float("nan")
        deviations[int(group)] = deviation
        scaled[rows] = (values[rows] - values[rows].mean()) / deviation
    return scaled, deviations


def scale_exposure(
    *, values: F8, sex: npt.NDArray[np.int32], sex_levels: tuple[str, ...], scaling: str, detail: float, unit: str
) -> ScaledExposure:
    """Express an exposure per unit of its scaling.

    values (n,): exposure, finite. sex (n,): codes into sex_levels. detail: units per step (per_units), number of
    groups (sex_quarters) or reference category (categories); NaN where the scaling needs none. unit: of the exposure.

    Raises
    ------
    ValueError: unknown scaling, with the known ones.
    """
    if scaling == "per_sex_sd":
        scaled, deviations = _standardise(values, sex)
        spelled = ", ".join(f"{sex_levels[group]} {deviation:.4g}" for group, deviation in deviations.items())
        return ScaledExposure(("per SD within sex",), scaled[:, None], f"SD in {unit}: {spelled}")
    if scaling == "per_sd":
        deviation = float(values.std(ddof=1))
        return ScaledExposure(("per SD",), values[:, None], f"SD in {unit}: {deviation:.4g}", deviation, True)
    if scaling == "per_units":
        return ScaledExposure((f"per {detail:g} {unit}",), values[:, None], step=detail, is_raw=True)
    if scaling == "per_category":
        return ScaledExposure(("per category",), values[:, None], "trend over ordered categories", is_raw=True)
    if scaling == "yes_vs_no":
        return ScaledExposure(("yes against no",), values[:, None], is_raw=True)
    if scaling == "categories":
        levels = [float(level) for level in np.unique(values) if level != detail]
        columns = np.column_stack([(values == level).astype(np.float64) for level in levels])
        return ScaledExposure(tuple(f"{level:g} against {detail:g}" for level in levels), columns)
    if scaling == "sex_quarters":
        groups = int(detail)
        rank = np.zeros(len(values), dtype=np.int64)
        for group in np.unique(sex):
            rows = sex == group
            cuts = np.quantile(values[rows], np.arange(1, groups) / groups)
            rank[rows] = np.searchsorted(cuts, values[rows], side="right")
        columns = np.column_stack([(rank == k).astype(np.float64) for k in range(1, groups)])
        names = tuple(f"group {k + 1} of {groups} against the lowest" for k in range(1, groups))
        return ScaledExposure(names, columns, "groups of equal size within sex")
    raise ValueError(f"scaling {scaling} is not one of {', '.join(SCALINGS)}")
