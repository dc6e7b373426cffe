"""Correlations given covariates are those of residuals, from products alone; the panel's file holds them."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from python_models.frames.biomarkers import biomarker_blocks, biomarker_panels
from python_models.frames.biomarkers.adjusted_correlation import adjusted_correlation, scan_covariates
from python_models.frames.biomarkers.biomarker_blocks import read_correlation, read_panel

# Products in single precision.
SINGLE = 2e-5


def test_adjusted_correlation__is_that_of_residuals() -> None:
    rng = np.random.default_rng(1)
    n = 400
    covariates = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.4])
    rows = rng.normal(size=(5, n)) + np.outer([2.0, -1.5, 0.0, 1.0, 0.0], covariates[:, 1])
    rows[3] += covariates[:, 2]
    rows[4] = 3.0 * covariates[:, 1] - covariates[:, 2]
    residual = rows - (covariates @ np.linalg.lstsq(covariates, rows.T, rcond=None)[0]).T
    centred = rows - rows.mean(axis=1, keepdims=True)
    standardised = (centred / np.linalg.norm(centred, axis=1, keepdims=True)).astype(np.float32)
    products = (standardised @ standardised.T).astype(np.float64)
    basis = np.linalg.qr(covariates)[0].astype(np.float32)
    found = adjusted_correlation(standardised, products, basis)
    np.testing.assert_allclose(found[:4, :4], np.corrcoef(residual[:4]), atol=SINGLE)
    # All of the fifth is covariates: what is left of it is rounding, and correlates with nothing.
    assert found[4].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert abs(products[0, 1]) > 0.6
    assert abs(found[0, 1]) < 0.15
    # Nothing to adjust for: as they stand.
    np.testing.assert_allclose(adjusted_correlation(standardised, products, basis[:, :0]), products, atol=SINGLE)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """Two proteins in 300 people, tied by sex, age and a processing date alone; one person has no age."""
    for module in (biomarker_blocks, biomarker_panels):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "panels")
    rng, n = np.random.default_rng(2), 300
    connection = duckdb.connect()
    for schema in ("marts", "seeds"):
        connection.execute(f"create schema {schema}")
    who = [f"SYN{i:06d}" for i in range(n)]
    age, is_male = rng.normal(57, 8, n), rng.random(n) < 0.5
    days = rng.integers(0, 400, n)
    shared = (age - 57) / 8 + is_male + 0.01 * days
    levels = {name: shared + 0.4 * rng.normal(size=n) for name in ("a1bg", "mb")}
    connection.execute("create table marts.participants (participant_id varchar, age_years double, sex varchar)")
    connection.executemany(
        "insert into marts.participants values (?, ?, ?)",
        [
            (one, None if i == 5 else float(age[i]), "male" if is_male[i] else "female")
            for i, one in reversed(list(enumerate(who)))
        ],
    )
    connection.execute(
        "create table marts.biomarker_samples (platform varchar, participant_id varchar, exclusion varchar, "
        "olink_processing_days integer)"
    )
    connection.executemany(
        "insert into marts.biomarker_samples values ('protein', ?, ?, ?)",
        [(one, "low protein flag" if i == 3 else None, int(days[i])) for i, one in enumerate(who)],
    )
    connection.execute(
        "create table marts.protein_levels "
        "(participant_id varchar, participant_position integer, protein varchar, level_npx double)"
    )
    connection.executemany(
        "insert into marts.protein_levels values (?, ?, ?, ?)",
        [(who[i], i, name, float(values[i])) for name, values in levels.items() for i in range(n)],
    )
    connection.execute(
        "create table marts.biomarkers as select 'protein' as platform, protein as biomarker, "
        "'measured' as biomarker_type, count(*) as n_rows, null::varchar as flag_reason, 0 as n_zero, "
        "null::double as smallest_positive, null::varchar as exclusion from marts.protein_levels group by protein"
    )
    return connection


@pytest.mark.parametrize(
    ("covariates", "technical", "is_tied"),
    [
        ((), (), True),
        (("age_years", "sex"), (), True),
        (("age_years", "sex"), ("processing_days",), False),
    ],
)
def test_panel__correlations_are_given_the_covariates_of_the_scans(
    session: duckdb.DuckDBPyConnection, covariates: tuple[str, ...], technical: tuple[str, ...], is_tied: bool
) -> None:
    table = biomarker_panels.biomarker_panel_rows(
        session, transform="z", imputation="none", n_neighbours=2, prune_above=0.9, technical_covariates=technical,
        covariates=covariates,
    )  # fmt: skip
    session.register("written", table)
    session.execute("create table marts.biomarker_panels as select * from written")
    panel = read_panel(session, platform="protein")
    assert panel is not None
    found = read_correlation(panel)
    assert found.shape == (2, 2)
    # Three standard errors of 300 people; what stands between the two is far above.
    assert (abs(found[0, 1]) > 3 / np.sqrt(300)) == is_tied
    # What prunes is of the biomarkers as they stand.
    assert table.column("is_pruned").to_pylist() == [False, True]


def test_scan_covariates__are_of_the_primary_sets_of_the_cohorts_studies() -> None:
    connection = duckdb.connect()
    connection.execute("create schema seeds")
    for table, columns, rows in (
        ("arms", "study, arm, primary_adjustment_set", [("s", "a", "M1"), ("s", "b", "M2"), ("other", "c", "M1")]),
        ("studies", "study, cohort_kind", [("s", "biobank"), ("other", "nhefs")]),
        ("cohorts", "cohort, kind", [("synthetic", "biobank"), ("nhefs", "nhefs")]),
        (
            "adjustment_sets", "study, adjustment_set, covariate",
            [("s", "M1", "age"), ("s", "M2", "sex"), ("s", "M3", "fat"), ("other", "M1", "race"), ("s", "M2", None)],
        ),
        ("covariates", "covariate, column_name", [(one, f"{one}_column") for one in ("age", "sex", "fat", "race")]),
    ):  # fmt: skip
        names = ", ".join(f"{name.strip()} varchar" for name in columns.split(","))
        connection.execute(f"create table seeds.{table} ({names})")
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into seeds.{table} values ({marks})", rows)
    assert scan_covariates(connection, cohort="synthetic") == ["age_column", "sex_column"]
