"""Lifestyle on both outcomes, side by side, and how alike it acts on them: two tables of results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import special
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.outcome_pairs import (
    coefficient_influences,
    covariance_between,
    pattern_similarity,
)
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, complete_rows, take
from python_models.frames.designs import build_design
from python_models.frames.estimates import COUNTS, E_VALUES, ESTIMATE, e_value_columns, hazard_ratio_columns, table_of
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import TEXT
from python_models.frames.survival.cox_problems import FEWEST_EVENTS, refusal_of_data

F8 = npt.NDArray[np.float64]
SIMILARITY_SEED = 20260402
KEY = ("study", "factor", "contrast", "arm")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        ("level", TEXT),
        ("reference_level", TEXT),
        ("outcome", TEXT),
        ("outcome_definition", TEXT),
        ("adjustment_set", TEXT),
        *COUNTS,
        ("n_events_level", pa.int64()),
        ("n_events_reference", pa.int64()),
        *ESTIMATE,
        *E_VALUES,
        ("factor_p_value", pa.float64()),
        ("u_shape_p_value", pa.float64()),
        ("note", TEXT),
        ("refusal", TEXT),
    ]
)
SIMILARITY_KEY = ("study", "factor", "first_arm", "second_arm")
SIMILARITY_SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in SIMILARITY_KEY),
        ("n_contrasts", pa.int64()),
        ("n_participants_in_both", pa.int64()),
        ("cosine", pa.float64()),
        ("cosine_lower", pa.float64()),
        ("cosine_upper", pa.float64()),
        ("slope", pa.float64()),
        ("slope_lower", pa.float64()),
        ("slope_upper", pa.float64()),
        ("same_sign_share", pa.float64()),
        ("equality_chi_squared", pa.float64()),
        ("equality_p_value", pa.float64()),
        ("refusal", TEXT),
    ]
)


@dataclass(frozen=True, slots=True)
class LifestyleContrast:
    """One row of seeds/lifestyle_contrasts.csv; is_u: both ends of the factor are asked to be worse than its middle."""

    study: str
    factor: str
    contrast: str
    column_name: str
    level: str
    reference_level: str
    is_u: bool


def read_lifestyle_contrasts(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[LifestyleContrast]:
    """Contrasts of the studies that run on this cohort."""
    return [
        LifestyleContrast(*row)
        for row in session.execute(
            """
            select
                contrasts.study, contrasts.factor, contrast, contrasts.column_name, level, reference_level,
                coalesce(doses.expected_shape = 'u', false)
            from seeds.lifestyle_contrasts as contrasts
            inner join seeds.studies as studies on contrasts.study = studies.study
            inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
            left join seeds.lifestyle_doses as doses
                on contrasts.study = doses.study and contrasts.factor = doses.factor
            where cohorts.cohort = $cohort
            order by all
            """,
            {"cohort": cohort},
        ).fetchall()
    ]


@dataclass(frozen=True, slots=True)
class ArmModel:
    """The arm's primary model without an exposure: every lifestyle factor is one of its covariates.

    rows (n,): positions in the participants. columns_of: columns of the design by contrast, +1 the level, -1 the
    reference; the coefficient of the contrast is their signed sum.
    """

    analysis: CoxAnalysis
    rows: npt.NDArray[np.intp]
    days: F8
    event: npt.NDArray[np.bool_]
    matrix: F8
    names: tuple[str, ...]
    fit: CoxFit | None
    refusal: str | None

    def signed_columns(self, contrast: LifestyleContrast) -> dict[int, float] | str:
        """Design columns of the contrast with their signs, or why it has none; the design's reference has no column."""
        found = {}
        for word, sign in ((contrast.level, 1.0), (contrast.reference_level, -1.0)):
            name = f"{contrast.column_name}: {word}"
            if name in self.names:
                found[self.names.index(name)] = sign
        return found or f"neither {contrast.level} nor {contrast.reference_level} is a level of {contrast.column_name}"


def _arm_model(analysis: CoxAnalysis, data: StudyData) -> ArmModel:
    positions, days, event = data.follow_ups[analysis.outcome_definition]
    complete = complete_rows([take(data.columns[name], positions) for name in ("sex", *analysis.covariates)])
    rows, days, event = positions[complete], days[complete], event[complete]
    design = build_design(columns=data.columns, covariates=analysis.covariates, rows=rows, event=event)
    matrix = np.ascontiguousarray(design.values)
    refusal = refusal_of_data(event=event, exposure=matrix, n_parameters=matrix.shape[1])
    fit = None if refusal else fit_cox(exit=days, event=event, covariates=matrix, names=design.names)
    refusal = refusal or (fit.refusal if fit else None)
    return ArmModel(analysis, rows, days, event, matrix, design.names, fit, refusal)


