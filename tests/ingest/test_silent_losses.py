"""Nothing is lost without a word: what cannot be read is refused where it is much, counted and shown where it is not.

One bad cell or row is a case of the ledger; a column, or more than one row in a hundred, is a case for the user.
"""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.ingest.small_export import (
    IDS,
    PROTEINS,
    RECORDS,
    answers,
    by_eid,
    participant_rows,
    pipe_list,
    read,
    write_export,
    write_records,
    write_rows,
    write_text,
)
from warehouse.errors import IngestError
from warehouse.ingest.__main__ import main
from warehouse.ingest.cells import participant_ids
from warehouse.ingest.ingest import ingest
from warehouse.ingest.numbers import not_numbers
from warehouse.ingest.olink_keys import MeasuredKeys

Spoil = Callable[[Path], object]


def export(folder: Path) -> Path:
    write_rows(folder / "participant.csv", participant_rows("plain"))
    write_records(folder)
    return folder


def land(folder: Path, *overrides: str) -> Path:
    return ingest(folder, cohort="c", to=folder.parent / f"{folder.name}_raw", overrides=overrides)[0]


def cells_of(column: str, change: Callable[[int, str], str]) -> Spoil:
    """Change the cells of a participant column, by row number and cell."""

    def spoil(folder: Path) -> None:
        header, *rows = participant_rows("plain")
        if column not in header:
            header, rows = [*header, column], [[*row, ""] for row in rows]
        at = header.index(column)
        turned = [[*row[:at], change(k, row[at]), *row[at + 1 :]] for k, row in enumerate(rows)]
        write_rows(folder / "participant.csv", [header, *turned])

    return spoil


def records_of(table: str, column: str, change: Callable[[int, str], str], times: int = 1) -> Spoil:
    """Change the cells of a record column; the rows may be repeated before."""

    def spoil(folder: Path) -> None:
        header, rows = RECORDS[table]
        at = header.index(column)
        turned = [[*row[:at], change(k, row[at]), *row[at + 1 :]] for k, row in enumerate(rows * times)]
        write_rows(folder / f"{table}.csv", [header, *turned])

    return spoil


def turned(day: str, form: str) -> str:
    year, month, of_month = day.split("-")
    return form.format(y=year, yy=year[2:], m=month, d=of_month)


def serial(day: str) -> str:
    """A day as a spreadsheet counts it."""
    return str((np.datetime64(day) - np.datetime64("1899-12-30")).astype(int))


