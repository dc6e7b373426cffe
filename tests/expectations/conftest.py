"""A small database and a folder for the suites that are run over it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

WriteSuite = Callable[..., Path]


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Writes a suite to a folder of its own and gives the folder."""

    def write(suite: dict[str, Any] | str, door: str = "raw") -> Path:
        folder = tmp_path / "expectations" / "suites"
        folder.mkdir(parents=True, exist_ok=True)
        text = suite if isinstance(suite, str) else json.dumps(suite, indent=1)
        (folder / f"{door}.json").write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """1,000 people in ten groups of 100, and a group with three."""
    with duckdb.connect() as opened:
        opened.execute(
            """
            create table people as
            select
                'SYN' || lpad(cast(i as varchar), 6, '0') as participant_id,
                case when i < 1000 then 'group ' || cast(i % 10 as varchar) else 'small group' end as grp,
                1.5 + (i % 100) / 200 as height_m,
                i % 2 = 0 as is_even
            from range(1003) as numbers (i)
            """
        )
        yield opened


@pytest.fixture
def no_exceptions(tmp_path: Path) -> Path:
    return tmp_path / "none.csv"