def _contrast_vector(model: ArmModel, signed: dict[int, float]) -> F8:
    vector = np.zeros(len(model.names))
    for column, sign in signed.items():
        vector[column] = sign
    return vector


def _wald(model: ArmModel, vectors: Sequence[F8]) -> float:
    assert model.fit is not None
    contrast = np.stack(vectors)
    value = contrast @ model.fit.beta
    return float(
        special.chdtrc(len(vectors), value @ np.linalg.solve(contrast @ model.fit.covariance @ contrast.T, value))
    )


def _rows_of_factor(model: ArmModel, contrasts: Sequence[LifestyleContrast], data: StudyData) -> list[dict[str, Any]]:
    """One row per contrast of one factor in one arm."""
    analysis = model.analysis
    column = take(data.columns[contrasts[0].column_name], model.rows)
    assert isinstance(column, Categories)
    rows: list[dict[str, Any]] = []
    vectors: list[F8] = []
    for contrast in contrasts:
        counted = {}
        for word in (contrast.level, contrast.reference_level):
            own = column.codes == (column.levels.index(word) if word in column.levels else -2)
            counted[word] = int(model.event[own].sum())
        row: dict[str, Any] = {
            "study": analysis.study,
            "factor": contrast.factor,
            "contrast": contrast.contrast,
            "arm": analysis.arm,
            "level": contrast.level,
            "reference_level": contrast.reference_level,
            "outcome": analysis.outcome,
            "outcome_definition": analysis.outcome_definition,
            "adjustment_set": analysis.adjustment_set,
            "n_participants": len(model.days),
            "n_events": int(model.event.sum()),
            "person_years": float(model.days.sum() / DAYS_PER_YEAR),
            "n_events_level": counted[contrast.level],
            "n_events_reference": counted[contrast.reference_level],
            "note": "adjusted for the other factors and covariates of the set, not for the arm's exposures",
            "refusal": model.refusal,
        }
        rows.append(row)
        if model.refusal is not None or model.fit is None:
            continue
        few = [word for word, n in counted.items() if n < FEWEST_EVENTS]
        signed = model.signed_columns(contrast)
        if few or isinstance(signed, str):
            row["refusal"] = (
                f"too few events: {counted[few[0]]} in {few[0]}, of the {FEWEST_EVENTS} asked for" if few else signed
            )
            continue
        vector = _contrast_vector(model, signed)
        vectors.append(vector)
        error = float(np.sqrt(vector @ model.fit.covariance @ vector))
        row |= hazard_ratio_columns(float(vector @ model.fit.beta), error)
        row |= e_value_columns(row)
    if vectors:
        p_value = _wald(model, vectors)
        given = [row for row in rows if row["refusal"] is None]
        z = np.array([row["log_hazard_ratio"] / row["standard_error"] for row in given])
        for row in given:
            row["factor_p_value"] = p_value
            if contrasts[0].is_u and len(given) == len(contrasts):
                # Both ends above the middle: the larger of the one-sided p values (intersection-union).
                row["u_shape_p_value"] = float(special.ndtr(-z).max())
    return rows


def _arms(session: duckdb.DuckDBPyConnection) -> list[CoxAnalysis]:
    """The primary model of each arm, without an exposure."""
    primary = [one for one in read_cox_analyses(session, cohort=cohort_of_build()) if one.is_primary_model]
    firsts = {(one.study, one.arm): one for one in reversed(primary)}
    return [replace(one, exposure="", column_name="sex") for _, one in sorted(firsts.items(), key=lambda item: item[0])]


def _refused_row(arm: CoxAnalysis, contrast: LifestyleContrast) -> dict[str, Any]:
    """The row of a factor that the arm's primary model does not hold: these estimates are its covariates'."""
    return {
        "study": arm.study,
        "factor": contrast.factor,
        "contrast": contrast.contrast,
        "arm": arm.arm,
        "level": contrast.level,
        "reference_level": contrast.reference_level,
        "outcome": arm.outcome,
        "outcome_definition": arm.outcome_definition,
        "adjustment_set": arm.adjustment_set,
        "n_participants": 0,
        "n_events": 0,
        "person_years": 0.0,
        "refusal": f"{contrast.column_name} is no covariate of {arm.adjustment_set}, the arm's primary adjustment set",
    }


def _models(
    session: duckdb.DuckDBPyConnection, contrasts: Sequence[LifestyleContrast]
) -> tuple[StudyData, list[ArmModel]]:
    """One model per arm of the studies with contrasts, with those factors among its covariates."""
    factors = {(contrast.study, contrast.column_name) for contrast in contrasts}
    arms = [one for one in _arms(session) if any((one.study, name) in factors for name in one.covariates)]
    data = StudyData(session, arms)
    return data, [_arm_model(one, data) for one in arms]


