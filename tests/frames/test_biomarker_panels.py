"""The panel file of a build: written from marts, read back as it was, refused when it is not whole."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from python_models.frames.biomarkers import biomarker_blocks, biomarker_panels
from python_models.frames.biomarkers.biomarker_blocks import read_blocks, read_panel

N, PROTEINS = 40, ("a1bg", "b2m", "constant", "ghost", "mb")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """Four proteins in forty people: b2m copies a1bg, mb has a gap, and one biomarker is left out."""
    for module in (biomarker_blocks, biomarker_panels):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "panels")
    rng = np.random.default_rng(4)
    level = rng.normal(size=N)
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute("create table marts.participants (participant_id varchar)")
    connection.execute(
        "create table marts.biomarker_samples (platform varchar, participant_id varchar, exclusion varchar)"
    )
    connection.execute(
        "create table marts.protein_levels "
        "(participant_id varchar, participant_position integer, protein varchar, level_npx double)"
    )
    connection.execute(
        "create table marts.biomarkers (platform varchar, biomarker varchar, biomarker_type varchar, "
        "n_rows bigint, flag_reason varchar, n_zero integer, smallest_positive double, exclusion varchar)"
    )
    for i in range(N):
        who = f"SYN{i:06d}"
        connection.execute("insert into marts.participants values (?)", [who])
        exclusion = "low protein flag" if i == 3 else None
        connection.execute("insert into marts.biomarker_samples values ('protein', ?, ?)", [who, exclusion])
        gap = None if i == 7 else float(level[i] + 0.3 * rng.normal())
        rows = [("a1bg", float(level[i])), ("b2m", float(level[i]) + 1e-4), ("constant", 2.0), ("mb", gap)]
        connection.executemany("insert into marts.protein_levels values (?, ?, ?, ?)", [(who, i, *row) for row in rows])
    connection.execute(
        "create or replace table marts.protein_levels as "
        "select * from marts.protein_levels order by protein, participant_position"
    )
    for protein in PROTEINS:
        exclusion = (
            "constant" if protein == "constant" else "measured in no analysed sample" if protein == "ghost" else None
        )
        connection.execute(
            "insert into marts.biomarkers values ('protein', ?, 'measured', ?, null, 0, null, ?)",
            [protein, 0 if protein == "ghost" else N, exclusion],
        )
    return connection


def build(session: duckdb.DuckDBPyConnection, **options: object) -> None:
    settings = {"transform": "z", "imputation": "none", "n_neighbours": 2, "prune_above": 0.99} | options
    table = biomarker_panels.biomarker_panel_rows(session, **settings)  # type: ignore[arg-type]
    session.register("written", table)
    session.execute("create or replace table marts.biomarker_panels as select * from written")


def test_panel__reads_back_what_was_written(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    panel = read_panel(session, platform="protein")
    assert panel is not None
    assert panel.rows.tolist() == [i for i in range(N) if i != 3]
    ((block, values),) = list(read_blocks(session, panel))
    assert [one.name for one in block] == ["a1bg", "b2m", "mb"]
    assert values.shape == (3, N - 1)
    assert np.flatnonzero(np.isnan(values[2])).tolist() == [6]
    np.testing.assert_allclose(np.nanstd(values.astype(float), axis=1, ddof=1), 1.0, rtol=1e-5)
    by_one = np.concatenate([part for _, part in read_blocks(session, panel, size=1)])
    np.testing.assert_array_equal(by_one, values)
    assert read_panel(session, platform="metabolite") is None


def test_panel__near_copies_are_pruned_and_counted_once(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    rows = session.execute(
        "select biomarker, is_pruned, pruned_for, n_known, n_effective_tests "
        "from marts.biomarker_panels order by position"
    ).fetchall()
    assert [row[:4] for row in rows] == [("a1bg", False, None, 39), ("b2m", True, "a1bg", 39), ("mb", False, None, 38)]
    assert 1 <= rows[0][4] < 3


def test_panel__gaps_are_filled_from_the_nearest(session: duckdb.DuckDBPyConnection) -> None:
    build(session, imputation="nearest_biomarkers")
    panel = read_panel(session, platform="protein")
    assert panel is not None
    ((_, values),) = list(read_blocks(session, panel))
    assert np.isfinite(values).all()
    # Both neighbours say the same: their value, drawn towards the mean by how loosely they are tied.
    assert 0.0 < values[2, 6] / values[0, 6] < 1.0
    assert session.execute("select n_imputed from marts.biomarker_panels order by position").fetchall() == [
        (0,),
        (0,),
        (1,),
    ]


def test_panel__a_lost_or_cut_file_is_refused_with_the_command(session: duckdb.DuckDBPyConnection) -> None:
    build(session)
    panel = read_panel(session, platform="protein")
    assert panel is not None
    assert panel.file is not None
    panel.file.write_bytes(panel.file.read_bytes()[:-4])
    with pytest.raises(FileNotFoundError, match="dbt build --select biomarker_panels"):
        list(read_blocks(session, panel))


@pytest.mark.parametrize("option", [{"transform": "log"}, {"imputation": "mice"}])
def test_panel__unknown_options_are_named(session: duckdb.DuckDBPyConnection, option: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(option.values()))} is not one of"):
        build(session, **option)


def test_panel__one_protein_alone(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("update marts.biomarkers set exclusion = 'constant' where biomarker != 'mb'")
    build(session, imputation="nearest_biomarkers")
    row = session.execute("select n_effective_tests, is_pruned, n_imputed from marts.biomarker_panels").fetchall()
    assert row == [(1.0, False, 0)]


def test_panel__unsorted_levels_are_refused_with_the_command(session: duckdb.DuckDBPyConnection) -> None:
    session.execute(
        "create or replace table marts.protein_levels as "
        "select * from marts.protein_levels order by protein, hash(participant_id)"
    )
    with pytest.raises(RuntimeError, match="dbt build --select protein_levels"):
        build(session)


def test_panel__levels_of_another_build_are_refused(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("delete from marts.protein_levels where protein = 'b2m' and participant_position = 5")
    with pytest.raises(RuntimeError, match="159 rows of 160"):
        build(session)
