"""Two-sample Mendelian randomization: the effect of an exposure on an outcome through SNPs that move the exposure."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, vectors_of_one_length
from python_models.estimators.genetics.normal_tails import two_sided_p

Method = Literal["wald_ratio", "ivw", "ivw_fixed", "ivw_multiplicative", "egger", "weighted_median", "simple_median"]
MAIN_METHODS: tuple[Method, ...] = ("wald_ratio", "ivw", "egger", "weighted_median")

DEFAULT_N_BOOTSTRAP = 1_000
WEAK_INSTRUMENT_F = 10.0  # mean F below it: more than 10 % of the confounded bias remains (Staiger and Stock 1997)
NEGLIGIBLE_OVERLAP = 0.05  # share of the exposure's sample also in the outcome's
DILUTED_I_SQUARED = 0.9  # I^2 of the instruments below it: Egger's slope is diluted (Bowden 2016)


@dataclass(frozen=True, slots=True)
class Instruments:
    """Harmonised SNP effects, all (n,), finite, standard errors positive."""

    beta_exposure: FloatArray
    se_exposure: FloatArray
    beta_outcome: FloatArray
    se_outcome: FloatArray

    @classmethod
    def of(
        cls, *, beta_exposure: ArrayLike, se_exposure: ArrayLike, beta_outcome: ArrayLike, se_outcome: ArrayLike
    ) -> "Instruments":
        """Checked instruments.

        Raises
        ------
        GeneticsInputError
            If lengths differ, a value is missing, a standard error is not positive or an exposure effect is 0.
        """
        vectors = vectors_of_one_length(
            beta_exposure=beta_exposure, se_exposure=se_exposure, beta_outcome=beta_outcome, se_outcome=se_outcome
        )
        faults = []
        n_missing = int((~np.isfinite(np.vstack(vectors))).any(axis=0).sum())
        if n_missing:
            faults.append(f"{n_missing:,} instruments lack an effect or a standard error: drop them first")
        for name, vector in (("se_exposure", vectors[1]), ("se_outcome", vectors[3])):
            if (vector <= 0).any():
                faults.append(f"{name}: {int((vector <= 0).sum()):,} standard errors are not positive")
        if (vectors[0] == 0).any():
            faults.append(f"{int((vectors[0] == 0).sum()):,} instruments do not move the exposure (beta_exposure 0)")
        if faults:
            raise GeneticsInputError(faults)
        return cls(*vectors)

    @property
    def n(self) -> int:
        return self.beta_exposure.size

    def without(self, index: int) -> "Instruments":
        return Instruments(*(np.delete(getattr(self, name), index) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class CausalEstimate:
    """One method's estimate: outcome per unit of exposure, both on the scale of their effects.

    estimate, standard_error, p : of the causal effect.
    q, q_degrees_of_freedom, q_p : Cochran's (Ruecker's, for Egger) heterogeneity of the instruments.
    intercept, intercept_standard_error, intercept_p : Egger only; directional pleiotropy.
    refusal : why the method gives no estimate.
    """

    method: Method
    n_instruments: int
    refusal: str | None = None
    estimate: float | None = None
    standard_error: float | None = None
    p: float | None = None
    q: float | None = None
    q_degrees_of_freedom: int | None = None
    q_p: float | None = None
    intercept: float | None = None
    intercept_standard_error: float | None = None
    intercept_p: float | None = None


def causal_estimate(
    instruments: Instruments,
    *,
    method: Method,
    rng: np.random.Generator | None = None,
    n_bootstrap: int = DEFAULT_N_BOOTSTRAP,
) -> CausalEstimate:
    """The causal effect by one method.

    "wald_ratio": one instrument, b_out / b_exp. "ivw": regression through 0 weighted by 1 / se_out^2, its standard
    error never below the fixed-effect one; "ivw_multiplicative" without that floor; "ivw_fixed" the fixed-effect one.
    "egger": with an intercept, all exposure effects made positive. "weighted_median", "simple_median": of the ratios,
    standard error by `n_bootstrap` parametric bootstraps drawn from `rng`.

    Raises
    ------
    GeneticsInputError
        If the method is unknown or a median has no `rng`.

    References
    ----------
    Burgess et al. 2013, Genetic Epidemiology 37:658-665 (IVW); Bowden et al. 2015, IJE 44:512-525 (Egger); Bowden et
    al. 2016, Genetic Epidemiology 40:304-314 (weighted median, eq. 6 and Appendix).
    """
    if method in ("weighted_median", "simple_median"):
        if rng is None:
            raise GeneticsInputError([f"{method} bootstraps its standard error: pass rng, a numpy default_rng(seed)"])
        return _median(instruments, method=method, rng=rng, n_bootstrap=n_bootstrap)
    if method == "wald_ratio":
        return _wald_ratio(instruments)
    if method == "egger":
        return _egger(instruments)
    if method in ("ivw", "ivw_fixed", "ivw_multiplicative"):
        return _inverse_variance_weighted(instruments, method=method)
    raise GeneticsInputError([f"method {method!r} is unknown; use one of {Method.__args__}"])  # type: ignore[attr-defined]


def causal_estimates(
    instruments: Instruments, *, rng: np.random.Generator, n_bootstrap: int = DEFAULT_N_BOOTSTRAP
) -> tuple[CausalEstimate, ...]:
    """The methods to show side by side; those that need more instruments come back as refusals."""
    return tuple(
        causal_estimate(instruments, method=method, rng=rng, n_bootstrap=n_bootstrap) for method in MAIN_METHODS
    )


def leave_one_out(instruments: Instruments, *, method: Method = "ivw") -> tuple[CausalEstimate, ...]:
    """The estimate without each instrument in turn, in the order of the instruments."""
    return tuple(causal_estimate(instruments.without(i), method=method) for i in range(instruments.n))


@dataclass(frozen=True, slots=True)
class InstrumentStrength:
    """How far weak instruments and shared participants can be trusted.

    mean_f : mean of (b_exp / se_exp)^2.
    i_squared : share of the spread of |b_exp| that is not noise, in [0, 1]; 0 with one instrument.
    expected_relative_bias : share of the confounded estimate's bias that remains: overlap / mean F.
    notes : warnings in words.
    """

    mean_f: float
    i_squared: float
    expected_relative_bias: float
    notes: tuple[str, ...]


def instrument_strength(
    instruments: Instruments, *, overlap_share: float = 0.0, is_overlap_known: bool = False
) -> InstrumentStrength:
    """Strength of the instruments for a given overlap of the two samples.

    overlap_share : participants of both studies as a share of the larger one's, in [0, 1]; 1 within UK Biobank.
    is_overlap_known : whether that was stated or is the worst case; the note says which.

    References
    ----------
    Burgess, Davies and Thompson 2016, Genetic Epidemiology 40:597-608 (bias under overlap); Bowden et al. 2016, IJE
    45:1961-1974 (I^2 of the instruments).
    """
    if not 0 <= overlap_share <= 1:
        raise GeneticsInputError([f"overlap_share is {overlap_share}; give a share between 0 and 1"])
    f_statistic = (instruments.beta_exposure / instruments.se_exposure) ** 2
    mean_f = float(f_statistic.mean())
    size, weight = np.abs(instruments.beta_exposure), 1 / instruments.se_exposure**2
    q = float((weight * (size - np.average(size, weights=weight)) ** 2).sum())
    i_squared = max(0.0, 1 - (instruments.n - 1) / q) if q > 0 else 0.0
    bias = overlap_share / mean_f
    notes = []
    if mean_f < WEAK_INSTRUMENT_F:
        notes.append(f"mean F is {mean_f:.1f} < {WEAK_INSTRUMENT_F:g}: weak instruments")
    if overlap_share > NEGLIGIBLE_OVERLAP:
        basis = "as stated" if is_overlap_known else "assumed, not known"
        notes.append(
            f"{basis}: the studies share {overlap_share:.0%} of their participants; the estimate is then drawn to the "
            f"confounded one by about {bias:.1%} of its bias; selecting instruments in the same data adds to that"
        )
    if instruments.n >= 3 and i_squared < DILUTED_I_SQUARED:
        notes.append(f"I^2 of the instruments is {i_squared:.2f} < {DILUTED_I_SQUARED}: Egger's slope is diluted")
    return InstrumentStrength(mean_f=mean_f, i_squared=i_squared, expected_relative_bias=bias, notes=tuple(notes))


def _too_few(method: Method, *, n: int, needed: int) -> CausalEstimate | None:
    if n >= needed:
        return None
    return CausalEstimate(method, n, refusal=f"{n} instruments; {method} needs at least {needed}")


def _wald_ratio(instruments: Instruments) -> CausalEstimate:
    if instruments.n != 1:
        refusal = f"{instruments.n} instruments; wald_ratio is for exactly one"
        return CausalEstimate("wald_ratio", instruments.n, refusal=refusal)
    estimate = float(instruments.beta_outcome[0] / instruments.beta_exposure[0])
    error = float(instruments.se_outcome[0] / abs(instruments.beta_exposure[0]))
    return CausalEstimate(
        "wald_ratio", 1, estimate=estimate, standard_error=error, p=float(two_sided_p(estimate / error))
    )


def _inverse_variance_weighted(instruments: Instruments, *, method: Method) -> CausalEstimate:
    n = instruments.n
    if refused := _too_few(method, n=n, needed=2):
        return refused
    weight = 1 / instruments.se_outcome**2
    information = float((weight * instruments.beta_exposure**2).sum())
    estimate = float((weight * instruments.beta_exposure * instruments.beta_outcome).sum()) / information
    residual = instruments.beta_outcome - estimate * instruments.beta_exposure
    q = float((weight * residual**2).sum())
    dispersion = np.sqrt(q / (n - 1))
    inflation = {"ivw": max(dispersion, 1.0), "ivw_multiplicative": dispersion, "ivw_fixed": 1.0}[method]
    error = float(inflation / np.sqrt(information))
    if error == 0.0:
        return CausalEstimate(method, n, refusal="the instruments agree exactly: no spread to take an error from")
    return CausalEstimate(
        method,
        n,
        estimate=estimate,
        standard_error=error,
        p=float(two_sided_p(estimate / error)),
        q=q,
        q_degrees_of_freedom=n - 1,
        q_p=float(stats.chi2.sf(q, n - 1)),
    )


def _egger(instruments: Instruments) -> CausalEstimate:
    n = instruments.n
    if refused := _too_few("egger", n=n, needed=3):
        return refused
    sign = np.where(instruments.beta_exposure < 0, -1.0, 1.0)
    x, y, weight = sign * instruments.beta_exposure, sign * instruments.beta_outcome, 1 / instruments.se_outcome**2
    design = np.column_stack([np.ones(n), x])
    gram = design.T @ (weight[:, np.newaxis] * design)
    if np.ptp(x) == 0:
        return CausalEstimate("egger", n, refusal="all instruments move the exposure equally: no slope")
    intercept, slope = np.linalg.solve(gram, design.T @ (weight * y))
    q = float((weight * (y - intercept - slope * x) ** 2).sum())
    inflation = max(np.sqrt(q / (n - 2)), 1.0)
    intercept_error, slope_error = inflation * np.sqrt(np.diag(np.linalg.inv(gram)))
    return CausalEstimate(
        "egger",
        n,
        estimate=float(slope),
        standard_error=float(slope_error),
        p=float(2 * stats.t.sf(abs(slope / slope_error), n - 2)),
        q=q,
        q_degrees_of_freedom=n - 2,
        q_p=float(stats.chi2.sf(q, n - 2)),
        intercept=float(intercept),
        intercept_standard_error=float(intercept_error),
        intercept_p=float(2 * stats.t.sf(abs(intercept / intercept_error), n - 2)),
    )


def _median(instruments: Instruments, *, method: Method, rng: np.random.Generator, n_bootstrap: int) -> CausalEstimate:
    n = instruments.n
    if refused := _too_few(method, n=n, needed=3):
        return refused
    b_exp, b_out = instruments.beta_exposure, instruments.beta_outcome
    weight = np.ones(n)
    if method == "weighted_median":
        # Inverse delta-method variance of the ratio.
        variance = instruments.se_outcome**2 / b_exp**2 + b_out**2 * instruments.se_exposure**2 / b_exp**4
        weight = 1 / variance
    estimate = float(weighted_medians((b_out / b_exp)[np.newaxis], weight)[0])
    drawn_exposure = rng.normal(b_exp, instruments.se_exposure, size=(n_bootstrap, n))
    drawn_outcome = rng.normal(b_out, instruments.se_outcome, size=(n_bootstrap, n))
    error = float(weighted_medians(drawn_outcome / drawn_exposure, weight).std(ddof=1))
    result = CausalEstimate(method, n, estimate=estimate, standard_error=error)
    return replace(result, p=float(two_sided_p(estimate / error)))


def weighted_medians(values: FloatArray, weight: FloatArray) -> FloatArray:
    """(m,) weighted median of each row: values interpolated at half the cumulated weight (each counted to its middle).

    values : (m, n). weight : (n,), one weight per column.
    """
    order = np.argsort(values, axis=1)
    ordered, weights = np.take_along_axis(values, order, axis=1), weight[order]
    middle = (np.cumsum(weights, axis=1) - weights / 2) / weight.sum()
    return np.array([np.interp(0.5, m, v) for m, v in zip(middle, ordered, strict=True)])