def lifestyle_hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every lifestyle contrast on every arm's primary outcome, mutually adjusted in one model per arm."""
    contrasts = read_lifestyle_contrasts(session, cohort=cohort_of_build())
    rows: list[dict[str, Any]] = []
    if contrasts:
        with threadpool_limits(limits=1):
            data, models = _models(session, contrasts)
            for model in models:
                for factor in dict.fromkeys(one.factor for one in contrasts if one.study == model.analysis.study):
                    own = [one for one in contrasts if (one.study, one.factor) == (model.analysis.study, factor)]
                    if own[0].column_name in model.analysis.covariates:
                        rows += _rows_of_factor(model, own, data)
        rows += [
            _refused_row(arm, one)
            for arm in _arms(session)
            for one in contrasts
            if one.study == arm.study and one.column_name not in arm.covariates
        ]
    return table_of(rows, SCHEMA, sort_by=KEY)


def _similarities(first: ArmModel, second: ArmModel, contrasts: Sequence[LifestyleContrast]) -> list[dict[str, Any]]:
    """All contrasts of two arms' models together, then factor by factor."""
    both = np.intersect1d(first.rows, second.rows, assume_unique=True).size
    refusal = first.refusal or second.refusal
    usable: list[LifestyleContrast] = []
    vectors: tuple[list[F8], list[F8]] = ([], [])
    if refusal is None:
        for contrast in contrasts:
            signed = [model.signed_columns(contrast) for model in (first, second)]
            if all(not isinstance(one, str) for one in signed):
                usable.append(contrast)
                for own, model, columns in zip(vectors, (first, second), signed, strict=True):
                    assert not isinstance(columns, str)
                    own.append(_contrast_vector(model, columns))
    values, influences = [], []
    for own, model in zip(vectors, (first, second), strict=True):
        if refusal is None and usable:
            assert model.fit is not None
            stacked = np.stack(own)
            used = np.flatnonzero(np.any(stacked != 0.0, axis=0))
            moved = coefficient_influences(
                exit=model.days, event=model.event, covariates=model.matrix, beta=model.fit.beta, columns=used.tolist()
            )
            values.append((stacked @ model.fit.beta, stacked @ model.fit.covariance @ stacked.T))
            influences.append(moved @ stacked[:, used].T)
    cross = (
        covariance_between((influences[0], influences[1]), (first.rows.astype(np.int64), second.rows.astype(np.int64)))
        if influences
        else np.empty((0, 0))
    )
    rows = []
    for factor in ("all factors", *dict.fromkeys(one.factor for one in contrasts)):
        at = [i for i, one in enumerate(usable) if factor in ("all factors", one.factor)]
        row: dict[str, Any] = {
            "study": first.analysis.study,
            "factor": factor,
            "first_arm": first.analysis.arm,
            "second_arm": second.analysis.arm,
            "n_contrasts": len(at),
            "n_participants_in_both": both,
            "refusal": refusal,
        }
        rows.append(row)
        if refusal is not None:
            continue
        if len(at) < 2:
            row["refusal"] = f"a pattern needs two contrasts; there are {len(at)}"
            continue
        block = np.ix_(at, at)
        joint = np.block([[values[0][1][block], cross[block]], [cross[block].T, values[1][1][block]]])
        found = pattern_similarity(
            first=values[0][0][at],
            second=values[1][0][at],
            covariance=joint,
            rng=np.random.default_rng(SIMILARITY_SEED),
        )
        row |= {
            "cosine": found.cosine,
            "cosine_lower": found.cosine_lower,
            "cosine_upper": found.cosine_upper,
            "slope": found.slope,
            "slope_lower": found.slope_lower,
            "slope_upper": found.slope_upper,
            "same_sign_share": found.same_sign,
            "equality_chi_squared": found.equality,
            "equality_p_value": found.equality_p_value,
        }
    return rows


def lifestyle_pattern_similarity_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """How alike lifestyle acts on each pair of a study's outcomes, people in both models linked."""
    contrasts = read_lifestyle_contrasts(session, cohort=cohort_of_build())
    rows: list[dict[str, Any]] = []
    if contrasts:
        with threadpool_limits(limits=1):
            _, models = _models(session, contrasts)
            for i, first in enumerate(models):
                for second in models[i + 1 :]:
                    if first.analysis.study == second.analysis.study:
                        own = [one for one in contrasts if one.study == first.analysis.study]
                        rows += _similarities(first, second, own)
    return table_of(rows, SIMILARITY_SCHEMA, sort_by=SIMILARITY_KEY)
