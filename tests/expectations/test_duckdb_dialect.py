from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from expectations.duckdb_dialect import URL, engine_arguments
from expectations.gx_validation import Validator
from expectations.suite_files import TYPES_ON_AGGREGATES, Expectation


def test_rows__outlive_the_statement_and_the_connection_they_came_from(connection: duckdb.DuckDBPyConnection) -> None:
    engine = sa.create_engine(URL, **engine_arguments(connection))
    with engine.connect() as borrowed:
        first = borrowed.execute(sa.text("select i from range(5) as numbers (i)"))
        second = borrowed.execute(sa.text("select 7"))
    connection.execute("select 1").fetchall()
    assert [row[0] for row in first.fetchmany(2)] == [0, 1]
    assert first.fetchone() == (2,)
    assert first.fetchall() == [(3,), (4,)]
    assert second.scalar() == 7


def test_transactions__belong_to_the_caller(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table kept (i integer)")
    connection.begin()
    connection.execute("insert into kept values (1)")
    engine = sa.create_engine(URL, **engine_arguments(connection))
    with engine.begin() as borrowed:
        assert borrowed.execute(sa.text("select count(*) from kept")).scalar() == 1
    with engine.connect() as borrowed:
        borrowed.execute(sa.text("select 1"))
        borrowed.rollback()
    engine.dispose()
    assert connection.execute("select count(*) from kept").fetchall() == [(1,)], "SQLAlchemy rolled the caller back"
    connection.rollback()
    assert connection.execute("select count(*) from kept").fetchall() == [(0,)], "SQLAlchemy committed for the caller"


def test_parameters__are_bound_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    engine = sa.create_engine(URL, **engine_arguments(connection))
    column = sa.column("i")
    query = sa.select(column).select_from(sa.text("range(10) as numbers (i)")).where(column > 2, column < 6)
    with engine.connect() as borrowed:
        assert [row[0] for row in borrowed.execute(query)] == [3, 4, 5]


def test_errors__of_the_engine_reach_the_caller_as_database_errors(connection: duckdb.DuckDBPyConnection) -> None:
    engine = sa.create_engine(URL, **engine_arguments(connection))
    with engine.connect() as borrowed, pytest.raises(sa.exc.SQLAlchemyError, match="nowhere"):
        borrowed.execute(sa.text("select * from nowhere"))


# Every type a suite may use, with keywords that hold on the rows below and keywords that do not.
HOLDS_AND_FAILS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "expect_column_values_to_be_between": ({"column": "x", "min_value": 0}, {"column": "x", "max_value": 50}),
    "expect_column_values_to_be_in_set": (
        {"column": "g", "value_set": ["a", "b"]},
        {"column": "g", "value_set": ["a"]},
    ),
    "expect_column_values_to_not_be_in_set": ({"column": "g", "value_set": ["c"]}, {"column": "g", "value_set": ["a"]}),
    "expect_column_values_to_be_null": ({"column": "n"}, {"column": "x"}),
    "expect_column_values_to_not_be_null": ({"column": "x"}, {"column": "n"}),
    "expect_column_values_to_be_unique": ({"column": "x"}, {"column": "g"}),
    "expect_column_value_lengths_to_be_between": ({"column": "g", "max_value": 1}, {"column": "g", "min_value": 2}),
    "expect_column_value_lengths_to_equal": ({"column": "g", "value": 1}, {"column": "g", "value": 2}),
    "expect_column_mean_to_be_between": ({"column": "x", "max_value": 60}, {"column": "x", "max_value": 40}),
    "expect_column_stdev_to_be_between": ({"column": "x", "max_value": 40}, {"column": "x", "max_value": 5}),
    "expect_column_sum_to_be_between": ({"column": "x", "max_value": 5000}, {"column": "x", "max_value": 5}),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        {"column": "x", "min_value": 0.9},
        {"column": "n", "min_value": 0.9},
    ),
    "expect_column_proportion_of_unique_values_to_be_between": (
        {"column": "x", "min_value": 0.9},
        {"column": "g", "min_value": 0.9},
    ),
    "expect_column_unique_value_count_to_be_between": (
        {"column": "g", "max_value": 2},
        {"column": "g", "max_value": 1},
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "y", "column_B": "x"},
        {"column_A": "x", "column_B": "y"},
    ),
    "expect_column_pair_values_to_be_equal": ({"column_A": "x", "column_B": "x"}, {"column_A": "x", "column_B": "y"}),
    "expect_compound_columns_to_be_unique": ({"column_list": ["g", "x"]}, {"column_list": ["g", "h"]}),
    "expect_multicolumn_sum_to_equal": (
        {"column_list": ["one", "two"], "sum_total": 3},
        {"column_list": ["x", "y"], "sum_total": 3},
    ),
    "expect_multicolumn_values_to_be_equal": ({"column_list": ["one", "one_too"]}, {"column_list": ["one", "two"]}),
    "expect_table_row_count_to_be_between": ({"min_value": 100}, {"max_value": 99}),
    "expect_table_row_count_to_equal": ({"value": 100}, {"value": 99}),
    "expect_column_min_to_be_between": ({"column": "x", "min_value": 0}, {"column": "x", "min_value": 1}),
    "expect_column_max_to_be_between": ({"column": "x", "max_value": 99}, {"column": "x", "max_value": 98}),
    "expect_column_median_to_be_between": ({"column": "x", "max_value": 60}, {"column": "x", "max_value": 40}),
    "expect_column_quantile_values_to_be_between": (
        {"column": "x", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[40, 60]]}},
        {"column": "x", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}},
    ),
    "expect_column_distinct_values_to_be_in_set": (
        {"column": "g", "value_set": ["a", "b"]},
        {"column": "g", "value_set": ["a"]},
    ),
    "expect_column_distinct_values_to_contain_set": (
        {"column": "g", "value_set": ["a"]},
        {"column": "g", "value_set": ["c"]},
    ),
    "expect_column_distinct_values_to_equal_set": (
        {"column": "g", "value_set": ["a", "b"]},
        {"column": "g", "value_set": ["a"]},
    ),
    "expect_column_most_common_value_to_be_in_set": (
        {"column": "h", "value_set": ["h"]},
        {"column": "h", "value_set": ["g"]},
    ),
}


def test_every_type_a_suite_may_use__runs_on_duckdb_and_can_hold_and_fail() -> None:
    assert set(HOLDS_AND_FAILS) == TYPES_ON_AGGREGATES
    expectations = [
        Expectation(f"{kind}/{word}", "A rule.", kind, kwargs, "critical", "reason", "remedy", "source", (), 1)
        for kind, both in HOLDS_AND_FAILS.items()
        for word, kwargs in zip(("holds", "fails"), both, strict=True)
    ]
    with duckdb.connect() as opened:
        opened.execute(
            """
            create table rows as
            select
                cast(i as double) as x, i + 1.0 as y, case when i % 2 = 0 then 'a' else 'b' end as g, 'h' as h,
                cast(null as double) as n, 1 as one, 1 as one_too, 2 as two
            from range(100) as numbers (i)
            """
        )
        result, _ = Validator(opened).validate(
            name="rows", query="select * from rows", expectations=expectations, key=()
        )
    outcomes = {one.expectation_config.meta["name"]: one for one in result.results}
    assert not {name: one.exception_info for name, one in outcomes.items() if one.exception_info["raised_exception"]}
    assert {name: bool(one.success) for name, one in outcomes.items()} == {
        expectation.name: expectation.name.endswith("holds") for expectation in expectations
    }
