"""A second pair of conditions is rows in the seeds: the same build answers it, beside the first."""

import shutil
from pathlib import Path

import duckdb
import pytest
from lifelines import CoxPHFitter

from tests.pipeline.conftest import SMALL, Project

pytestmark = pytest.mark.pipeline
# Options that are not the default, so that a build shows that they reach the estimates.
OPTIONS = {
    "proteins_technical_covariates: []": "proteins_technical_covariates: [batch, processing_days, plate]",
    "biomarkers_linear_variance: classical": "biomarkers_linear_variance: hc3",
}
ROWS = Path(__file__).with_name("second_study")
TABLES_BY_STUDY = (
    "hazard_ratios",
    "survival_probabilities",
    "biomarker_associations",
    "biomarker_hazard_ratios",
    "shared_biomarkers",
    "mediation_effects",
    "mediator_overlap",
)


@pytest.fixture(scope="module")
def two_studies(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The built small study with the rows appended, built again: its landing is used as it is."""
    project = Project(Path(shutil.copytree(built.folder, tmp_path_factory.mktemp("two_studies") / "project")))
    for rows in ROWS.glob("*.csv"):
        with (project.folder / "warehouse/seeds" / rows.name).open("a", encoding="utf-8") as seed:
            seed.write(rows.read_text(encoding="utf-8"))
    settings = project.folder / "dbt_project.yml"
    text = settings.read_text(encoding="utf-8")
    for default, other in OPTIONS.items():
        assert default in text
        text = text.replace(default, other)
    settings.write_text(text, encoding="utf-8")
    finished = project.build(*SMALL)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


@pytest.mark.parametrize("table", TABLES_BY_STUDY)
def test_both_studies_are_in_every_table(two_studies: Project, table: str) -> None:
    found = {study for (study,) in two_studies.query(f"select distinct study from results.{table}")}
    assert {"arthrosis_cataract", "sarcopenia_osteoporosis"} <= found


def test_no_table_mixes_the_studies(two_studies: Project) -> None:
    mixed = two_studies.query(
        "select distinct study, arm from results.hazard_ratios where (study = 'arthrosis_cataract') "
        "<> (arm in ('adiposity_to_arthrosis', 'vitamin_d_to_cataract'))"
    )
    assert mixed == []


def test_every_question_of_both_studies_has_its_rows(two_studies: Project) -> None:
    """A warning where an export cannot answer one; here all are answered."""
    (compiled,) = two_studies.folder.glob("target/compiled/*/tests/dbt/every_question_of_the_seeds_has_its_rows.sql")
    assert two_studies.query(compiled.read_text(encoding="utf-8")) == []


def test_a_measure_that_the_first_study_leaves_out_is_an_exposure_of_the_second(two_studies: Project) -> None:
    """MET minutes (field 22040): a row of exposures.csv is all it takes."""
    found = two_studies.query(
        "select adjustment_set, hazard_ratio is not null from results.hazard_ratios "
        "where exposure = 'total_activity' and is_primary order by adjustment_set"
    )
    assert ("M1", True) in found


def test_the_second_study_equals_a_model_fitted_from_the_marts_by_hand(two_studies: Project) -> None:
    """Body mass index per 5 kg/m2 and arthrosis, adjusted for age and sex, straight from SQL into lifelines."""
    with duckdb.connect(str(two_studies.folder / "warehouse/study.duckdb"), read_only=True) as connection:
        people = connection.sql(
            "select f.follow_up_days as days, f.is_event, p.body_mass_index_kg_per_m2 / 5 as bmi, p.age_years as age, "
            "cast(p.sex = 'male' as double) as male "
            "from marts.follow_ups as f inner join marts.participants as p using (participant_id) "
            "where f.outcome_definition = 'hospital_arthrosis' and bmi is not null"
        ).df()
        reported = connection.sql(
            "select log_hazard_ratio, standard_error, n_participants, n_events from results.hazard_ratios "
            "where study = 'arthrosis_cataract' and exposure = 'body_mass_index' and is_primary "
            "and adjustment_set = 'M1' and subgroup = 'everyone'"
        ).fetchall()
    fitted = CoxPHFitter().fit(people, duration_col="days", event_col="is_event", fit_options={"precision": 1e-12})
    assert len(reported) == 1
    beta, error, n, n_events = reported[0]
    assert (n, n_events) == (len(people), int(people["is_event"].sum()))
    assert beta == pytest.approx(float(fitted.params_["bmi"]), rel=1e-6)
    assert error == pytest.approx(float(fitted.standard_errors_["bmi"]), rel=1e-6)


def test_a_seed_row_adds_a_scan_by_attained_age(two_studies: Project) -> None:
    scans = two_studies.query(
        "select study, arm, time_scale, is_primary, count(*) filter (refusal is null) > 0 "
        "from results.biomarker_hazard_ratios group by 1, 2, 3, 4 order by all"
    )
    assert ("arthrosis_cataract", "adiposity_to_arthrosis", "attained_age", False, True) in scans
    assert all(time_scale == "follow_up" and is_primary for study, arm, time_scale, is_primary, _ in scans
               if arm != "adiposity_to_arthrosis" or is_primary)  # fmt: skip
    # What is shared is counted from the primary scans alone.
    listed = two_studies.query(
        "select max(n) from (select count(*) as n from results.shared_biomarkers "
        "group by study, first_arm, second_arm, platform, biomarker)"
    )
    assert listed == [(1,)]


def test_options_reach_the_scans(built: Project, two_studies: Project) -> None:
    """Technical covariates change the proteins' estimates and no metabolite's; HC3 changes errors and no difference."""
    differences = (
        "select platform, biomarker, arm, exposure, scaling, difference_sd, standard_error, variance "
        "from results.biomarker_associations where study = 'sarcopenia_osteoporosis' and refusal is null order by all"
    )
    n_compared = {"protein": 0, "metabolite": 0}
    for classical, hc3 in zip(built.query(differences), two_studies.query(differences), strict=True):
        assert classical[:5] == hc3[:5]
        assert (classical[7], hc3[7]) == ("classical", "hc3")
        assert classical[6] != hc3[6]
        before, after = float(str(classical[5])), float(str(hc3[5]))
        assert (abs(before - after) < 1e-10) == (classical[0] == "metabolite")
        n_compared[str(classical[0])] += 1
    assert min(n_compared.values()) > 0
    ratios = (
        "select biomarker, arm, log_hazard_ratio from results.biomarker_hazard_ratios "
        "where study = 'sarcopenia_osteoporosis' and platform = 'protein' and refusal is null"
    )
    before_, after_ = ({row[:2]: row[2] for row in project.query(ratios)} for project in (built, two_studies))
    both = before_.keys() & after_.keys()
    assert both
    assert all(before_[key] != after_[key] for key in both)
    assert two_studies.query("select distinct technical_covariates from marts.biomarker_panels order by 1") == [
        ("",),
        ("batch, processing_days, plate",),
    ]
