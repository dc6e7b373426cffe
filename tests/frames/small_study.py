"""3,000 people in an in-memory database: the marts and seeds that the survival tables read, with known effects."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml

SEEDS = Path(__file__).parents[2] / "warehouse" / "seeds"
N = 3_000
# Log hazard ratios: of grip per SD within sex on both outcomes, of current against never smoking, of age per SD.
GRIP, SMOKING, AGE = -0.6, {"osteoporosis": 0.7, "sarcopenia": 0.6}, 0.4
DEFINITIONS = {
    "first_occurrence_any_source": "osteoporosis",
    "hospital_osteoporosis": "osteoporosis",
    "first_occurrence_treated_kept": "osteoporosis",
    "any_source_self_report_death": "osteoporosis",
    "gp_linked_any_source": "osteoporosis",
    "hospital_m625": "sarcopenia",
    "hospital_myopia": "myopia",
    "hospital_appendicitis": "appendicitis",
    "hospital_transport_accident": "transport_accident",
}


def _words(rng: np.random.Generator, words: list[str], n: int = N) -> list[str]:
    return [words[k] for k in rng.integers(0, len(words), n)]


def participants(rng: np.random.Generator) -> dict[str, Any]:
    """Columns of marts.participants; a tenth did not tell their income, a twentieth were not measured for grip."""
    male = rng.random(N) < 0.45
    age = rng.uniform(40, 70, N)
    grip = np.where(male, 40.0, 25.0) + 6.0 * rng.standard_normal(N)
    heel = 0.55 + 0.12 * rng.standard_normal(N)
    sleep = rng.integers(4, 11, N).astype(float)
    columns: dict[str, Any] = {
        "participant_id": [f"SYN{i:06d}" for i in range(N)],
        "sex": np.where(male, "male", "female").tolist(),
        "nation": _words(rng, ["England", "Scotland", "Wales"]),
        "age_years": age,
        "grip_strength_kg": np.where(rng.random(N) < 0.05, np.nan, grip),
        "lean_mass_index_kg_per_m2": 17 + 2 * rng.standard_normal(N) + male,
        "walking_pace_level": rng.integers(1, 4, N).astype(float),
        "heel_bmd_g_per_cm2": heel,
        "townsend_deprivation_index": 3 * rng.standard_normal(N),
        "smoking_status": _words(rng, ["never", "never", "previous", "current"]),
        "household_income": _words(rng, ["below 18,000", *["above 100,000", "18,000 to 30,999"] * 4, "unknown"]),
        "sleep_duration_hours_per_day": sleep,
        "sleep_duration_category": np.select(
            [sleep < 7, sleep <= 8], ["short (under 7 h)", "normal (7 to 8 h)"], "long (over 8 h)"
        ).tolist(),
        "fat_mass_index_kg_per_m2": 9 + 3 * rng.standard_normal(N),
        "body_mass_index_kg_per_m2": 27 + 4 * rng.standard_normal(N),
    }
    yes_no = ["falls_last_year", "fracture_last_5_years", "diabetes", "cardiovascular_disease"]
    yes_no += ["rheumatoid_arthritis", "systemic_glucocorticoid", "vitamin_d_supplement", "calcium_supplement"]
    yes_no += ["menopause_status", "ever_used_hrt", "season"]
    for name in yes_no:
        columns[name] = _words(rng, ["no", "no", "yes"])
    for name in ("ethnicity_group", "assessment_centre_code", "education", "alcohol_intake_frequency"):
        columns[name] = _words(rng, ["a", "a", "b"])
    columns["ethnicity_group"] = _words(rng, ["white", "white", "white", "asian"])
    columns["physical_activity"] = _words(rng, ["low", "moderate", "high"])
    columns["diet_score"] = _words(rng, ["1", "2", "3"])
    columns["vitamin_d_log_nmol_per_l"] = 4 + 0.4 * rng.standard_normal(N)
    columns["weight_kg"] = 75 + 10 * rng.standard_normal(N)
    columns["systolic_blood_pressure_mmhg"] = 135 + 15 * rng.standard_normal(N)
    return columns


def follow_ups(rng: np.random.Generator, people: dict[str, Any]) -> dict[str, list[Any]]:
    """Rows of marts.follow_ups, exponential event times, death competing; controls are moved by nothing."""
    sex = np.array(people["sex"])
    grip = np.asarray(people["grip_strength_kg"])
    z = np.zeros(N)
    for word in ("female", "male"):
        own = sex == word
        z[own] = (grip[own] - np.nanmean(grip[own])) / np.nanstd(grip[own], ddof=1)
    z = np.nan_to_num(z)
    current = np.array(people["smoking_status"]) == "current"
    age = (np.asarray(people["age_years"]) - 55) / 8.7
    death = rng.exponential(12_000 * np.exp(-0.5 * age), N)
    rows: dict[str, list[Any]] = {
        name: [] for name in ("participant_id", "outcome_definition", "entry_day", "follow_up_days", "exit_kind")
    }
    drawn: dict[str, Any] = {}
    for definition, outcome in DEFINITIONS.items():
        effect = GRIP * z + SMOKING[outcome] * current + AGE * age if outcome in SMOKING else np.zeros(N)
        if outcome not in drawn:
            drawn[outcome] = rng.exponential(15_000 / np.exp(effect))
        onset = drawn[outcome]
        end = np.where(np.array(people["nation"]) == "Wales", 4_300, 5_000)
        days = np.ceil(np.minimum.reduce([onset, death, end])).astype(int)
        kind = np.where(onset <= np.minimum(death, end), "event", np.where(death <= end, "death", "administrative"))
        rows["participant_id"] += people["participant_id"]
        rows["outcome_definition"] += [definition] * N
        rows["entry_day"] += [14_000] * N
        rows["follow_up_days"] += days.tolist()
        rows["exit_kind"] += kind.tolist()
    return rows


def small_study(seed: int = 1) -> duckdb.DuckDBPyConnection:
    """The study of this repository's seeds on 3,000 simulated people."""
    session = duckdb.connect()
    for schema in ("seeds", "marts"):
        session.execute(f"create schema {schema}")
    for seed_of_study in yaml.safe_load((SEEDS / "_seeds.yml").read_text())["seeds"]:
        types = seed_of_study["config"]["column_types"]
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        session.execute(f"create table seeds.{seed_of_study['name']} ({columns})")
        with (SEEDS / f"{seed_of_study['name']}.csv").open(newline="") as lines:
            rows = [[row[name] or None for name in types] for row in csv.DictReader(lines)]
        if rows and len(rows) < 1_000:
            marks = ", ".join("?" for _ in types)
            session.executemany(f"insert into seeds.{seed_of_study['name']} values ({marks})", rows)
    rng = np.random.default_rng(seed)
    people = participants(rng)
    session.register("people", pa.table(people))
    session.execute(
        "create table marts.participants as select * replace "
        "(nullif(grip_strength_kg, 'nan'::double) as grip_strength_kg) from people"
    )
    session.register("followed", pa.table(follow_ups(rng, people)))
    session.execute(
        "create table marts.follow_ups as select participant_id, outcome_definition, "
        "date '1970-01-01' + entry_day::integer as entry_date, follow_up_days::integer as follow_up_days, exit_kind, "
        "exit_kind = 'event' as is_event from followed"
    )
    session.execute(
        "create table marts.visit_intervals as select participant_id, 'probable_sarcopenia_at_visits' as "
        "outcome_definition, '0-2' as visit_interval, 2000 + (hash(participant_id) % 500)::integer as interval_days, "
        "grip_strength_kg < 20 as is_case from marts.participants where grip_strength_kg is not null "
        "and hash(participant_id) % 3 = 0"
    )
    return session
