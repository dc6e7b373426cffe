"""NHANES I follow-up through the frames that write the result tables: the study as seed rows, the people as marts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import yaml
from numpy.testing import assert_allclose

from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.frames.mediation.finalist_rows import finalist_effect_rows
from python_models.frames.mediation.joint_mediation_rows import joint_mediation_rows
from python_models.frames.mediation.mediation_rows import mediation_effect_rows
from python_models.frames.mediation.mediation_sensitivity_rows import mediation_sensitivity_rows
from python_models.frames.mediation.mediation_study import MediationStudy
from tests.reference.test_mediation_nhanes import COHORT, MARKERS, cohort

pytestmark = pytest.mark.skipif(not COHORT.is_file(), reason="the real cohort is not beside the project (../shared)")
SEEDS = Path(__file__).parents[2] / "warehouse" / "seeds" / "_seeds.yml"
STUDY, ARM, DEFINITION = "poverty_death", "poverty_to_death", "all_cause_death"
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "cohorts": [("nhanes1", "nhanes1", False, "NHANES I follow-up")],
    "studies": [(STUDY, "nhanes1", "Poverty, body mass and death")],
    "arms": [(STUDY, ARM, "death", "M1", "M1", "Poverty and death")],
    "exposures": [
        (STUDY, ARM, "poverty", "poverty_index", "continuous", "percent", "Poverty index"),
        (STUDY, ARM, "body_mass_index", "bmi", "continuous", "kg/m2", "Body mass index"),
    ],
    "exposure_scalings": [
        (STUDY, "poverty", "per_sd", None, True), (STUDY, "body_mass_index", "per_sex_sd", None, True),
    ],
    "outcome_definitions": [("death", DEFINITION, "death", "Death from any cause")],
    "arm_outcome_definitions": [(STUDY, ARM, DEFINITION, True)],
    "covariates": [
        ("age", "age_years", "continuous", "Age"), ("sex", "sex", "categorical", "Sex"),
        ("race", "race", "categorical", "Race"),
    ],
    "adjustment_sets": [(STUDY, "M1", k + 1, name) for k, name in enumerate(("age", "sex", "race"))],
    "clinical_biomarkers": [(STUDY, name, name, 0.0, name) for name in MARKERS],
    "mediation_sensitivity_analyses": [(STUDY, "early_events_dropped", "drop_early", None, 2.0, "Two years")],
}  # fmt: skip

__all__ = ["cohort"]


@pytest.fixture(scope="module")
def session(cohort: dict[str, np.ndarray]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("seeds", "marts", "results"):
        connection.execute(f"create schema {schema}")
    for seed in yaml.safe_load(SEEDS.read_text(encoding="utf-8"))["seeds"]:
        types = seed["config"]["column_types"]
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        connection.execute(f"create table seeds.{seed['name']} ({columns})")
        for row in ROWS.get(seed["name"], []):
            connection.execute(f"insert into seeds.{seed['name']} values ({', '.join('?' * len(row))})", row)
    n = cohort["age"].size
    people = pa.table(
        {
            "participant_id": [f"P{i:05d}" for i in range(n)],
            "sex": np.where(cohort["sex"] == 2, "female", "male"),
            "race": cohort["race"].astype(int).astype(str),
            "age_years": cohort["age"],
            "assessment_centre_code": ["one"] * n,
            **{name: cohort[name] for name in ("poverty_index", "bmi", *MARKERS)},
        }
    )
    connection.register("people", people)
    nothing = ", ".join(f"nullif({name}, 'nan'::double) as {name}" for name in MARKERS)
    connection.execute(f"create table marts.participants as select * replace ({nothing}) from people")
    followed = pa.table(
        {"participant_id": people["participant_id"], "days": cohort["days"], "dead": cohort["death"] == 1}
    )
    connection.register("followed", followed)
    connection.execute(
        f"create table marts.follow_ups as select participant_id, '{DEFINITION}' as outcome_definition, "
        "date '1972-01-01' as entry_date, days::integer as follow_up_days, dead as is_event, "
        "case when dead then 'event' else 'administrative' end as exit_kind from followed"
    )
    connection.execute(
        "create table marts.biomarker_panels as select null::varchar as platform, null::varchar as transform, "
        "null::varchar as file, null::double as n_effective_tests, null::varchar as technical_covariates where false"
    )
    return connection


def _table(session: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> list[dict[str, Any]]:
    session.register("written", table)
    session.execute(f"create or replace table results.{name} as select * from written")
    return table.to_pylist()


def test_the_tables_of_a_real_cohort(session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects, mediators' sensitivity, finalists and joint effects; one effect fitted again from the marts by hand."""
    monkeypatch.setenv("COHORT", "nhanes1")
    effects = _table(session, "mediation_effects", mediation_effect_rows(session))
    assert {(row["exposure"], row["biomarker"]) for row in effects} == {
        (exposure, marker) for exposure in ("poverty", "body_mass_index") for marker in MARKERS
    }
    assert all(row["refusal"] is None for row in effects)
    found = {(row["exposure"], row["biomarker"]): row for row in effects}
    # The better off live longer, part of it through albumin and the sedimentation rate.
    assert found["poverty", "serum_albumin"]["indirect_effect"] < 0
    assert found["poverty", "sedimentation_rate"]["is_mediator"]
    assert "common_outcome" in found["poverty", "serum_albumin"]["warnings"]

    study = MediationStudy(session, cohort="nhanes1")
    ((panel, of_study),) = study.panels()
    design = study.designs(panel, of_study)[1](np.arange(panel.rows.size))
    assert design.labels[0].exposure == "poverty"
    values = study.values(panel, ["serum_albumin"])[0][design.samples].astype(np.float64)
    known = np.isfinite(values)
    by_hand = fit_natural_effects(
        exposure=design.exposures[known, 0], mediator=values[known], outcome=design.days[known],
        event=design.event[known], covariates=design.covariates[known],
    ).effects  # fmt: skip
    assert by_hand is not None
    row = found["poverty", "serum_albumin"]
    assert_allclose(row["indirect_effect"], by_hand.estimate[EFFECTS.index("tnie")], rtol=1e-6)
    assert_allclose(row["indirect_effect_error"], by_hand.standard_error[EFFECTS.index("tnie")], rtol=1e-6)

    joint = _table(session, "joint_mediation", joint_mediation_rows(session, largest=6))
    assert {row["refusal"] for row in joint} == {None}
    finalists = finalist_effect_rows(session, per_family=1, n_bootstrapped=0, n_bootstraps=0).to_pylist()
    shares = [row for row in finalists if row["quantity_kind"] == "mediated_share" and row["estimate"] is not None]
    assert {row["quantity"] for row in shares} == {"log_scale", "vanderweele", "excess_relative_risk"}
    assert all(row["monte_carlo_lower"] < row["estimate"] < row["monte_carlo_upper"] for row in shares)
    again = mediation_sensitivity_rows(session).to_pylist()
    assert {row["analysis"] for row in again} == {"early_events_dropped"}
    assert sum(bool(row["is_upheld"]) for row in again) >= len(again) / 2
