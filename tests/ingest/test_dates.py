"""Dates of every export route, read as ISO; the order of day and month proved or refused."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.ingest.small_export import write_rows
from warehouse.errors import IngestError
from warehouse.ingest.date_order import date_reader
from warehouse.ingest.dates import DateReader, Order, read_date
from warehouse.ingest.detect import look_at
from warehouse.ingest.overrides import parse_overrides


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2012-03-04", None, "2012-03-04"),
        ("2012-03-04T00:00:00Z", None, "2012-03-04"),
        ("20120304", None, "2012-03-04"),
        ("20120304.0", None, "2012-03-04"),
        ("04/03/2012", "dmy", "2012-03-04"),
        ("4/3/2012", "dmy", "2012-03-04"),
        ("03/04/2012", "mdy", "2012-03-04"),
        ("04/03/2012", None, None),
        ("04mar2012", None, "2012-03-04"),
        ("4 March 2012", None, "2012-03-04"),
        ("29/02/2011", "dmy", None),
        ("2012-13-01", None, None),
        ("12345678", None, None),
        ("1900-01-01", None, "1900-01-01"),
        ("2037-07-07", None, "2037-07-07"),
        ("yesterday", "dmy", None),
    ],
)
def test_read_date__is_iso_or_nothing(text: str, order: Order | None, expected: str | None) -> None:
    assert read_date(text, order) == expected


def test_timestamps__every_form_is_one_form() -> None:
    cells = ["2019-12-09T16:06:28Z", "2019-12-09 16:06:28", "2019-12-09 16:06", "2019-12-09T16:06:28.123", None, "soon"]
    read, bad = DateReader().timestamps(pa.array(cells))
    assert read.to_pylist() == ["2019-12-09T16:06:28"] * 2 + ["2019-12-09T16:06:00", "2019-12-09T16:06:28", None, None]
    assert bad.to_pylist() == [5]


def _settle(tmp_path: Path, days: list[str], *overrides: str) -> Order | None:
    path = write_rows(tmp_path / "hesin.csv", [["eid", "epistart"], *(["SYN000001", day] for day in days)])
    shape = look_at(path, name="hesin.csv", overrides=parse_overrides([]))
    return date_reader(shape, ["epistart"], parse_overrides(overrides))[0].order


def test_date_order__one_day_above_twelve_proves_it(tmp_path: Path) -> None:
    assert _settle(tmp_path, ["01/02/2010", "13/02/2010"]) == "dmy"


def test_date_order__is_looked_for_beyond_the_sample(tmp_path: Path) -> None:
    assert _settle(tmp_path, ["01/02/2010"] * 5000 + ["31/12/2010"]) == "dmy"


def test_date_order__unproved_is_refused_with_the_override_that_settles_it(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"--override date_order:hesin\.csv=dmy"):
        _settle(tmp_path, ["01/02/2010", "03/04/2011"])
    assert _settle(tmp_path, ["01/02/2010", "03/04/2011"], "date_order:hesin.csv=dmy") == "dmy"


def test_date_order__month_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="UK Biobank writes the day before the month"):
        _settle(tmp_path, ["01/02/2010", "02/28/2010"])
    assert _settle(tmp_path, ["01/02/2010", "02/28/2010"], "date_order=mdy") == "mdy"


def test_date_order__two_orders_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="all dates of a file have one order"):
        _settle(tmp_path, ["28/02/2010", "02/28/2010"])


def test_date_order__iso_needs_no_proof(tmp_path: Path) -> None:
    assert _settle(tmp_path, ["2010-02-01", "20100301"]) is None
