"""Mediation of one exposure through every biomarker of a panel, one at a time: effects, intervals, tests, shares.

Linear mediators, Cox outcome, no exposure-mediator interaction (finalists are refitted with one). Both models of a
biomarker use the rows where it is known and the same covariates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.exposure_scan import ExposureCoxScanner
from python_models.estimators.mediation.faults import FloatArray, column_faults, raise_if_any
from python_models.estimators.mediation.high_dimensional import HighDimensional, composite_tests
from python_models.estimators.mediation.mediated_share import MediatedShare, mediated_share
from python_models.estimators.mediation.monte_carlo import DEFAULT_DRAWS, MonteCarloEffects, monte_carlo_effects
from python_models.estimators.mediation.natural_effects import (
    EFFECTS,
    PATHS,
    Contrast,
    NaturalEffects,
    natural_effects,
    path_covariance,
)
from python_models.estimators.scans.linear_scan import LinearScanner
from python_models.estimators.survival.cox import Ties

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PathScan:
    """Coefficients of K biomarkers; every array (K,), NaN where refused.

    exposure_to_mediator: per unit of exposure, in the biomarker's units; mediator_to_outcome: log hazard ratio per
    unit of the biomarker; exposure_to_outcome: log hazard ratio of the exposure beside it; outcome_covariance: of
    those two. n, n_events: rows with the biomarker known. refusals: K reasons or None.
    """

    exposure_to_mediator: FloatArray
    exposure_to_mediator_error: FloatArray
    mediator_to_outcome: FloatArray
    mediator_to_outcome_error: FloatArray
    exposure_to_outcome: FloatArray
    exposure_to_outcome_error: FloatArray
    outcome_covariance: FloatArray
    n: IntArray
    n_events: IntArray
    refusals: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class MediationScan:
    """Results of K biomarkers, NaN where refused (`paths.refusals`).

    effects, intervals: arrays (K, 7) with columns as EFFECTS; delta method and Monte-Carlo percentiles.
    log_scale_share, vanderweele_share: with Monte-Carlo intervals and their own refusals.
    is_tested (K,): the biomarkers that `tests` is about, in order; tests is None when none is left.
    """

    paths: PathScan
    effects: NaturalEffects
    intervals: MonteCarloEffects
    log_scale_share: MediatedShare
    vanderweele_share: MediatedShare
    is_tested: npt.NDArray[np.bool_]
    tests: HighDimensional | None


class MediationScanner:
    """Prepared once per exposure and outcome; `paths` takes biomarkers block by block, which bounds the memory.

    exposure, exit, event (n,), covariates (n, p), entry, strata (n,): complete. Strata enter the baseline hazard only:
    give what they stand for among the covariates too, or the mediator model goes without.

    Raises MediationInputError, or the scans' EstimatorInputError, for shapes and missing values.
    """

    def __init__(
        self,
        *,
        exposure: npt.ArrayLike,
        exit: npt.ArrayLike,
        event: npt.ArrayLike,
        covariates: npt.ArrayLike | None = None,
        entry: npt.ArrayLike | None = None,
        strata: npt.ArrayLike | None = None,
        ties: Ties = "efron",
    ) -> None:
        a = np.asarray(exposure, dtype=np.float64)
        n = a.shape[0] if a.ndim == 1 else 0
        c = np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64).reshape(n, -1)
        faults = [] if n else ["exposure must be one column with at least one row"]
        faults += column_faults(name="exposure", values=a, n=n) + column_faults(name="covariates", values=c, n=n)
        raise_if_any(faults)
        self.mediator_models = LinearScanner(exposure=a, covariates=c if c.shape[1] else None)
        self.outcome_models = ExposureCoxScanner(
            exposure=a, covariates=c, exit=exit, event=event, entry=entry, strata=strata, ties=ties
        )

    def paths(self, biomarkers: npt.ArrayLike) -> PathScan:
        """Both models of biomarkers (K, n), one a row, NaN where missing; best float32."""
        block = np.asarray(biomarkers)
        mediator = self.mediator_models.scan(block)
        outcome = self.outcome_models.scan_both(block)
        refusals = tuple(
            f"mediator model: {first}" if first else (f"outcome model: {second}" if second else None)
            for first, second in zip(mediator.refusals, outcome.biomarker.refusals, strict=True)
        )
        is_given = np.array([reason is None for reason in refusals], dtype=np.bool_)

        def kept(values: FloatArray) -> FloatArray:
            return np.where(is_given, values, np.nan)

        return PathScan(
            exposure_to_mediator=kept(mediator.beta[:, 0]),
            exposure_to_mediator_error=kept(mediator.standard_error[:, 0]),
            mediator_to_outcome=kept(outcome.biomarker.beta),
            mediator_to_outcome_error=kept(outcome.biomarker.standard_error),
            exposure_to_outcome=kept(outcome.exposure_beta),
            exposure_to_outcome_error=kept(np.sqrt(outcome.exposure_variance)),
            outcome_covariance=kept(outcome.covariance),
            n=outcome.biomarker.n,
            n_events=outcome.biomarker.n_events,
            refusals=refusals,
        )


def join_paths(parts: Sequence[PathScan]) -> PathScan:
    """One panel of several blocks, in order."""
    arrays = [field.name for field in fields(PathScan) if field.name != "refusals"]
    return PathScan(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays},
        refusals=tuple(reason for part in parts for reason in part.refusals),
    )


def mediation_of_paths(
    paths: PathScan,
    *,
    seed: int,
    contrast: Contrast | None = None,
    n_draws: int = DEFAULT_DRAWS,
    level: float = 0.95,
) -> MediationScan:
    """Effects, intervals, composite-null tests and shares of a whole panel; the tests need it whole."""
    contrast = Contrast() if contrast is None else contrast
    ok = np.array([reason is None for reason in paths.refusals], dtype=np.bool_)
    k = ok.shape[0]
    n_ok = int(ok.sum())
    coefficients = np.zeros((n_ok, len(PATHS)))
    coefficients[:, 1] = paths.exposure_to_mediator[ok]
    coefficients[:, 3] = paths.exposure_to_outcome[ok]
    coefficients[:, 4] = paths.mediator_to_outcome[ok]
    # Without interaction no effect depends on the mediator's mean or variance: they stay 0 and certain.
    of_mediator, of_outcome = np.zeros((n_ok, 2, 2)), np.zeros((n_ok, 3, 3))
    of_mediator[:, 1, 1] = paths.exposure_to_mediator_error[ok] ** 2
    of_outcome[:, 0, 0] = paths.exposure_to_outcome_error[ok] ** 2
    of_outcome[:, 1, 1] = paths.mediator_to_outcome_error[ok] ** 2
    of_outcome[:, 0, 1] = of_outcome[:, 1, 0] = paths.outcome_covariance[ok]
    covariance = path_covariance(
        mediator_covariance=of_mediator,
        mediator_variance=0.0,
        residual_degrees_of_freedom=None,
        outcome_covariance=of_outcome,
    )
    effects = natural_effects(coefficients, covariance, contrast=contrast, level=level)
    drawn = monte_carlo_effects(coefficients, covariance, contrast=contrast, seed=seed, n_draws=n_draws, level=level)

    def scattered(values: FloatArray) -> FloatArray:
        out = np.full((k, *values.shape[1:]), np.nan)
        out[ok] = values
        return out

    te, tnie, pnde, pm = (EFFECTS.index(e) for e in ("te", "tnie", "pnde", "pm"))
    shares = {}
    bounds = {
        "log_scale": (drawn.log_share_lower, drawn.log_share_upper),
        "vanderweele": (drawn.lower[:, pm], drawn.upper[:, pm]),
    }
    for definition in ("log_scale", "vanderweele"):
        given = mediated_share(
            definition=definition,
            total=effects.estimate[:, te],
            direct=effects.estimate[:, pnde],
            indirect=effects.estimate[:, tnie],
            total_lower=drawn.lower[:, te],
            total_upper=drawn.upper[:, te],
            level=level,
        )
        has_share = np.array([reason is None for reason in given.refusal], dtype=np.bool_)
        lower, upper = (np.where(has_share, bound, np.nan) for bound in bounds[definition])
        reasons: list[str | None] = list(paths.refusals)
        for position, reason in zip(np.flatnonzero(ok), given.refusal, strict=True):
            reasons[position] = reason
        shares[definition] = MediatedShare(
            given.definition, scattered(given.share), scattered(lower), scattered(upper), level, tuple(reasons)
        )
    tests = None
    if n_ok:
        tests = composite_tests(
            coefficients[:, 1] / paths.exposure_to_mediator_error[ok],
            coefficients[:, 4] / paths.mediator_to_outcome_error[ok],
        )
    return MediationScan(
        paths=paths,
        effects=NaturalEffects(
            estimate=scattered(effects.estimate),
            standard_error=scattered(effects.standard_error),
            lower=scattered(effects.lower),
            upper=scattered(effects.upper),
            p_value=scattered(effects.p_value),
            level=level,
        ),
        intervals=MonteCarloEffects(
            lower=scattered(drawn.lower),
            upper=scattered(drawn.upper),
            log_share_lower=scattered(drawn.log_share_lower),
            log_share_upper=scattered(drawn.log_share_upper),
            level=level,
            n_draws=n_draws,
        ),
        log_scale_share=shares["log_scale"],
        vanderweele_share=shares["vanderweele"],
        is_tested=ok,
        tests=tests,
    )


def scan_mediation(
    *,
    exposure: npt.ArrayLike,
    biomarkers: npt.ArrayLike,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    contrast: Contrast | None = None,
    seed: int,
    n_draws: int = DEFAULT_DRAWS,
    level: float = 0.95,
) -> MediationScan:
    """A whole panel (K, n) held in memory; for larger ones use `MediationScanner.paths` by blocks."""
    scanner = MediationScanner(
        exposure=exposure, exit=exit, event=event, covariates=covariates, entry=entry, strata=strata, ties=ties
    )
    return mediation_of_paths(scanner.paths(biomarkers), seed=seed, contrast=contrast, n_draws=n_draws, level=level)
