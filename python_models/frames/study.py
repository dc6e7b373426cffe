"""The study as its seeds state it: which hazard ratios to estimate, and from which columns."""

from dataclasses import dataclass
from typing import Any

import duckdb


@dataclass(frozen=True, slots=True)
class CoxAnalysis:
    """One exposure, scaled one way, on one outcome definition, adjusted one way."""

    study: str
    arm: str
    exposure: str
    column_name: str
    unit: str
    scaling: str
    detail: float
    outcome: str
    outcome_definition: str
    adjustment_set: str
    covariates: tuple[str, ...]
    is_primary_scaling: bool
    is_primary_definition: bool
    is_primary_adjustment: bool

    @property
    def is_primary(self) -> bool:
        """Declared scaling and outcome definition, whatever the adjustment."""
        return self.is_primary_scaling and self.is_primary_definition

    @property
    def is_primary_model(self) -> bool:
        """The model that answers the arm's question: primary, and adjusted as the arm declares."""
        return self.is_primary and self.is_primary_adjustment


COX_ANALYSES = """
select
    exposures.study, exposures.arm, exposures.exposure, exposures.column_name, coalesce(exposures.unit, '') as unit,
    scalings.scaling, coalesce(scalings.detail, 'nan'::double) as detail,
    definitions.outcome, arm_definitions.outcome_definition, sets.adjustment_set, sets.covariates,
    scalings.is_primary as is_primary_scaling, arm_definitions.is_primary as is_primary_definition,
    sets.adjustment_set = arms.primary_adjustment_set as is_primary_adjustment
from seeds.exposures as exposures
inner join seeds.studies as studies on exposures.study = studies.study
inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
inner join seeds.arms as arms on exposures.study = arms.study and exposures.arm = arms.arm
inner join seeds.exposure_scalings as scalings
    on exposures.study = scalings.study and exposures.exposure = scalings.exposure
inner join seeds.arm_outcome_definitions as arm_definitions
    on exposures.study = arm_definitions.study and exposures.arm = arm_definitions.arm
inner join seeds.outcome_definitions as definitions
    on arm_definitions.outcome_definition = definitions.outcome_definition
inner join (
    select
        adjustment_sets.study, adjustment_sets.adjustment_set,
        list(covariates.column_name order by adjustment_sets.position)
            filter (covariates.column_name is not null) as covariates
    from seeds.adjustment_sets as adjustment_sets
    left join seeds.covariates as covariates on adjustment_sets.covariate = covariates.covariate
    group by adjustment_sets.study, adjustment_sets.adjustment_set
) as sets on exposures.study = sets.study
where cohorts.cohort = $cohort and (definitions.follow_up_source = 'visit') = $at_visits
order by all
"""


def _read(session: duckdb.DuckDBPyConnection, *, cohort: str, at_visits: bool) -> list[CoxAnalysis]:
    cursor = session.execute(COX_ANALYSES, {"cohort": cohort, "at_visits": at_visits})
    names = [column[0] for column in cursor.description]
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    analyses = [CoxAnalysis(**{**row, "covariates": tuple(row["covariates"] or ())}) for row in rows]
    return [analysis for analysis in analyses if analysis.column_name not in analysis.covariates]


def read_cox_analyses(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[CoxAnalysis]:
    """Every Cox analysis of this cohort: exposures x scalings x dated outcome definitions x adjustment sets."""
    return _read(session, cohort=cohort, at_visits=False)


def read_visit_analyses(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[CoxAnalysis]:
    """Every analysis of outcomes that repeat visits show: exposures in their primary scaling x definitions x sets."""
    return [one for one in _read(session, cohort=cohort, at_visits=True) if one.is_primary_scaling]
