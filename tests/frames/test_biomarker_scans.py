"""Biomarker scans on 3,000 people: outcome definitions, attained age, HC3 and technical covariates reach the fits."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.biomarkers import biomarker_blocks, biomarker_panels
from python_models.frames.biomarkers.biomarker_blocks import read_blocks, read_panel
from python_models.frames.biomarkers.biomarker_designs import BiomarkerStudy
from python_models.frames.biomarkers.biomarker_rows import biomarker_association_rows, biomarker_hazard_ratio_rows
from python_models.frames.biomarkers.biomarker_scaling import centre_within
from tests.frames.small_study import N, small_study

K, PLATES = 5, 40


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """Five proteins: the second moved by its batch, which the hazard is too, the third by its plate."""
    for module in (biomarker_blocks, biomarker_panels):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "panels")
    connection = small_study()
    rng = np.random.default_rng(12)
    event = np.array(
        connection.execute(
            "select is_event from marts.follow_ups where outcome_definition = 'first_occurrence_any_source' "
            "order by participant_id"
        ).fetchall()
    ).ravel()
    plate = np.where(event & (rng.random(N) < 0.5), rng.integers(0, 10, N), rng.integers(0, PLATES, N))
    batch = plate // 10
    levels = rng.normal(size=(K, N))
    levels[0] += 0.3 * event
    levels[1] += 0.8 * batch
    levels[2] += rng.normal(size=PLATES)[plate]
    levels[3] *= 1 + 2 * rng.random(N)
    people = [
        row[0] for row in connection.execute("select participant_id from marts.participants order by 1").fetchall()
    ]
    names = [f"p{k}" for k in range(K)]
    connection.execute(
        "create table marts.biomarker_samples as "
        "select 'protein' as platform, unnest($who::varchar[]) as participant_id, "
        "unnest($batch::integer[]) as olink_batch, 'P' || unnest($plate::integer[]) as olink_plate, "
        "unnest($days::double[]) as olink_processing_days, null::varchar as exclusion",
        {"who": people, "batch": batch.tolist(), "plate": plate.tolist(), "days": rng.uniform(4000, 5000, N).tolist()},
    )
    connection.execute(
        "create table marts.biomarkers as select 'protein' as platform, unnest($names::varchar[]) as biomarker, "
        f"'measured' as biomarker_type, {N} as n_rows, null::varchar as flag_reason, 0 as n_zero, "
        "null::double as smallest_positive, null::varchar as exclusion",
        {"names": names},
    )
    connection.execute(
        "create table marts.protein_levels as select unnest($who::varchar[]) as participant_id, "
        "unnest($position::integer[]) as participant_position, "
        "unnest($protein::varchar[]) as protein, unnest($level::double[])::float as level_npx",
        {
            "who": people * K,
            "position": list(range(N)) * K,
            "protein": [name for name in names for _ in people],
            "level": levels.ravel().tolist(),
        },
    )
    return connection


def build(session: duckdb.DuckDBPyConnection, technical: list[str] | None = None) -> None:
    table = biomarker_panels.biomarker_panel_rows(
        session, transform="z", imputation="none", n_neighbours=2, prune_above=0.9, technical_covariates=technical or []
    )
    session.register("written", table)
    session.execute("create or replace table marts.biomarker_panels as select * from written")


def hazard_ratios(session: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return [
        row for row in biomarker_hazard_ratio_rows(session).to_pylist() if row["study"] == "sarcopenia_osteoporosis"
    ]


def test_only_the_primary_scan_without_a_seed(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    rows = hazard_ratios(session)
    assert {(row["outcome_definition"], row["time_scale"], row["is_primary"]) for row in rows} == {
        ("first_occurrence_any_source", "follow_up", True),
        ("hospital_m625", "follow_up", True),
    }
    assert len(rows) == 2 * K


def test_an_arm_whose_primary_outcome_is_seen_at_visits_is_refused_in_rows(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    session.execute(
        "update seeds.outcome_definitions set follow_up_source = 'visit' where outcome_definition = 'hospital_m625'"
    )
    refused = [row for row in hazard_ratios(session) if row["arm"] == "bone_to_muscle"]
    assert [row["biomarker"] for row in refused] == [f"p{k}" for k in range(K)]
    assert all("repeat visits only" in row["refusal"] and row["is_primary"] for row in refused)
    assert all(row["log_hazard_ratio"] is None for row in refused)
    assert sum(row["refusal"] is None for row in hazard_ratios(session)) == K


def test_a_seed_adds_definitions_and_attained_age(session: duckdb.DuckDBPyConnection) -> None:
    """Each scan is the model fitted by hand; by age, with entry delayed to baseline and without age as covariate."""
    build(session)
    first = {(row["arm"], row["biomarker"]): row for row in hazard_ratios(session)}
    session.execute(
        "insert into seeds.biomarker_scans values "
        "('sarcopenia_osteoporosis', 'muscle_to_bone', 'hospital_osteoporosis', 'follow_up'), "
        "('sarcopenia_osteoporosis', 'muscle_to_bone', 'first_occurrence_any_source', 'attained_age')"
    )
    session.execute(
        "update marts.follow_ups set is_event = false where outcome_definition = 'hospital_osteoporosis' "
        "and hash(participant_id) % 3 = 0"
    )
    rows = {
        (row["outcome_definition"], row["time_scale"], row["biomarker"]): row
        for row in hazard_ratios(session)
        if row["arm"] == "muscle_to_bone"
    }
    assert len(rows) == 3 * K
    study = BiomarkerStudy(session, cohort="synthetic", with_scans=True)
    panel = read_panel(session, platform="protein")
    assert panel is not None
    ((_, values),) = list(read_blocks(session, panel))
    age = np.array(
        session.execute("select age_years from marts.participants order by participant_id").fetchall()
    ).ravel()
    for scan in study.scans:
        if scan.analysis.arm != "muscle_to_bone":
            continue
        plain = study.without_exposure(scan.analysis, panel.rows)
        by_age = scan.time_scale == "attained_age"
        kept = [k for k, name in enumerate(plain.names) if not by_age or name != "age_years"]
        entry = np.rint(age[plain.samples] * 365.25) if by_age else None
        for k in (0, 4):
            fit = fit_cox(
                exit=plain.days if entry is None else entry + plain.days, event=plain.event, entry=entry,
                covariates=np.column_stack([plain.covariates[:, kept], values[k, plain.samples].astype(float)]),
                strata=plain.strata,
            )  # fmt: skip
            row = rows[scan.analysis.outcome_definition, scan.time_scale, f"p{k}"]
            assert_allclose(row["log_hazard_ratio"], fit.beta[-1], rtol=1e-6)
            assert_allclose(row["standard_error"], fit.standard_error[-1], rtol=1e-6)
            assert row["is_primary"] == scan.is_primary
    one = rows["first_occurrence_any_source", "attained_age", "p0"]
    other = rows["hospital_osteoporosis", "follow_up", "p0"]
    primary = rows["first_occurrence_any_source", "follow_up", "p0"]
    assert primary["log_hazard_ratio"] == first["muscle_to_bone", "p0"]["log_hazard_ratio"]
    assert abs(one["log_hazard_ratio"] - primary["log_hazard_ratio"]) > 1e-5
    assert other["n_events"] < primary["n_events"] == one["n_events"]


def test_technical_covariates_reach_the_models_and_change_them(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    plain = {row["biomarker"]: row for row in hazard_ratios(session) if row["arm"] == "muscle_to_bone"}
    build(session, ["batch", "processing_days"])
    adjusted = {row["biomarker"]: row for row in hazard_ratios(session) if row["arm"] == "muscle_to_bone"}
    study = BiomarkerStudy(session, cohort="synthetic")
    panel = read_panel(session, platform="protein")
    assert panel is not None
    assert panel.technical == ("batch", "processing_days")
    design = study.without_exposure(study.on(panel, study.outcomes[-1]), panel.rows)
    assert [name for name in design.names if name.startswith("olink")] == [
        "olink_batch: 1", "olink_batch: 2", "olink_batch: 3", "olink_processing_days",
    ]  # fmt: skip
    # Events were put into the first batch, whose level is low: without the batch the protein seems protective.
    assert plain["p1"]["p_value"] < 1e-4
    assert abs(adjusted["p1"]["log_hazard_ratio"]) < 0.5 * abs(plain["p1"]["log_hazard_ratio"])
    assert adjusted["p1"]["n_participants"] == plain["p1"]["n_participants"]


def test_plate_means_are_taken_off_before_scaling(session: duckdb.DuckDBPyConnection) -> None:
    def spread_of_plates() -> float:
        panel = read_panel(session, platform="protein")
        assert panel is not None
        ((_, values),) = list(read_blocks(session, panel))
        plate = np.array(
            session.execute("select olink_plate from marts.biomarker_samples order by participant_id").fetchall()
        ).ravel()
        return float(np.std([values[2, plate == one].mean() for one in np.unique(plate)]))

    build(session)
    assert spread_of_plates() > 0.3
    build(session, ["plate"])
    assert spread_of_plates() < 1e-6


def test_centre_within__small_groups_and_gaps_stay() -> None:
    values = np.array([1.0, 3.0, np.nan, 10.0, 7.0, 5.0], dtype=np.float32)
    centre_within(values, np.array([0, 0, 0, 1, -1, 0]), 2)
    assert_allclose(values, [2.75, 4.75, np.nan, 10.0, 7.0, 6.75])


def test_hc3_reaches_the_linear_scan(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    classical, hc3 = (
        {
            (row["exposure"], row["scaling"], row["biomarker"]): row
            for row in biomarker_association_rows(session, variance=variance).to_pylist()  # type: ignore[arg-type]
            if row["refusal"] is None
        }
        for variance in ("classical", "hc3")
    )
    assert classical.keys() == hc3.keys()
    assert {row["variance"] for row in hc3.values()} == {"hc3"}
    for key, row in classical.items():
        assert_allclose(row["difference_sd"], hc3[key]["difference_sd"], rtol=1e-9)
    assert max(abs(row["standard_error"] / hc3[key]["standard_error"] - 1) for key, row in classical.items()) > 1e-3
    with pytest.raises(ValueError, match="one of"):
        biomarker_association_rows(session, variance="hc9")  # type: ignore[arg-type]


def test_unknown_technical_covariates_are_named(session: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="well are not of batch, processing_days, plate"):
        build(session, ["well"])