DATES = r"a date is a day of the calendar, in all but 1\.0% of the 24 filled cells of p53_i0 \(\d+ break it\)\s+-> "
UNREADABLE: dict[str, tuple[Spoil, str]] = {
    "years of two digits": (
        cells_of("p53_i0", lambda _, day: turned(day, "{d}/{m}/{yy}")),
        DATES + "write years with four digits: .*unreadable:participant.csv=SHARE.*ignore_column:p53_i0=yes",
    ),
    "years of two digits, named months": (cells_of("p53_i0", lambda *_: "03-Mar-08"), DATES + "write years with four"),
    "day numbers of a spreadsheet": (cells_of("p53_i0", lambda _, day: serial(day)), DATES + ".*of a spreadsheet"),
    "year, day, month": (cells_of("p53_i0", lambda _, day: turned(day, "{y}-{d}-{m}")), DATES + "write YYYY-MM-DD"),
    "words for dates": (cells_of("p53_i0", lambda *_: "unknown"), DATES + "these cells are words"),
    "a first occurrence of two-digit years": (
        cells_of("p131964", lambda _, day: day and turned(day, "{d}/{m}/{yy}")),
        r"in all but 1\.0% of the 12 filled cells of p131964 \(12 break it\)",
    ),
    "two-digit years in one column of records": (
        records_of("hesin", "disdate", lambda *_: "30/04/11"),
        r"hesin\.csv: a date .* of the 20 filled cells of disdate \(20 break it\)",
    ),
    "the only two deaths": (
        records_of("death", "date_of_death", lambda *_: "31/01/19"), r"death\.csv: .*date_of_death \(2 break it\)",
    ),
    "times without a day": (
        cells_of("p23658_i0", lambda _, time: time and time[11:]), r"a timestamp is a day and a time, .* of p23658_i0",
    ),
    "decimal commas": (
        cells_of("p22189", lambda _, number: number.replace(".", ",")),
        r"a numeric field holds numbers, .* of p22189 \(24 break it\)\s+-> write decimal points",
    ),
    "words among numbers": (
        cells_of("p46_i0", lambda k, number: "n/a" if k < 4 else number),
        r"a numeric field holds numbers, .* of p46_i0 \(4 break it\)\s+-> these cells are words",
    ),
    "units among numbers": (cells_of("p46_i0", lambda _, number: f"{number} kg"), "of p46_i0 .*\n.*without their unit"),
    "a column out of place": (cells_of("p34", lambda *_: "2008-03-04"), "of p34 .*\n.*check that the columns fit"),
    "words among codes, behind the sample": (
        records_of("hesin", "epistat", lambda k, code: "Finished" if k > 4_000 else code, times=300),
        r"hesin\.csv: a numeric field holds numbers, .* of epistat \(1,999 break it\)",
    ),
    "numbers in a list that are none": (
        cells_of("p20002_i0", lambda *_: '["high cholesterol, other"]'), "an array cell is .*p20002_i0|holds texts",
    ),
    "codes of a list parted by commas": (
        cells_of("p41270", lambda *_: "M810,I10"), r"an array cell is a JSON list, .* of p41270 \(24 break it\)",
    ),
    "a list in the brackets of R": (
        cells_of("p41270", lambda *_: 'c("M810", "I10")'), r"an array cell is a JSON list, .* of p41270 \(24 break",
    ),
    "ids that were rounded": (
        cells_of("eid", lambda *_: "1.5e+06"), r"a participant id is written in full; .*\(24 break it\)",
    ),
    "plates that Excel rounded": (
        cells_of("p23649_i0", lambda *_: "4.90E+11"), r"named in full, .* of p23649_i0 \(24 break it\)\s+-> .*as text",
    ),
    "sex is empty": (cells_of("p31", lambda *_: ""), r"field 31, Sex \(p31\), is filled; all its cells are empty"),
    "no visit has a date": (cells_of("p53_i0", lambda *_: ""), r"field 53, .* \(p53_i0\), is filled"),
    "a column of records in two writings": (
        lambda folder: write_rows(
            folder / "death.csv",
            [["eid", "date_of_death", "DATE_OF_DEATH"], [IDS[5], "2019-01-31", ""]],
        ),
        r"death\.csv: a column stands once in a header; in two writings: date_of_death",
    ),
    "rows without a participant": (
        records_of("hesin", "eid", lambda k, eid: "" if k < 3 else eid),
        r"hesin\.csv: at most 1\.0% of the 20 rows are left out; broken: a row has a participant id \(3 break it\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_column__is_refused_by_name_with_what_to_do(case: str, tmp_path: Path) -> None:
    spoil, message = UNREADABLE[case]
    spoil(export(tmp_path / "export"))
    with pytest.raises(IngestError) as error:
        land(tmp_path / "export")
    assert re.search(message, str(error.value)), str(error.value)
    assert "SYN0" not in str(error.value)


def test_unreadable__the_overrides_the_message_names_settle_it(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    cells_of("p46_i0", lambda k, number: "n/a" if k < 4 else number)(folder)
    landing = land(folder, "unreadable:participant.csv=0.2")
    assert sum(row["p46_i0"] is None for row in read(landing, "participant")) == 4
    assert [row["line"] for row in read(landing, "rejects")] == ["2", "3", "4", "5"]
    landing = land(folder, "ignore_column:p46_i0=yes")
    assert {row["p46_i0"] for row in read(landing, "participant")} == {None}
    assert read(landing, "rejects") == []
    with pytest.raises(IngestError, match=r"values: a share such as 0\.05"):
        land(folder, "unreadable=5%")


def test_one_bad_cell__lands_empty_stands_in_ledger_and_profile_and_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = export(tmp_path / "export")
    cells_of("p46_i0", lambda k, number: "unknown" if k == 6 else number)(folder)
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    rule = "a numeric field holds numbers"
    ledger = tmp_path / "raw/c/rejects.parquet"
    said = f"participant.csv: 1 cell unreadable (1: {rule} (p46_i0)); every line: {ledger}"
    assert said in capsys.readouterr().out
    assert [tuple(row.values()) for row in read(tmp_path / "raw/c", "rejects")] == [
        ("participant.csv", "8", "p46_i0", rule)
    ]
    assert f"| participant.csv | p46_i0 | {rule} | 1 | cells |" in (tmp_path / "raw/c/profile.md").read_text()
    assert by_eid(tmp_path / "raw/c", "p46_i0")[IDS[6]] is None
    # A second run lands nothing, and says the same.
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    assert said in capsys.readouterr().out


def _quoted_first(cells: list[str]) -> str:
    return ",".join(f'"{cell}"' for cell in cells)


def _quoted_text(cells: list[str]) -> str:
    return ",".join(f'"{cell}"' if cell[:7] == "Calcium" else cell for cell in cells)


@pytest.mark.parametrize(
    ("write", "take"),
    [
        (_quoted_first, -1),  # of the last cell: the row lands with cells of the next one, were it not seen
        (_quoted_text, -3),  # of a cell before: a row of too many cells
    ],
)
def test_unclosed_quote__both_rows_are_told_and_none_lands_mixed(
    write: Callable[[list[str]], str], take: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = export(tmp_path / "export")
    header, rows = RECORDS["gp_scripts"]
    lines = [",".join(header), *(write([*rows[0][:6], f"Calcium, {k} mg", "1"]) for k in range(900))]
    assert lines[400][take] == '"'
    lines[400] = lines[400][:take] + lines[400][len(lines[400]) + take + 1 :]
    (folder / "gp_scripts.csv").write_text("\n".join(lines) + "\n")
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    rule = "a quote that is opened in a cell is closed in it"
    assert f"gp_scripts.csv: 2 rows left out (2: {rule}); every line:" in capsys.readouterr().out
    landed = read(tmp_path / "raw/c", "gp_scripts")
    assert len(landed) == 898
    assert not any("\n" in cell for row in landed for cell in row.values() if cell)
    assert [row["line"] for row in read(tmp_path / "raw/c", "rejects")] == ["401", "402"]


def test_unclosed_quote__in_a_column_that_is_not_read_is_refused(tmp_path: Path) -> None:
    """The row would land with cells of two people."""
    folder = export(tmp_path / "export")
    header, *rows = participant_rows("plain", write_list=pipe_list)
    lines = [",".join([*header, "note"]), *(",".join(row) + ',"seen"' for row in rows)]
    lines[5] = lines[5].removesuffix('"')
    (folder / "participant.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(IngestError, match=r"participant\.csv: a quote that is opened .*\(1 break it\)"):
        land(folder)


def test_line_breaks_in_cells_that_are_not_read__are_no_fault(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    header, *rows = participant_rows("plain")
    write_rows(folder / "participant.csv", [[*header, "note"], *([*row, "two, or\nthree"] for row in rows)])
    assert len(read(land(folder), "participant")) == len(IDS)


def test_every_cell_quoted__one_unclosed_quote_does_not_make_quotes_part_of_cells(tmp_path: Path) -> None:
    """Cut without quotes all rows agree: 100,000 ids in quotes would be strangers."""
    folder = export(tmp_path / "export")
    header, rows = RECORDS["hesin_diag"]
    many = [[row[0], row[1], str(k), *row[3:]] for k in range(10) for row in rows]
    text = [",".join(f'"{cell}"' if cell else "" for cell in row) for row in [header, *many]]
    text[30] = text[30].replace('"M', "M", 1)
    write_text(folder / "hesin_diag.csv", "\n".join(text) + "\n")
    assert {row["eid"] for row in read(land(folder), "hesin_diag")} == {row[0] for row in rows}


def test_blank_lines__are_no_rejected_rows(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    lines = (folder / "hesin.csv").read_text().split("\n")
    (folder / "hesin.csv").write_text("\n".join([*lines[:5], "", "", *lines[5:], "", "", ""]))
    landing = land(folder)
    assert (len(read(landing, "hesin")), read(landing, "rejects")) == (20, [])


def with_cell_named(column: str, name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        header, *rows = participant_rows("plain")
        assert column in header
        write_rows(folder / "participant.csv", [[name if cell == column else cell for cell in header], *rows])

    return spoil


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("p924_i0", "924-0.0"),
        ("p924_i0", "f.924.0.0"),
        ("p924_i0", "X924.0.0"),
        ("p924_i0", "participant.p924_i0"),
        ("p924_i0", "n_924_0_0"),
        ("p924_i0", "usual_walking_pace_f924_0_0"),
        ("p924_i0", "Usual walking pace | Instance 0"),
        ("p31", "31-0.0"),
        ("p22189", "Townsend deprivation index at recruitment"),
    ],
)
def test_one_header_cell_in_another_style__is_read(column: str, name: str, tmp_path: Path) -> None:
    expected = by_eid(land(export(tmp_path / "plain")), column)
    folder = export(tmp_path / "export")
    with_cell_named(column, name)(folder)
    landing = land(folder)
    assert by_eid(landing, column) == expected
    assert f"columns in other styles, 1: {name}" in (landing / "profile.md").read_text().replace("\\|", "|")


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("p924_i0", "p924_0"), ("p924_i0", "f924_0_0"), ("p924_i0", "924"), ("p924_i0", "field_924_i0"),
        ("p924_i0", "924_0_0"), ("p924_i0", "p924.0.0"), ("p22189", "X22189"),
    ],
)  # fmt: skip
def test_one_header_cell_in_no_style__is_refused_by_name(column: str, name: str, tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    with_cell_named(column, name)(folder)
    with pytest.raises(IngestError, match=rf"built of a field's number: {re.escape(name)} \(1 break it\)"):
        land(folder)
    landing = land(folder, f"ignore_column:{name}=yes")
    assert set(by_eid(landing, column).values()) == {None}


@pytest.mark.parametrize(("name", "twin"), [("31-0.0", "p31"), ("X924.0.0", "p924_i0"), ("Sex_f31_0_0", "p31")])
def test_one_field_in_two_styles__is_refused_with_the_override_that_settles_it(
    name: str, twin: str, tmp_path: Path
) -> None:
    folder = export(tmp_path / "export")
    header, *rows = participant_rows("plain")
    write_rows(folder / "participant.csv", [[*header, name], *([*row, "1"] for row in rows)])
    with pytest.raises(IngestError, match=rf"{twin} is also {re.escape(name)}\n.*ignore_column:{re.escape(name)}=yes"):
        land(folder)
    expected = dict(zip(IDS, (row[header.index(twin)] for row in rows), strict=True))
    assert by_eid(land(folder, f"ignore_column:{name}=yes"), twin) == expected


def test_columns_of_a_project__are_left_alone(tmp_path: Path) -> None:
    """A column of one's own may be called Sex beside p31, and hold a year or a number in its name."""
    folder = export(tmp_path / "export")
    header, *rows = participant_rows("plain")
    own = ["Sex", "Year of birth", "group2", "year_2010", "q1_2", "grip_max", "visit 2"]
    write_rows(folder / "participant.csv", [[*header, *own], *([*row, *"abcdefg"] for row in rows)])
    assert by_eid(land(folder), "p31") == by_eid(land(export(tmp_path / "plain")), "p31")


def _loop(folder: Path) -> None:
    (folder / "again").symlink_to(folder, target_is_directory=True)


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(folder)  # the path of a socket is short
        one.bind("talk.csv")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "gone.csv").symlink_to(folder / "nowhere.csv"), r"gone\.csv: a link .*No such file"),
        (lambda folder: (folder / "a.csv").symlink_to(folder / "a.csv"), r"a\.csv: a link .*[Tt]oo many levels"),
        (_loop, "again: a link in an export leads to files; this one leads back"),
        (lambda folder: os.mkfifo(folder / "pipe.csv"), r"pipe\.csv: an export holds files; this is a pipe"),
        (_socket, r"talk\.csv: an export holds files; this is a pipe, a socket"),
    ],
)
def test_what_is_no_file__is_refused_by_name(
    spoil: Spoil, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path.cwd())  # and back to it
    folder = export(tmp_path / "export")
    spoil(folder)
    with pytest.raises(IngestError, match=message):
        land(folder)


def test_link_to_a_file_elsewhere__lands_and_a_dead_one_may_be_skipped(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    (folder / "death.csv").rename(tmp_path / "death.csv")
    (folder / "death.csv").symlink_to(tmp_path / "death.csv")
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")
    assert len(read(land(folder, "skip:gone.csv=yes"), "death")) == 2


def test_olink_long__repeated_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    header = ["eid", "ins_index", "protein_id", "result"]
    rows = [[eid, "0", protein, "0.5"] for eid in IDS[:10] for protein in PROTEINS.values()]
    for name, more, message in (
        ("twice", rows[:7], r"a protein has one result for a participant and visit \(7 break it\)"),
        ("visits", [[IDS[11], "baseline", "1", "0.5"]] * 3, r"a visit of Olink samples is 0, 1, 2 or 3 \(3 break it\)"),
    ):
        folder = export(tmp_path / name)
        write_rows(folder / "olink_data.txt", [header, *rows, *more], delimiter="\t")
        with pytest.raises(IngestError, match=message):
            land(folder)


def test_olink_wide__a_participant_twice_in_one_or_two_files_is_refused(tmp_path: Path) -> None:
    for files in (("olink_instance_0.csv",), ("olink_instance_0.csv", "more/olink_instance_0.csv")):
        folder = export(tmp_path / str(len(files)))
        rows = [["eid", "a1bg"], *([eid, "0.5"] for eid in (IDS[:3] if len(files) > 1 else [*IDS[:3], *IDS[:3]]))]
        for file in files:
            write_rows(folder / file, rows)
        with pytest.raises(IngestError, match=r"a protein has one result for a participant and visit \(3 break it\)"):
            land(folder)


def test_measured_keys__count_what_stands_twice_as_sorting_would() -> None:
    """Beside the plain way, on more samples and proteins than the first table has room for."""
    rng = np.random.default_rng(5)
    n_rows = 40_000
    eids = pa.array([f"SYN{k:06d}" if k else "-1" for k in rng.integers(0, 3_000, n_rows)])
    visits = pa.array([str(k) for k in rng.integers(0, 3, n_rows)])
    proteins = pa.array([f"p{k}" for k in rng.integers(0, 5_000, n_rows)])
    keys = MeasuredKeys()
    for start in range(0, n_rows - 7_000, 7_000):
        keys.add_rows(*(column.slice(start, 7_000) for column in (eids, visits, proteins)))
    samples = keys.samples(eids.slice(35_000), visits.slice(35_000))  # the last rows as a wide table gives them
    of_protein: dict[str, list[int]] = {}
    for row, protein in enumerate(proteins.slice(35_000).to_pylist()):
        of_protein.setdefault(protein, []).append(row)
    for protein, rows in of_protein.items():
        keys.add(protein, samples[rows])
    listed = [key for key in zip(*(c.to_pylist() for c in (eids, visits, proteins)), strict=True) if key[0] != "-1"]
    n_twice = len(listed) - len(set(listed))
    assert n_twice > 0
    with pytest.raises(IngestError, match=rf"\({n_twice} break it\)"):
        keys.refuse_repeated("olink_data.txt")


def test_records_without_their_parent__are_counted_in_the_profile_and_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = export(tmp_path / "export")
    records_of("hesin_diag", "ins_index", lambda k, index: "99" if k < 2 else index)(folder)
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    said = "hesin_diag: 2 of 20 records have no hesin record (eid, ins_index), and so no date: they are not used"
    assert said in capsys.readouterr().out
    assert said in (tmp_path / "raw/c/profile.md").read_text()


def test_ukbnmr__one_word_among_values_does_not_make_them_flags(tmp_path: Path) -> None:
    cells = {key: column for key, column in answers().items() if key[0] != 23400}
    write_rows(tmp_path / "export/participant.csv", participant_rows("plain", cells=cells))
    values = [["eid", "visit_index", "Total_C"], *([eid, "0", f"4.{k}"] for k, eid in enumerate(IDS))]
    values[5][2] = "unknown"
    write_rows(tmp_path / "export/nmr.csv", values)
    landing = land(tmp_path / "export")
    assert by_eid(landing, "p23400_i0")[IDS[0]] == "4.0"
    assert [row["column_name"] for row in read(landing, "rejects")] == ["p23400"]


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        (["1", "-2.5", None, "1e5", "+4", "inf"], []),
        (["12,5", "unknown", "2010-05-20", "1.2.3", "5 kg", ".", "0x1F", "1_000"], [*range(8)]),
    ],
)
def test_not_numbers__are_told(cells: list[str | None], bad: list[int]) -> None:
    assert not_numbers(pa.array(cells, pa.string())).to_pylist() == bad


