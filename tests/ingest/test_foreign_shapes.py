"""What tools make of an export on its way: a table as R, pandas, Excel, the portal or bgzip shape it lands the same."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ingest.small_export import (
    IDS,
    RECORDS,
    participant_rows,
    read,
    write_olink_wide,
    write_records,
    write_rows,
    write_text,
)
from warehouse.errors import IngestError
from warehouse.ingest.fields import known_fields
from warehouse.ingest.ingest import ingest

Rows = list[list[str]]
Shape = Callable[[Path], object]
PARTICIPANT, WITHDRAWN, OLINK = "participant.csv", "w00000_20260101.csv", "olink_instance_0.csv"
TABLES = ("participant", "hesin", "hesin_diag", "death", "gp_clinical", "gp_scripts", "withdrawals")
STYLES_OF_CODES = ("dotted", "plain", "ukb", "tab", "r", "stata", "phesant", "ukbtools")


def export(folder: Path, style: str = "plain") -> Path:
    write_rows(folder / PARTICIPANT, participant_rows(style), delimiter="\t" if style == "tab" else ",")
    write_records(folder)
    write_text(folder / WITHDRAWN, f"{IDS[-1]}\n")
    return folder


def landed(landing: Path) -> dict[str, dict[str, list[Any]]]:
    return {table: pq.read_table(landing / f"{table}.parquet").to_pydict() for table in TABLES}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, list[Any]]]]:
    """Tables of the untouched export by header style; legacy styles spread lists over columns and lose nothing else."""
    made = {}
    for style in STYLES_OF_CODES:
        folder = tmp_path_factory.mktemp(style)
        made[style] = landed(ingest(export(folder / "export", style), cohort="c", to=folder)[0])
    return made


def lines(change: Callable[[int, str], str], file: str = PARTICIPANT) -> Shape:
    """Change every line by its number, the header's 0."""

    def shape(folder: Path) -> None:
        whole = (folder / file).read_text().removesuffix("\n").split("\n")
        (folder / file).write_text("\n".join(change(k, line) for k, line in enumerate(whole)) + "\n")

    return shape


def table(change: Callable[[Rows], Rows], file: str = PARTICIPANT, *, name: str = "", **written: Any) -> Shape:
    """Change header and rows, and write them under another name, by another delimiter or encoding."""

    def shape(folder: Path) -> None:
        with (folder / file).open(newline="") as handle:
            rows = list(csv.reader(handle))
        (folder / file).unlink()
        write_rows(folder / (name or file), change(rows), **written)

    return shape


def content(change: Callable[[bytes], bytes], file: str = PARTICIPANT, *, name: str = "") -> Shape:
    def shape(folder: Path) -> None:
        data = (folder / file).read_bytes()
        (folder / file).unlink()
        (folder / (name or file)).write_bytes(change(data))

    return shape


def as_they_are(rows: Rows) -> Rows:
    return rows


def numbered(rows: Rows, heading: list[str], first: int = 1) -> Rows:
    """Row numbers in front, under `heading` (none: the header is one cell shorter)."""
    return [[*heading, *rows[0]], *([str(first + k), *row] for k, row in enumerate(rows[1:]))]


