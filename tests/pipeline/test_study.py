"""The published synthetic study: it reconciles, it documents itself, and it exposes nobody."""

import csv
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from python_models.estimators.survival.visit_intervals import visit_intervals
from tests.pipeline.conftest import SMALL, Project

pytestmark = pytest.mark.pipeline


def test_every_layer_is_published(built: Project) -> None:
    schemas = {row[0] for row in built.query("select distinct schema_name from duckdb_tables()")}
    assert {"seeds", "staging", "intermediate", "marts", "results", "quality"} <= schemas


def test_marts_results_and_quality_are_parquet_too(built: Project) -> None:
    tables = built.query(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('marts', 'results', 'quality')"
    )
    folder = built.folder / "warehouse/parquet/study"
    assert [row for row in tables if not (folder / str(row[0]) / f"{row[1]}.parquet").is_file()] == []


def test_eligibility_flow_begins_with_the_export_and_ends_with_the_analysed(built: Project) -> None:
    with (built.folder / "warehouse/export/synthetic/participant.csv").open() as handle:
        landed = sum(1 for _ in handle) - 1
    assert {row[0] for row in built.query("select distinct n_in from marts.eligibility_flow where step = 1")} == {
        landed
    }
    differing = built.query(
        """
        select flow.exposure, flow.outcome_definition
        from marts.eligibility_flow as flow
        inner join results.hazard_ratios as ratios
            on flow.arm = ratios.arm and flow.exposure = ratios.exposure
            and flow.outcome_definition = ratios.outcome_definition
        inner join seeds.arms as arms on flow.arm = arms.arm
        where flow.n_out != ratios.n_participants and ratios.subgroup = 'everyone'
            and ((flow.reason = 'exposure not measured' and ratios.adjustment_set = 'unadjusted')
                or (flow.reason like 'covariate of%' and ratios.adjustment_set = arms.primary_adjustment_set))
        """
    )
    assert differing == []


def test_events_of_a_model_are_the_events_of_the_mart(built: Project) -> None:
    differing = built.query(
        """
        select ratios.exposure
        from results.hazard_ratios as ratios
        inner join (
            select follow_ups.outcome_definition, count(*) as n, sum(follow_ups.is_event::int) as events,
                sum(follow_ups.follow_up_days) / 365.25 as years
            from marts.follow_ups as follow_ups
            inner join marts.participants as participants using (participant_id)
            where participants.grip_strength_kg is not null
            group by follow_ups.outcome_definition
        ) as counted using (outcome_definition)
        where ratios.exposure = 'grip_strength' and ratios.adjustment_set = 'unadjusted'
            and (ratios.n_events != counted.events or ratios.n_participants != counted.n
                or abs(ratios.person_years - counted.years) > 1e-6)
        """
    )
    assert differing == []


def test_both_estimators_are_beside_each_other_on_primary_rows(built: Project) -> None:
    rows = built.query(
        "select log_hazard_ratio, second_log_hazard_ratio, standard_error from results.hazard_ratios "
        "where is_primary and refusal is null"
    )
    assert len(rows) >= 12
    assert all(abs(float(a) - float(b)) < 1e-6 * float(e) + 1e-7 for a, b, e in rows)


def test_no_result_and_no_quality_table_holds_a_participant(built: Project) -> None:
    ids = {row[0] for row in built.query("select participant_id from marts.participants limit 200")}
    columns = built.query(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('results', 'quality') and data_type = 'VARCHAR'"
    )
    assert all(column != "participant_id" for _, _, column in columns)
    for schema, table, column in columns:
        values = {str(row[0]) for row in built.query(f'select distinct "{column}" from {schema}."{table}"')}
        assert not values & ids
        assert not any("SYN0" in value for value in values)


def test_pages_and_logs_hold_no_participant(built: Project) -> None:
    written = [*(built.folder / "warehouse/quality").rglob("*"), *(built.folder / "logs").rglob("*")]
    assert any(path.name == "index.html" for path in written)
    assert [path.name for path in written if path.is_file() and b"SYN0" in path.read_bytes()] == []


def test_everything_made_from_the_embedded_cohort_says_synthetic(built: Project) -> None:
    assert "SYNTHETIC" in (built.folder / "warehouse/export/synthetic/README.txt").read_text()
    front = (built.folder / "warehouse/quality/synthetic/index.html").read_text()
    assert "synthetic" in front.lower()


def test_every_published_table_and_column_explains_itself(built: Project) -> None:
    """Descriptions travel as comments in the published file, where any SQL client shows them."""
    bare = built.query("select table_name, column_name from duckdb_columns() where not internal and comment is null")
    assert sorted(bare) == []
    assert built.query("select table_name from duckdb_tables() where not internal and comment is null") == []


def test_a_second_build_makes_nothing_again(built: Project) -> None:
    export = built.folder / "warehouse/export/synthetic/participant.csv"
    landing = built.folder / "warehouse/raw/synthetic/participant.parquet"
    before = export.stat().st_mtime_ns, landing.stat().st_mtime_ns
    made = built.run("-m", "warehouse.synthetic", *SMALL, "--out", "warehouse/export/synthetic")
    assert made.returncode == 0, made.stderr
    landed = built.run("-m", "warehouse.ingest", "--from", "warehouse/export/synthetic", "--cohort", "synthetic")
    assert landed.returncode == 0, landed.stderr
    assert (export.stat().st_mtime_ns, landing.stat().st_mtime_ns) == before


def test_lineage_leads_to_the_fields(built: Project) -> None:
    told = built.run("-m", "warehouse.lineage", "marts.participants.grip_strength_kg")
    assert told.returncode == 0, told.stderr
    assert "raw.participant.p46_i0" in told.stdout
    assert "raw.participant.p47_i0" in told.stdout
    unknown = built.run("-m", "warehouse.lineage", "marts.participants.grip")
    assert unknown.returncode == 8
    assert "grip_strength_kg" in unknown.stderr


