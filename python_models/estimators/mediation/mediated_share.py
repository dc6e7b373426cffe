"""The share of an effect that goes through a mediator: three definitions, never one number without its name.

Worked (hazard ratio of the total effect 0.544, indirect effect -0.2 on the log scale): log scale 32.9 %, VanderWeele
26.4 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray, choice_fault, raise_if_any

# log_scale: indirect / total, on the log hazard scale (VanderWeele 2015, section 2.13, continuous outcome).
# vanderweele: excess ratio of the indirect effect, exp(direct) (exp(indirect) - 1) / (exp(direct + indirect) - 1).
# excess_relative_risk: (HR_total - HR_direct) / (HR_total - 1), PERM, with the total effect of a model without the
#   mediator: the difference method, which drifts where the outcome is common because hazard ratios do not collapse.
ShareDefinition = Literal["log_scale", "vanderweele", "excess_relative_risk"]


@dataclass(frozen=True, slots=True)
class MediatedShare:
    """Shares of m mediators under one definition, as proportions (0.26 = 26 %).

    share, lower, upper (m,): NaN where refused, and lower, upper also where no draws were given.
    refusal: m reasons, None where the share is given.
    """

    definition: ShareDefinition
    share: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    refusal: tuple[str | None, ...]


def share_values(
    *, definition: ShareDefinition, total: FloatArray, direct: FloatArray, indirect: FloatArray
) -> FloatArray:
    """The share from log-ratio effects of any one shape, without asking whether it has a meaning.

    total : of the same model as direct and indirect (their sum), except for excess_relative_risk.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if definition == "log_scale":
            return indirect / total
        if definition == "vanderweele":
            return np.exp(direct) * np.expm1(indirect) / np.expm1(total)
        return (np.expm1(total) - np.expm1(direct)) / np.expm1(total)


def mediated_share(
    *,
    definition: ShareDefinition,
    total: npt.ArrayLike,
    direct: npt.ArrayLike,
    indirect: npt.ArrayLike,
    total_lower: npt.ArrayLike,
    total_upper: npt.ArrayLike,
    draws: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> MediatedShare:
    """Shares with percentile intervals, refused where a share has no meaning.

    total, direct, indirect (m,) or scalars: log ratios. excess_relative_risk takes total from the model without the
    mediator and direct from the model with it; the other two take total = direct + indirect.
    total_lower, total_upper (m,): interval of the total effect. draws (m, draws, 3) of (total, direct, indirect):
    Monte-Carlo or bootstrap draws; a delta interval is not offered, the ratio is too far from normal.

    Refused: the total effect's interval includes zero (the denominator is not distinguishable from zero), or direct and
    indirect effects have opposite signs (inconsistent mediation: the share is negative or above one).
    """
    arrays = {
        "total": total,
        "direct": direct,
        "indirect": indirect,
        "total_lower": total_lower,
        "total_upper": total_upper,
    }
    columns = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in arrays.items()}
    shape = columns["total"].shape
    faults = choice_fault(name="definition", value=definition, allowed=get_args(ShareDefinition))
    for name, values in columns.items():
        if values.shape != shape or values.ndim != 1:
            faults.append(f"{name} has shape {values.shape}, expected {shape}")
        elif not np.isfinite(values).all():
            faults.append(f"{name} has {int(np.count_nonzero(~np.isfinite(values)))} values that are not finite")
    sampled = None if draws is None else np.asarray(draws, dtype=np.float64)
    if sampled is not None and (sampled.ndim != 3 or sampled.shape[0] != shape[0] or sampled.shape[-1] != 3):
        faults.append(f"draws has shape {sampled.shape}, expected ({shape[0]}, draws, 3)")
    raise_if_any(faults)

    total_, direct_, indirect_ = columns["total"], columns["direct"], columns["indirect"]
    if definition == "excess_relative_risk":
        # What the difference method calls indirect; its sign is what must agree with the total.
        indirect_ = total_ - direct_
    crosses = (columns["total_lower"] <= 0) & (columns["total_upper"] >= 0)
    conflicts = direct_ * indirect_ < 0
    refusal = tuple(_reason(bool(c), bool(s)) for c, s in zip(crosses, conflicts, strict=True))
    is_given = ~(crosses | conflicts)
    share = np.full(shape, np.nan)
    share[is_given] = share_values(
        definition=definition, total=total_[is_given], direct=direct_[is_given], indirect=indirect_[is_given]
    )
    lower, upper = np.full(shape, np.nan), np.full(shape, np.nan)
    if sampled is not None and is_given.any():
        of_draws = share_values(
            definition=definition,
            total=sampled[is_given, :, 0],
            direct=sampled[is_given, :, 1],
            indirect=sampled[is_given, :, 2],
        )
        tail = 0.5 - level / 2.0
        lower[is_given], upper[is_given] = np.quantile(of_draws, [tail, 1.0 - tail], axis=1)
    return MediatedShare(definition, share, lower, upper, level, refusal)


def _reason(crosses_zero: bool, signs_conflict: bool) -> str | None:
    if crosses_zero:
        return "the total effect is not distinguishable from zero"
    if signs_conflict:
        return "direct and indirect effects have opposite signs (inconsistent mediation)"
    return None