def test_participant_ids__of_converters_and_fixed_width_files_are_the_same() -> None:
    assert participant_ids(pa.array([" 12 ", "12.0", "SYN000001"]), where="x").to_pylist() == ["12", "12", "SYN000001"]


def test_whole_export__of_the_small_cohort_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_export(tmp_path / "export")
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    landed, lacking = capsys.readouterr().out.splitlines()
    assert landed.startswith("Landed in")
    assert re.search(r"fields of the study not in the export, \d+: p21003_i0, p21000_i0", lacking)


def test_fields_without_a_value_and_facts_of_no_gwas_file__are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_export(tmp_path / "export")
    cells_of("p46_i0", lambda *_: "")(folder)
    write_rows(folder / "traits.csv", [["trait", "n_cases"], ["osteoporosis", "9"], ["osteoporosys", "8"]])
    write_text(folder / "gwas/grip.tsv-meta.yaml", "genome_assembly: GRCh37\n")
    assert main(["--from", str(folder), "--cohort", "c", "--to", str(tmp_path / "raw")]) == 0
    said = capsys.readouterr().out
    assert "participant: columns that hold nothing, 1: p46_i0\n" in said
    assert "osteoporosys: a trait table speaks of it, and no GWAS file is called so\n" in said
    assert "gwas/grip.tsv-meta.yaml: metadata of a GWAS file that is not beside it: not used\n" in said
    assert "osteoporosis:" not in said
