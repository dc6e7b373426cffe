"""All composite-null tests of one panel side by side: joint significance, HDMT, DACT and the product test JT-comp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.placo import placo
from python_models.estimators.mediation.composite_null import MIN_TESTS, Dact, Hdmt, dact, hdmt, max_p
from python_models.estimators.mediation.faults import FloatArray, raise_if_any
from python_models.estimators.multiplicity import adjust_p_values


@dataclass(frozen=True, slots=True)
class JtComp:
    """p (m,) of the product z_a z_b under the composite null; variance_a, variance_b of its z; notes on its use.

    refusal: None, or why there is no p (then NaN).
    """

    p: FloatArray
    variance_a: float
    variance_b: float
    notes: tuple[str, ...]
    refusal: str | None


@dataclass(frozen=True, slots=True)
class HighDimensional:
    """Tests of m mediators.

    p_a, p_b, p_joint (m,): the two paths and their maximum; q_joint (m,): Benjamini-Hochberg of p_joint, the plain
    method. n_a, n_b, n_both: paths significant at `level` by themselves; where n_a is near m, joint significance is
    little more than the test of b.
    """

    p_a: FloatArray
    p_b: FloatArray
    p_joint: FloatArray
    q_joint: FloatArray
    hdmt: Hdmt
    dact: Dact
    jt_comp: JtComp
    n_a: int
    n_b: int
    n_both: int
    level: float


def jt_comp(z_a: npt.ArrayLike, z_b: npt.ArrayLike) -> JtComp:
    """Test of the product of two z, each null or N(0, 1 + spread): the algebra of PLACO with independent z.

    z_a, z_b (m,), finite. Too small a p where few mediators carry all of a path's effects: see `placo`.

    References: Huang 2019, Ann Appl Stat 13:60-84, section 3 (JT-comp).
    """
    m = np.shape(z_a)[0]
    reason = f"{m} tests: the spread of the z needs at least {MIN_TESTS}" if m < MIN_TESTS else None
    if reason is None:
        try:
            result = placo(z_1=z_a, z_2=z_b, method="placo", maximum_z_squared=None)
        except GeneticsInputError as error:
            # A panel in which nearly every mediator has a path leaves no null ones to take the spread from.
            reason = str(error)
    if reason is not None:
        return JtComp(np.full(m, np.nan), np.nan, np.nan, (), reason)
    parameters = result.parameters
    return JtComp(result.p, parameters.variance_1, parameters.variance_2, result.notes, None)


def composite_tests(z_a: npt.ArrayLike, z_b: npt.ArrayLike, *, level: float = 0.05) -> HighDimensional:
    """Every test from the z of the mediator model's exposure (z_a) and of the outcome model's mediator (z_b), each
    (m,).

    Raises MediationInputError for values that are not finite or different lengths. Refusals of single tests are in
    them.
    """
    a, b = np.asarray(z_a, dtype=np.float64), np.asarray(z_b, dtype=np.float64)
    faults = (
        [] if a.shape == b.shape and a.ndim == 1 else [f"z_a {a.shape} and z_b {b.shape} must be one z per mediator"]
    )
    for name, z in (("z_a", a), ("z_b", b)):
        n_bad = int(np.count_nonzero(~np.isfinite(z)))
        faults += [f"{name} has {n_bad} values that are not finite"] if n_bad else []
    raise_if_any(faults)
    p_a, p_b = 2.0 * ndtr(-np.abs(a)), 2.0 * ndtr(-np.abs(b))
    p_joint = max_p(p_a, p_b)
    is_a, is_b = p_a < level, p_b < level
    return HighDimensional(
        p_a=p_a,
        p_b=p_b,
        p_joint=p_joint,
        q_joint=adjust_p_values(p_joint),
        hdmt=hdmt(p_a, p_b),
        dact=dact(p_a, p_b, z_a=a, z_b=b),
        jt_comp=jt_comp(a, b),
        n_a=int(is_a.sum()),
        n_b=int(is_b.sum()),
        n_both=int((is_a & is_b).sum()),
        level=level,
    )
