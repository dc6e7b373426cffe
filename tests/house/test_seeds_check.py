"""Every fault of every seed at once, by file, rule and line; seeds without faults pass."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.errors import SeedError
from warehouse.seeds_check import check_seeds

SEEDS = Path(__file__).parents[2] / "warehouse" / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def add_scan(row: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / "biomarker_scans.csv").open("a") as seed:
            seed.write(f"sarcopenia_osteoporosis,{row}\n")

    return change


def test_check_seeds__the_seeds_of_the_project_hold() -> None:
    check_seeds(SEEDS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replace("ukb_fields.csv", "31,sex", "thirty-one,sex"), "ukb_fields.csv: column field_id holds integer values"),
        (replace("exposure_scalings.csv", "per_sex_sd,,true", "per_sex_ds,,true"), "scaling is one of"),
        (
            replace("arms.csv", "sarcopenia_osteoporosis,muscle", "sarcopenia_osteoporsis,muscle"),
            "study is listed in studies.csv",
        ),
        (replace("censoring_dates.csv", "1992-12-31", "31/12/1992"), "column end_date holds date values"),
        (replace("studies.csv", "study,cohort_kind", "study,kind_of_cohort"), "has the column cohort_kind"),
        (
            replace("arm_outcome_definitions.csv", "hospital_m625,true", "hospital_m625,false"),
            "has one primary outcome definition",
        ),
        (lambda folder: (folder / "covariates.csv").unlink(), "covariates.csv: is there"),
        (replace("sensitivity_analyses.csv", "lag_years,2,", "lag_years,two,"), "parameter that lag_years can use"),
        (replace("sensitivity_analyses.csv", "multiple_imputation,5,", "multiple_imputation,1,"), "not '1'"),
        (replace("sensitivity_analyses.csv", ",fat_mass_index,", ",fat_mass,"), "parameter that add_covariate can use"),
        (replace("sensitivity_analyses.csv", "2020-02-29", "29 February"), "parameter that end_date can use"),
        (
            replace("sensitivity_analyses.csv", "M1 of M3", "M1 of M9"),
            "parameter that same_people can use, not 'M1 of M9'",
        ),
        (
            replace("sensitivity_analyses.csv", "attained_age,,", "attained_age,65,"),
            "parameter that attained_age can use",
        ),
        (add_scan("muscle_to_bone,hospital_m625,follow_up"), "is a definition of the arm"),
        (add_scan("muscle_to_bone,first_occurrence_any_source,follow_up"), "adds to the primary scan"),
        (add_scan("bone_to_muscle,fnih_at_visits,follow_up"), "has dates of events"),
        (add_scan("muscle_to_bone,hospital_osteoporosis,age"), "time_scale is one of follow_up, attained_age"),
        (replace("joint_exposures.csv", ",2,walking_pace,", ",2,walking_speed,"), "crosses exposures of its arm"),
        (replace("joint_exposures.csv", "pace,2,walking", "lean_mass,2,walking"), "has two parts"),
        (
            replace("exposure_marks.csv", "bone_to_muscle,heel_bmd", "muscle_to_bone,heel_bmd"),
            "is an exposure of its arm",
        ),
        (replace("control_analyses.csv", "age_years,1,", ",1,"), "names a column if positive"),
        (
            replace("arms.csv", "osteoporosis,M2,M2,", "osteoporosis,M9,M2,"),
            "primary_adjustment_set is a set of the study, not 'M9'",
        ),
        (replace("gwas_trait_codings.csv", "case_control,,,0.19", "case_control,,,1.9"), "between 0 and 1"),
        (
            replace("arms.csv", "osteoporosis,M2,M2,", "osteoporosis,M2,M9,"),
            "mediation_adjustment_set is a set of the study",
        ),
        (
            replace("mediation_sensitivity_analyses.csv", "add_covariate,fat_mass_index", "add_covariate,"),
            "names a covariate",
        ),
        (replace("mediation_sensitivity_analyses.csv", "drop_early,,2,", "drop_early,,,"), "says years above 0"),
        (replace("control_analyses.csv", "hospital_myopia,,0", "hospital_myopia,,1"), "0 if negative"),
        (replace("gwas_trait_codings.csv", "case_control,,,0.19", "case_control,100,,0.19"), "cases and controls"),
        (replace("gwas_trait_codings.csv", "case_control,,,0.19", "binary,,,0.19"), "quantitative, case_control"),
        (replace("gwas_trait_pairs.csv", "source\n", "source\na,a,0,,x\n"), "two different traits"),
        (replace("gwas_trait_pairs.csv", "source\n", "source\na,b,0,,x\nb,a,0,,x\n"), "in either order"),
        (replace("gwas_trait_pairs.csv", "source\n", "source\na,b,,2,x\n"), "shares 0 to 1"),
    ],
)
def test_check_seeds__names_the_file_and_the_rule(seeds: Path, change: Callable[[Path], None], message: str) -> None:
    change(seeds)
    with pytest.raises(SeedError) as raised:
        check_seeds(seeds)
    assert message in str(raised.value)


def test_check_seeds__collects_the_faults_of_several_seeds(seeds: Path) -> None:
    replace("censoring_dates.csv", "1992-12-31", "soon")(seeds)
    replace("conditions.csv", "osteoporosis,", "brittle_bones,")(seeds)
    with pytest.raises(SeedError) as raised:
        check_seeds(seeds)
    assert len(raised.value.faults) >= 2


def test_check_seeds__repeated_keys_are_counted(seeds: Path) -> None:
    path = seeds / "studies.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(SeedError, match="one row per study"):
        check_seeds(seeds)


def test_check_seeds__a_column_that_the_mart_lacks_is_named_with_its_neighbour(seeds: Path) -> None:
    replace("exposures.csv", ",grip_strength_kg,", ",grip_strenght_kg,")(seeds)
    replace("covariates.csv", ",age_years,", ",age_yeras,")(seeds)
    with pytest.raises(SeedError) as raised:
        check_seeds(seeds)
    told = str(raised.value)
    assert "column_name is a column of marts.participants, not grip_strenght_kg" in told
    assert "did you mean grip_strength_kg" in told
    assert "did you mean age_years" in told


def test_check_seeds__a_byte_order_mark_is_named_and_nothing_else(seeds: Path) -> None:
    path = seeds / "exposures.csv"
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SeedError) as raised:
        check_seeds(seeds)
    assert [fault.remedy for fault in raised.value.faults] == ["save it as UTF-8 without a byte-order mark"]
