"""Publishing replaces the study whole or not at all."""

from pathlib import Path

import duckdb
import pytest

from warehouse.publish.database import UNPUBLISHED_VIEWS, Description, publish_database


@pytest.fixture
def build(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(tmp_path / "build.duckdb"))
    connection.execute("create schema marts; create table marts.numbers as select range as n from range(5)")
    connection.execute("create schema scratch; create table scratch.hidden as select 1 as x")
    connection.execute("create view marts.looked_at as select * from marts.numbers")
    return connection


def published(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_publish_database__tables_of_the_layers_go_out_and_nothing_else(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "study.duckdb"
    assert publish_database(build, target=target, parquet=tmp_path / "parquet") == 1
    assert published(target, "select schema_name, table_name from duckdb_tables()") == [("marts", "numbers")]
    assert published(target, "select count(*) from marts.numbers") == [(5,)]
    assert (tmp_path / "parquet" / "marts" / "numbers.parquet").is_file()


def test_publish_database__views_between_models_go_out_as_tables(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    build.execute(
        "create schema intermediate; create view intermediate.large as select n from marts.numbers where n > 2"
    )
    target = tmp_path / "study.duckdb"
    assert publish_database(build, target=target, parquet=tmp_path / "parquet") == 2
    assert published(target, "select table_name from duckdb_tables() order by 1") == [("large",), ("numbers",)]
    assert published(target, "select n from intermediate.large order by n") == [(3,), (4,)]


def test_publish_database__a_view_that_repeats_another_table_stays_behind(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    build.execute("create schema intermediate")
    for schema, view in UNPUBLISHED_VIEWS:
        build.execute(f"create view {schema}.{view} as select n from marts.numbers")
    target = tmp_path / "study.duckdb"
    assert publish_database(build, target=target, parquet=tmp_path / "parquet") == 1
    assert published(target, "select table_name from duckdb_tables()") == [("numbers",)]


def test_publish_database__descriptions_become_comments(build: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "study.duckdb"
    words = [
        Description("marts", "numbers", "One row per number.", {"n": "It's a\n  number.", "gone": "Not a column."}),
        Description("marts", "absent", "One row per nothing.", {"x": "Nothing."}),
    ]
    publish_database(build, target=target, parquet=tmp_path / "parquet", descriptions=words)
    assert published(target, "select comment from duckdb_tables()") == [("One row per number.",)]
    assert published(target, "select comment from duckdb_columns() where table_name = 'numbers'") == [
        ("It's a number.",)
    ]


def test_publish_database__a_reader_keeps_what_it_opened_while_the_study_is_replaced(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "study.duckdb"
    publish_database(build, target=target, parquet=tmp_path / "parquet")
    with duckdb.connect(str(target), read_only=True) as reader:
        build.execute("insert into marts.numbers values (5)")
        publish_database(build, target=target, parquet=tmp_path / "parquet")
        assert reader.execute("select count(*) from marts.numbers").fetchall() == [(5,)]
    assert published(target, "select count(*) from marts.numbers") == [(6,)]


def test_publish_database__a_failure_leaves_the_last_good_study(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "study.duckdb"
    publish_database(build, target=target, parquet=tmp_path / "parquet")
    blocked = tmp_path / "a_file"
    blocked.write_text("in the way")
    with pytest.raises((OSError, duckdb.Error)):
        publish_database(build, target=target, parquet=blocked / "parquet")
    assert published(target, "select count(*) from marts.numbers") == [(5,)]
