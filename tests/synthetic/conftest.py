"""One small export for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.synthetic.small_cohort import open_tables, write_small


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small export."""
    return write_small(tmp_path_factory.mktemp("synthetic") / "export")


@pytest.fixture(scope="session")
def tables(export: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The small export's CSV files as tables of text."""
    connection = open_tables(export)
    yield connection
    connection.close()