def test_the_data_dictionary_is_current(built: Project) -> None:
    committed = (built.folder / "models/marts/_data_dictionary.md").read_text()
    assert built.run("-m", "warehouse.lineage", "--write-dictionary").returncode == 0
    written = (built.folder / "models/marts/_data_dictionary.md").read_text()
    assert written == committed, "run make docs and commit models/marts/_data_dictionary.md"


def test_dbt_docs_work_offline(built: Project) -> None:
    dbt = str(Path(sys.executable).parent / "dbt")
    finished = subprocess.run(
        [dbt, "--quiet", "docs", "generate", "--static"],
        cwd=built.folder,
        env=built.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    page = (built.folder / "target/static_index.html").read_text()
    assert "Data dictionary" in page


def test_the_prompt_answers_and_cannot_write(built: Project) -> None:
    answered = built.run("-m", "warehouse.sql", "select count(*) as n from marts.participants")
    assert answered.returncode == 0
    listed = built.run("-m", "warehouse.sql", text_in=".columns marts.participants\n.quit\n")
    assert "grip_strength_kg" in listed.stdout
    refused = built.run("-m", "warehouse.sql", "delete from marts.participants")
    assert "read-only" in refused.stderr


def test_truth_table_agrees_with_the_published_logs(built: Project) -> None:
    """The large-sample values that the cohort ships are within 5 % of the published logs."""
    with (built.folder / "warehouse/export/synthetic/truth.csv").open() as handle:
        rows = [
            row for row in csv.DictReader(handle) if row["quantity"] == "log_hazard_ratio" and row["reference_value"]
        ]
    primary = [row for row in rows if row["adjustment_set"] == "M2"]
    assert len(primary) == 4
    for row in primary:
        assert abs(float(row["large_sample_value"]) / float(row["reference_value"]) - 1) < 0.05


def test_bare_dbt_build_publishes_again(built: Project) -> None:
    study = built.folder / "warehouse/study.duckdb"
    before = study.stat().st_ino
    dbt = str(Path(sys.executable).parent / "dbt")
    finished = subprocess.run(
        [dbt, "build", "--select", "truth_comparisons"],
        cwd=built.folder,
        env=built.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert study.stat().st_ino != before
    with duckdb.connect(str(study), read_only=True) as connection:
        assert connection.execute("select count(*) from results.truth_comparisons").fetchall()[0][0] > 0


def test_visit_intervals_are_those_of_the_estimator(built: Project) -> None:
    """The mart's SQL against `visit_intervals` of the estimators, from the same statuses."""
    definitions = [row[0] for row in built.query("select distinct outcome_definition from marts.visit_intervals")]
    assert definitions
    for definition in definitions:
        visits = built.query(
            f"""
            select dense_rank() over (order by participant_id) - 1, instance, days_since_baseline,
                coalesce(has_outcome::int, -1)
            from intermediate.int_visit_statuses__judged where outcome_definition = '{definition}'
            """
        )
        n = max(row[0] for row in visits) + 1
        day, status = np.zeros((n, 4), dtype=np.int64), np.full((n, 4), -1)
        for person, instance, days, state in visits:
            day[person, instance], status[person, instance] = days, state
        found = visit_intervals(visit_day=day, status=status)
        intervals = built.query(
            f"""
            with people as (
                select participant_id, dense_rank() over (order by participant_id) - 1 as position
                from intermediate.int_visit_statuses__judged
                where outcome_definition = '{definition}' and instance = 0
            )
            select position, start_instance, stop_instance, interval_days, is_case
            from marts.visit_intervals inner join people using (participant_id)
            where outcome_definition = '{definition}'
            """
        )
        expected = zip(found.person, found.start_visit, found.stop_visit, found.length, found.event, strict=True)
        assert sorted(intervals) == sorted(tuple(value.item() for value in row) for row in expected), definition


def test_table_1_is_what_numpy_finds(built: Project) -> None:
    """Age, its difference and the women among those with and without osteoporosis, from the marts."""
    people = built.query(
        """
        select follow_ups.is_event, participants.age_years, participants.sex
        from marts.follow_ups as follow_ups inner join marts.participants as participants using (participant_id)
        where follow_ups.outcome_definition = 'first_occurrence_any_source'
        """
    )
    age = {event: np.array([row[1] for row in people if row[0] is event]) for event in (True, False)}
    women = {event: np.mean([row[2] == "female" for row in people if row[0] is event]) for event in (True, False)}
    shown = {
        (row[0], row[1]): row[2:]
        for row in built.query(
            """
            select group_level, characteristic || '/' || level, n_participants, mean, share, standardised_difference
            from results.baseline_characteristics
            where outcome_definition = 'first_occurrence_any_source' and grouped_by = 'outcome' and sex_group = 'both'
                and (characteristic = 'age' or (characteristic = 'sex' and level = 'female'))
            """
        )
    }
    difference = (age[True].mean() - age[False].mean()) / np.sqrt((age[True].var(ddof=1) + age[False].var(ddof=1)) / 2)
    assert shown["event", "age/all"][:2] == (len(age[True]), pytest.approx(age[True].mean()))
    assert shown["event", "age/all"][3] == pytest.approx(difference)
    assert shown["no event", "age/all"][3] is None
    assert shown["event", "sex/female"][2] == pytest.approx(women[True])
    variance = sum(share * (1 - share) for share in women.values()) / 2
    assert shown["event", "sex/female"][3] == pytest.approx((women[True] - women[False]) / np.sqrt(variance))
    small = built.query("select count(*) from results.baseline_characteristics where n_level between 0 and 4")
    assert small == [(0,)]
