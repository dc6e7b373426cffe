"""A seed row may name any measure of the mart: what the seeds name is there, and what UK Biobank asked reaches it."""

import csv
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "warehouse" / "seeds"
FIELDS = ROOT / "../shared/domain/fields.md"


def rows(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def columns_of_participants() -> set[str]:
    described = yaml.safe_load((ROOT / "models/marts/participants.yml").read_text(encoding="utf-8"))
    return {column["name"] for column in described["models"][0]["columns"]}


@pytest.mark.parametrize("seed", ["exposures", "covariates", "subgroups", "lifestyle_contrasts"])
def test_every_column_that_a_seed_names_is_in_the_mart(seed: str) -> None:
    named = {row["column_name"] for row in rows(seed) if row["column_name"]}
    assert named - columns_of_participants() == set()


# Measures that fields.md gives for exposures and covariates, which a row of exposures.csv or covariates.csv may name.
@pytest.mark.parametrize(
    ("field_id", "column"),
    [
        (22032, "physical_activity"),
        (22040, "total_activity_met_minutes_per_week"),
        (22036, "activity_guideline"),
        (864, "walking_minutes_per_week"),
        (884, "moderate_activity_minutes_per_week"),
        (904, "vigorous_activity_minutes_per_week"),
        (90012, "acceleration_average_milligravity"),
        (3144, "heel_broadband_attenuation_db_per_mhz"),
        (3146, "heel_speed_of_sound_m_per_s"),
        (845, "age_left_education_years"),
        (1239, "current_tobacco_smoking"),
        (20161, "pack_years"),
        (1050, "outdoors_in_summer_hours_per_day"),
        (943, "stair_climbing_level"),
        (23102, "whole_body_water_mass_kg"),
        (23106, "whole_body_impedance_ohm"),
    ],
)
def test_a_measured_field_is_a_column_of_the_mart(field_id: int, column: str) -> None:
    assert column in columns_of_participants()
    assert field_id in {int(row["field_id"]) for row in rows("ukb_fields")}
    mart = (ROOT / "models/marts/participants.sql").read_text(encoding="utf-8")
    assert re.search(rf"\b{column}\b", mart)


@pytest.mark.skipif(not FIELDS.is_file(), reason="the list of fields is not beside the project")
def test_every_field_of_the_list_lands() -> None:
    listed = {int(found) for found in re.findall(r"^\| (\d+) \|", FIELDS.read_text(encoding="utf-8"), re.MULTILINE)}
    landed = {
        int(row["field_id"]) for seed in ("ukb_fields", "nmr_biomarkers") for row in rows(seed) if row["field_id"]
    }
    assert len(listed) > 100
    assert listed - landed == set()
