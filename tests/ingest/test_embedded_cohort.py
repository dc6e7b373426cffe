"""The embedded cohort lands identically from every shape: identical raw tables give identical marts."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.ingest.rewriting import STYLES, Table, day_first, meanings, read_dotted, rows_of
from tests.ingest.small_export import json_list, pipe_list, python_list, write_rows
from warehouse.errors import IngestError
from warehouse.ingest.ingest import ingest
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options

Embedded = tuple[Path, Table, pa.Table]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """The export, its participant table opened, and the participant table as it landed."""
    folder = tmp_path_factory.mktemp("embedded") / "export"
    write_export(Options(participants=150, proteins=60, snps=0), folder)
    landing, _ = ingest(folder, cohort="embedded", to=folder.parent)
    return folder, read_dotted(folder / "participant.csv"), pq.read_table(landing / "participant.parquet")


def _participants_of(rows: list[list[str]], tmp_path: Path, *overrides: str, delimiter: str = ",") -> pa.Table:
    write_rows(tmp_path / "export" / "main.csv", rows, delimiter=delimiter)
    landing, _ = ingest(tmp_path / "export", cohort="embedded", to=tmp_path, overrides=overrides)
    return pq.read_table(landing / "participant.parquet")


def _differing(one: pa.Table, other: pa.Table) -> list[str]:
    return [name for name in one.column_names if not one.column(name).equals(other.column(name))]


@pytest.mark.parametrize("style", STYLES)
def test_header_style__lands_the_same_participants(embedded: Embedded, tmp_path: Path, style: str) -> None:
    _, table, expected = embedded
    if style == "title":
        table, expected = _without_shared_titles(table, expected)
    rows = rows_of(table, style, write_list=json_list)
    landed = _participants_of(rows, tmp_path, *OVERRIDES.get(style, ()), delimiter="\t" if style == "tab" else ",")
    assert _differing(expected, landed) == []


@pytest.mark.parametrize("write_list", [python_list, pipe_list])
def test_array_encoding__lands_the_same_participants(
    embedded: Embedded, tmp_path: Path, write_list: Callable[[list[str]], str]
) -> None:
    _, table, expected = embedded
    assert _differing(expected, _participants_of(rows_of(table, "plain", write_list=write_list), tmp_path)) == []


@pytest.mark.parametrize("style", ["plain", "title", "ukb"])
def test_replace_coding__lands_the_same_participants(embedded: Embedded, tmp_path: Path, style: str) -> None:
    _, table, expected = embedded
    if style == "title":
        table, expected = _without_shared_titles(table, expected)
    ids, columns = table
    rows = rows_of((ids, meanings(columns)), style, write_list=pipe_list)
    landed = _participants_of(rows, tmp_path, *OVERRIDES.get(style, ()))
    assert _differing(_one_code_per_meaning(expected), landed) == []


def _one_code_per_meaning(table: pa.Table) -> pa.Table:
    """Coding 819 has one meaning for two future dates: which of them it was, a REPLACE export does not tell."""
    for name in ("p131934", "p131962", "p131964", "p131966"):
        cells = pc.replace_substring(table.column(name), "2037-07-07", "1909-09-09")
        table = table.set_column(table.column_names.index(name), name, cells)
    return table


# Albumin and creatinine are titles of a blood test and of an NMR biomarker, both the study's.
OVERRIDES = {"title": ("titles=study", "title:Albumin=30600", "title:Creatinine=30700")}
NMR_ALBUMIN_AND_CREATININE = (23478, 23479)


def _without_shared_titles(table: Table, expected: pa.Table) -> tuple[Table, pa.Table]:
    """The embedded cohort without the NMR biomarkers whose title is also a blood test's."""
    ids, columns = table
    for field in NMR_ALBUMIN_AND_CREATININE:
        for name in (f"p{field}_i0", f"p{field}_i1"):
            empty = pa.nulls(expected.num_rows, pa.string())
            expected = expected.set_column(expected.column_names.index(name), name, empty)
    kept = {key: cells for key, cells in columns.items() if key[0] not in NMR_ALBUMIN_AND_CREATININE}
    return (ids, kept), expected


def test_title_style__two_fields_of_one_title_are_refused(embedded: Embedded, tmp_path: Path) -> None:
    _, table, _ = embedded
    with pytest.raises(IngestError, match=r"twice: .*Albumin \| Instance 0"):
        _participants_of(rows_of(table, "title", write_list=json_list), tmp_path, *OVERRIDES["title"])


def test_dates_day_first__land_the_same_participants(embedded: Embedded, tmp_path: Path) -> None:
    _, (ids, columns), expected = embedded
    rows = rows_of((ids, day_first(columns)), "ukb", write_list=json_list)
    assert _differing(expected, _participants_of(rows, tmp_path)) == []


def test_split_by_columns__codes_and_their_dates_apart_land_the_same(embedded: Embedded, tmp_path: Path) -> None:
    _, table, expected = embedded
    header, *rows = rows_of(table, "ukb", write_list=json_list)
    is_first = [
        k for k, name in enumerate(header) if k == 0 or name.split("-")[0] in ("41270", "20002", "31", "53", "54")
    ]
    others = [0, *(k for k in range(len(header)) if k not in is_first)]
    for name, chosen in (("first", is_first), ("others", others)):
        turned = [[row[k] for k in chosen] for row in [header, *(rows if name == "first" else reversed(rows))]]
        write_rows(tmp_path / "export" / f"{name}.csv", turned)
    landing, _ = ingest(tmp_path / "export", cohort="embedded", to=tmp_path)
    assert _differing(expected, pq.read_table(landing / "participant.parquet")) == []


def test_whole_export__records_and_proteins_land_row_for_row(embedded: Embedded, tmp_path: Path) -> None:
    folder, _, _ = embedded
    landing, _ = ingest(folder, cohort="again", to=tmp_path)
    for name in RECORD_TABLES:
        with (folder / f"{name}.csv").open(encoding="utf-8") as handle:
            assert pq.read_metadata(landing / f"{name}.parquet").num_rows == sum(1 for _ in handle) - 1, name
    with (folder / "olink_instance_0.csv").open(encoding="utf-8") as handle:
        n_measured = sum(sum(cell.strip() != "" for cell in line.split(",")[1:]) for line in handle) - 60
    assert pq.read_metadata(landing / "olink_data.parquet").num_rows == n_measured
    assert pq.read_metadata(landing / "rejects.parquet").num_rows == 0
    shutil.rmtree(landing)