def quoted(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def members(data: bytes) -> bytes:
    """As bgzip writes: many small gzip members and an empty one at the end."""
    return b"".join(gzip.compress(data[k : k + 500]) for k in range(0, len(data), 500)) + gzip.compress(b"")


def portal(folder: Path, *, names: Callable[[str], str] = str, delimiter: str = "\t", end: str = "\n") -> None:
    """Record tables as the data portal gives them: plain names, tab-separated text."""
    for name, (header, rows) in RECORDS.items():
        (folder / f"{name}.csv").unlink()
        written = [[names(cell) for cell in header], *rows]
        write_text(folder / f"{name}.txt", end.join(delimiter.join(row) for row in written) + end)


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def dates(form: str) -> Shape:
    """Dates of participants and records in another form; times of a day, which are more than a date, stay."""

    def turned(cell: str) -> str:
        if len(cell) != 10 or cell[4:5] != "-" or cell[7:8] != "-":
            return cell
        year, month, day = cell.split("-")
        name = MONTHS[int(month) - 1]
        return form.format(y=year, m=month, d=day, mon=name, mon_low=name.lower(), d_short=int(day), m_short=int(month))

    def shape(folder: Path) -> None:
        for name in ("participant", *RECORDS):
            table(lambda rows: [rows[0], *([turned(cell) for cell in row] for row in rows[1:])], f"{name}.csv")(folder)

    return shape


def as_numpy(cell: str) -> str:
    """What pandas writes for a cell that holds an array."""
    if not cell.startswith("["):
        return cell
    return "[" + " ".join(f"'{item}'" for item in json.loads(cell)) + "]"


def as_ukbconv(cell: str) -> str:
    """One column renamed as ukbconv names it; lists and arrays, which it spreads otherwise, stay."""
    found = re.fullmatch(r"p(\d+)(?:_i(\d))?", cell)
    is_one = found is not None and not known_fields()[int(found[1])].is_list
    return f"{found[1]}-{found[2] or 0}.0" if found is not None and is_one else cell


SHAPES: dict[str, Shape] = {
    "a delimiter ends every row": lines(lambda k, line: line + ("," if k else "")),
    "a delimiter ends rows and header": lines(lambda _, line: f"{line},"),
    "a delimiter ends every record row": lines(lambda k, line: line + ("," if k else ""), "hesin.csv"),
    "R write.csv, row numbers": table(lambda rows: numbered(rows, [""])),
    "R write.table, row numbers without a header": table(lambda rows: numbered(rows, [])),
    "R write.table over records, an empty last column": table(lambda rows: numbered(rows, []), "hesin.csv"),
    "pandas, index": table(lambda rows: numbered(rows, ["Unnamed: 0"], first=0)),
    "spaces around names": table(lambda rows: [[f" {cell} " for cell in rows[0]], *rows[1:]]),
    "spaces behind the header's commas": lines(lambda k, line: line if k else line.replace(",", ", ")),
    "padded ids": table(lambda rows: [rows[0], *([f" {row[0]} ", *row[1:]] for row in rows[1:])]),
    "byte order mark and CRLF": content(lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")),
    "CR line ends": content(lambda data: data.replace(b"\n", b"\r")),
    "tab, gzip": table(as_they_are, name="participant.tsv.gz", delimiter="\t"),
    "semicolon": table(as_they_are, delimiter=";"),
    "pipe": table(as_they_are, delimiter="|"),
    "every cell quoted": content(lambda data: quoted(list(csv.reader(io.StringIO(data.decode()))))),
    "Excel, Unicode text": table(as_they_are, name="participant.txt", delimiter="\t", encoding="utf-16"),
    "Excel, sep= line": content(lambda data: b"sep=,\n" + data),
    "bgzip": content(members, name="participant.csv.gz"),
    "gzip padded with zeros": content(lambda data: gzip.compress(data) + bytes(64), name="participant.csv.gz"),
    "gzip by another name": content(gzip.compress, name="participant.bin"),
    "plain text called gz": content(lambda data: data, name="participant.csv.gz"),
    "suffix in capitals": content(lambda data: data, name="PARTICIPANT.CSV"),
    "empty last lines": content(lambda data: data + b"\n\n"),
    "a last line of spaces": content(lambda data: data + b"   \n"),
    "no last line end": content(lambda data: data.rstrip(b"\n")),
    "a project's own column": table(lambda rows: [[*rows[0], "group"], *([*row, "a"] for row in rows[1:])]),
    "NaN for nothing": lines(lambda k, line: line.replace(",,", ",NaN,").replace(",,", ",NaN,") if k else line),
    "<NA> for nothing": lines(lambda k, line: line.replace(",,", ",<NA>,").replace(",,", ",<NA>,") if k else line),
    "NULL for nothing": lines(lambda k, line: line.replace(",,", ",NULL,").replace(",,", ",NULL,") if k else line),
    "NaT for nothing": lines(lambda k, line: line.replace(",,", ",NaT,").replace(",,", ",NaT,") if k else line),
    "Stata's point for nothing": lines(lambda k, line: line.replace(",,", ",.,").replace(",,", ",.,") if k else line),
    "Excel's #N/A": lines(lambda k, line: line.replace(",,", ",#N/A,").replace(",,", ",#N/A,") if k else line),
    "pandas, times of days": dates("{y}-{m}-{d} 00:00:00"),
    "SAS, DATE9": dates("{d}{mon}{y}"),
    "Stata, td": dates("{d}{mon_low}{y}"),
    "Spark, year first with slashes": dates("{y}/{m}/{d}"),
    "no leading zeros": dates("{d_short}/{m_short}/{y}"),
    "German dates": dates("{d}.{m}.{y}"),
    "Excel, times of days": dates("{d}/{m}/{y} 00:00"),
    "blanks for nothing": lines(lambda k, line: line.replace(",,", ",   ,").replace(",,", ",   ,") if k else line),
    "numbers padded with spaces": table(
        lambda rows: [rows[0], *([row[0], *(f" {c}" if c.isdigit() else c for c in row[1:])] for row in rows[1:])]
    ),
    "pandas, lists of numpy": table(lambda rows: [[as_numpy(cell) for cell in row] for row in rows]),
    "polars, lists with spaces": table(lambda rows: [[cell.replace('","', '", "') for cell in row] for row in rows]),
    "pandas, whole numbers as floats": table(
        lambda rows: [rows[0], *([f"{c}.0" if c.lstrip("-").isdigit() else c for c in row] for row in rows[1:])]
    ),
    "one column in the style of ukbconv": table(
        lambda rows: [["924-0.0" if cell == "p924_i0" else cell for cell in rows[0]], *rows[1:]]
    ),
    "a table merged from two exports": table(
        lambda rows: [[as_ukbconv(cell) if k % 3 == 0 else cell for k, cell in enumerate(rows[0])], *rows[1:]]
    ),
    "portal text": portal,
    "portal text, CRLF": lambda folder: portal(folder, end="\r\n"),
    "portal text, capitals": lambda folder: portal(folder, names=str.upper),
    "portal text, semicolons": lambda folder: portal(folder, delimiter=";"),
    "records by Participant ID": lambda folder: portal(
        folder, names=lambda cell: "Participant ID" if cell == "eid" else cell
    ),
    "withdrawn: header": lambda folder: write_text(folder / WITHDRAWN, f"eid\n{IDS[-1]}\n"),
    "withdrawn: header in capitals, CRLF": lambda folder: write_text(folder / WITHDRAWN, f"EID\r\n{IDS[-1]}\r\n"),
    "withdrawn: legacy header": lambda folder: write_text(folder / WITHDRAWN, f"f.eid\n{IDS[-1]}\n"),
    "withdrawn: title": lambda folder: write_text(folder / WITHDRAWN, f"Participant ID\n{IDS[-1]}\n"),
    "withdrawn: quoted": lambda folder: write_text(folder / WITHDRAWN, f'"eid"\n"{IDS[-1]}"\n'),
    "withdrawn: no line end": lambda folder: write_text(folder / WITHDRAWN, IDS[-1]),
    "withdrawn: byte order mark": lambda folder: write_text(folder / WITHDRAWN, f"\ufeff{IDS[-1]}\r\n"),
    "withdrawn: a comma behind": lambda folder: write_text(folder / WITHDRAWN, f"{IDS[-1]},\n"),
    "withdrawn: empty lines": lambda folder: write_text(folder / WITHDRAWN, f"\n{IDS[-1]}\n\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shape__lands_as_the_table_it_was(name: str, tmp_path: Path, expected: dict[str, Any]) -> None:
    folder = export(tmp_path / "export")
    SHAPES[name](folder)
    assert landed(ingest(folder, cohort="c", to=tmp_path)[0]) == expected["plain"]


def test_quotes_behind_backslashes__are_refused_with_what_to_write_instead(tmp_path: Path) -> None:
    """R's write.table as it stands: the lists of an array field would land in pieces."""
    folder = export(tmp_path / "export")
    with (folder / PARTICIPANT).open(newline="") as handle:
        rows = list(csv.reader(handle))
    escaped = ([f'"{cell.replace(chr(34), chr(92) + chr(34))}"' for cell in row] for row in numbered(rows, []))
    write_text(folder / PARTICIPANT, "\n".join(" ".join(row) for row in escaped) + "\n")
    with pytest.raises(IngestError, match=r"participant\.csv: .*stands behind a backslash \(24 break it\)") as error:
        ingest(folder, cohort="c", to=tmp_path)
    assert "qmethod = 'double'" in str(error.value)


def test_one_row_that_begins_with_1__is_not_taken_for_a_row_number(tmp_path: Path) -> None:
    """Chromosome 1, and a delimiter at the end of the row: what is left out of the header is a guess."""
    folder = export(tmp_path / "export")
    header = (
        "chromosome base_pair_location effect_allele other_allele beta standard_error effect_allele_frequency p_value"
    )
    row = "1 100 G A 0.02 0.01 0.25 0.045"
    write_text(folder / "one.tsv", header.replace(" ", "\t") + "\n" + row.replace(" ", "\t") + "\t\n")
    with pytest.raises(IngestError, match=r"one\.tsv: one delimiter cuts every line"):
        ingest(folder, cohort="c", to=tmp_path)


@pytest.mark.parametrize("shape", ["capitals", "row numbers", "a delimiter ends every row"])
def test_olink_wide__in_other_shapes_lands_the_same(shape: str, tmp_path: Path) -> None:
    folders = [export(tmp_path / name) for name in ("plain", "other")]
    for folder in folders:
        write_olink_wide(folder)
    changes: dict[str, Shape] = {
        "capitals": lines(lambda k, line: line if k else line.upper(), OLINK),
        "row numbers": table(lambda rows: numbered(rows, [""]), OLINK),
        "a delimiter ends every row": lines(lambda k, line: line + ("," if k else ""), OLINK),
    }
    changes[shape](folders[1])
    plain, other = (
        read(ingest(folder, cohort=folder.name, to=tmp_path / "raw")[0], "olink_data") for folder in folders
    )
    assert plain == other


@pytest.mark.parametrize("style", STYLES_OF_CODES)
def test_names_in_capitals__land_in_every_style(style: str, tmp_path: Path, expected: dict[str, Any]) -> None:
    folder = export(tmp_path / "export", style)
    lines(lambda k, line: line if k else line.upper())(folder)
    assert landed(ingest(folder, cohort="c", to=tmp_path)[0]) == expected[style]


@pytest.mark.parametrize("style", ["dotted", "plain", "ukb", "tab", "stata"])
def test_participant_id__may_head_columns_of_any_style(style: str, tmp_path: Path, expected: dict[str, Any]) -> None:
    folder = export(tmp_path / "export", style)
    delimiter = "\t" if style == "tab" else ","
    lines(lambda k, line: line if k else f"Participant ID{line[line.index(delimiter) :]}")(folder)
    assert landed(ingest(folder, cohort="c", to=tmp_path)[0]) == expected[style]


@pytest.mark.parametrize("listed", ["", "\n", "eid\n"])
def test_withdrawn__nobody(listed: str, tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    write_text(folder / WITHDRAWN, listed)
    assert read(ingest(folder, cohort="c", to=tmp_path)[0], "withdrawals") == []


def test_withdrawn__with_row_names_is_refused_by_what_to_leave_out(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    write_text(folder / WITHDRAWN, f'"","x"\n"1","{IDS[-1]}"\n')
    with pytest.raises(IngestError, match=r"one column of ids; this one has 2") as error:
        ingest(folder, cohort="c", to=tmp_path)
    assert "row.names = FALSE" in str(error.value)
    assert IDS[-1] not in str(error.value)


def test_cells_beyond_the_header__are_refused_where_they_come_late(tmp_path: Path) -> None:
    """Rows that end in a delimiter, until one has something behind it: a column without a name, or shifted cells."""
    folder = export(tmp_path / "export")
    header, rows = RECORDS["hesin_diag"]
    many = [",".join(row) + "," for row in rows for _ in range(10_000)]
    many[150_000] += "M819"
    write_text(folder / "hesin_diag.csv", "\n".join([",".join(header), *many]) + "\n")
    with pytest.raises(
        IngestError, match=r"hesin_diag\.csv: .*beyond the header's last column \(1 break it\)"
    ) as error:
        ingest(folder, cohort="c", to=tmp_path)
    assert "M819" not in str(error.value)


@pytest.mark.parametrize("text", ['5" tall', '"odd', 'a "b" c'])
@pytest.mark.parametrize("n_before", [0, 60_000])
def test_quotes_in_free_text__swallow_no_row(text: str, n_before: int, tmp_path: Path) -> None:
    """The portal's tab-separated text quotes nothing: a quote is a sign like any other, wherever it stands first."""
    folder = export(tmp_path / "export")
    header, rows = RECORDS["gp_clinical"]
    odd = list(rows[0])
    odd[header.index("value1")] = text
    (folder / "gp_clinical.csv").unlink()
    written = [header, *([rows[0]] * n_before), odd, *rows]
    write_text(folder / "gp_clinical.txt", "\n".join("\t".join(row) for row in written) + "\n")
    found = read(ingest(folder, cohort="c", to=tmp_path)[0], "gp_clinical")
    assert len(found) == len(written) - 1
    assert found[n_before]["value1"] == text


def test_line_ends_and_delimiters_inside_quotes__are_of_the_cell(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    header, rows = RECORDS["gp_scripts"]
    text = 'Alendronic acid\n70mg, "weekly"'
    odd = [text if name == "drug_name" else cell for name, cell in zip(header, rows[0], strict=True)]
    write_rows(folder / "gp_scripts.csv", [header, odd, *rows])
    found = read(ingest(folder, cohort="c", to=tmp_path)[0], "gp_scripts")
    assert [row["drug_name"] for row in found] == [text, rows[0][header.index("drug_name")]]
