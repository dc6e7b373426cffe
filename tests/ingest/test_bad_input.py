"""Bad input ends in one clear message with every fault, a non-zero exit, and the last good landing untouched."""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest.small_export import (
    IDS,
    RECORDS,
    Answers,
    answers,
    participant_rows,
    read,
    write_export,
    write_records,
    write_rows,
    write_text,
)
from warehouse.errors import IngestError
from warehouse.ingest.__main__ import main
from warehouse.ingest.ingest import ingest

Spoil = Callable[[Path], object]


def _participants(folder: Path, rows: list[list[str]]) -> Path:
    return write_rows(folder / "participant.csv", rows)


def _truncated_gzip(folder: Path) -> None:
    rows = participant_rows("plain")
    (folder / "participant.csv").unlink()
    path = write_rows(folder / "participant.csv.gz", rows)
    path.write_bytes(path.read_bytes()[:-40])


def _truncated_gzip_beyond_the_sample(folder: Path) -> None:
    header, rows = RECORDS["hesin_diag"]
    noise = [[row[0], row[1], str(k), *row[3:]] for k in range(12_000) for row in rows]
    (folder / "hesin_diag.csv").unlink()
    path = write_rows(folder / "hesin_diag.csv.gz", [header, *noise])
    path.write_bytes(path.read_bytes()[:-2_000])


def _damaged_gzip(folder: Path) -> None:
    data = bytearray(gzip.compress("\n".join(",".join(row) for row in participant_rows("plain")).encode()))
    data[len(data) // 2] ^= 0xFF
    (folder / "participant.csv").unlink()
    (folder / "participant.csv.gz").write_bytes(data)


def _mixed_delimiters(folder: Path) -> None:
    header, *rows = participant_rows("plain")
    lines = [",".join(header), *("\t".join(row) for row in rows)]
    write_text(folder / "participant.csv", "\n".join(lines) + "\n")


def _mixed_delimiters_late(folder: Path) -> None:
    header, rows = RECORDS["hesin_diag"]
    lines = [",".join(header), *(",".join(row) for row in rows * 150), *("\t".join(row) for row in rows * 20)]
    write_text(folder / "hesin_diag.csv", "\n".join(lines) + "\n")


def _duplicated_eid(folder: Path) -> None:
    rows = participant_rows("plain")
    _participants(folder, [*rows, rows[3], rows[5]])


def _duplicated_column(folder: Path) -> None:
    _participants(folder, [[*row, row[1]] for row in participant_rows("plain")])


def _eid_twice(folder: Path) -> None:
    _participants(folder, [[row[0], *row] for row in participant_rows("plain")])


def _header_only(folder: Path) -> None:
    _participants(folder, participant_rows("plain")[:1])


def _no_header(folder: Path) -> None:
    _participants(folder, [[row[0].removeprefix("SYN"), *row[1:12]] for row in participant_rows("plain")[1:]])


def _ambiguous_dates(folder: Path) -> None:
    header, rows = RECORDS["death"]
    write_rows(folder / "death.csv", [header, *([*row[:4], "01/02/2019"] for row in rows)])


def _month_first(folder: Path) -> None:
    header, rows = RECORDS["death"]
    write_rows(folder / "death.csv", [header, *([*row[:4], "01/31/2019"] for row in rows)])


def _codes_among_meanings(folder: Path) -> None:
    cells = answers()
    cells[31, 0, None] = [{"0": "Female", "1": "Male"}[value] for value in cells[31, 0, None]]
    _participants(folder, participant_rows("plain", cells=cells))


def _meanings(cells: Answers) -> Answers:
    """Sex, pace and fruit as a REPLACE export words them."""
    words = {"0": "Female", "1": "Male"}
    pace = {"1": "Slow pace", "2": "Steady average pace", "3": "Brisk pace", "-7": "None of the above"}
    cells[31, 0, None] = [words[value] for value in cells[31, 0, None]]
    cells[924, 0, None] = [pace.get(value, "Prefer not to answer") for value in cells[924, 0, None]]
    centres = {"11004": "Glasgow", "11010": "Leeds", "11023": "Wrexham"}
    cells[54, 0, None] = [centres[value] for value in cells[54, 0, None]]
    return cells


def _codes_where_meanings_are_expected(folder: Path) -> None:
    """A REPLACE export in which one column was left as codes."""
    kept = {(31, 0, None), (34, 0, None), (21022, 0, None), (53, 0, None), (54, 0, None), (924, 0, None)}
    cells = _meanings({key: column for key, column in answers().items() if key in kept})
    cells[924, 0, None] = [["1", "2", "3"][k % 3] for k in range(len(IDS))]
    _participants(folder, participant_rows("plain", cells=cells))


def _meanings_nobody_told(folder: Path) -> None:
    cells = answers()
    cells[23650, 0, None] = ["Spectrometer three" for _ in IDS]
    _participants(folder, participant_rows("plain", cells=cells))


def _nul_bytes(folder: Path) -> None:
    path = folder / "participant.csv"
    lines = path.read_bytes().split(b"\n")
    lines[4] = lines[4].replace(b",", b",\0", 1)
    path.write_bytes(b"\n".join(lines))


def _latin_1(folder: Path) -> None:
    header, rows = RECORDS["gp_scripts"]
    text = "\n".join(",".join(row) for row in [header, [*rows[0][:6], "Calcium für 70 µg", "1"]])
    (folder / "gp_scripts.csv").write_bytes(text.encode("latin-1"))


def _another_project(folder: Path) -> None:
    header, rows = RECORDS["hesin"]
    write_rows(folder / "hesin.csv", [header, *([f"OTHER{k:05d}", *row[1:]] for k, row in enumerate(rows))])


def _another_project_participants(folder: Path) -> None:
    rows = participant_rows("plain")[1:]
    write_rows(folder / "more.csv", [["eid", "p21001_i0"], *([f"OTHER{k:05d}", "25.1"] for k in range(len(rows)))])


def _more_dates_than_codes(folder: Path) -> None:
    cells = answers()
    cells[41280, 0, 2] = ["2016-01-01" if k == 0 else value for k, value in enumerate(cells[41280, 0, 2])]
    _participants(folder, participant_rows("plain", cells=cells))


def _missing_required(folder: Path) -> None:
    cells = {key: column for key, column in answers().items() if key[0] not in (31, 54)}
    _participants(folder, participant_rows("plain", cells=cells))


def _list_and_array(folder: Path) -> None:
    header, *rows = participant_rows("plain")
    _participants(folder, [[*header, "p41270_a0"], *([*row, "M810"] for row in rows)])


def _wrong_visit(folder: Path) -> None:
    header, *rows = participant_rows("plain")
    _participants(folder, [[*header, "p31_i1"], *([*row, "1"] for row in rows)])


def _both_nmr(folder: Path) -> None:
    write_rows(folder / "nmr.csv", [["eid", "visit_index", "Total_C"], [IDS[0], "0", "4.2"]])


def _conflicting_parts(folder: Path) -> None:
    rows = participant_rows("plain")[1:]
    write_rows(folder / "more.csv", [["eid", "p31", "p21001_i0"], *([row[0], "1", "25.1"] for row in rows)])


CASES: dict[str, tuple[Spoil, str]] = {
    "truncated gz": (_truncated_gzip, r"csv\.gz: a gzip file ends with its end marker; this one is cut"),
    "truncated gz beyond the sample": (
        _truncated_gzip_beyond_the_sample,
        r"hesin_diag\.csv\.gz: .* cut after",
    ),
    "damaged gz": (_damaged_gzip, r"participant\.csv\.gz: a gzip file unpacks whole|the text is UTF-8|NUL"),
    "mixed delimiters": (_mixed_delimiters, r"cut by comma, other lines by tab \(24 break it\)"),
    "mixed delimiters far down": (
        _mixed_delimiters_late,
        r"hesin_diag\.csv: at most 1% .*\(400 break it\)",
    ),
    "duplicated eid": (_duplicated_eid, r"a participant stands in one row of a participant table \(2 break it\)"),
    "duplicated column": (_duplicated_column, r"a column stands once in a header; twice: p31"),
    "eid twice": (_eid_twice, r"a column stands once in a header; twice: eid"),
    "header only": (_header_only, r"participant\.csv: a table has rows; it has a header only"),
    "no header": (_no_header, r"the first line holds values \(header_style NONE\)"),
    "ambiguous dates": (_ambiguous_dates, r"some date has a day above 12.*none has \(1 break it\)"),
    "month first": (_month_first, r"UK Biobank writes the day before the month"),
    "meanings where codes are expected": (_codes_among_meanings, r"meanings where codes are expected in p31 \(1 break"),
    "codes where meanings are expected": (
        _codes_where_meanings_are_expected,
        r"codes where meanings are expected in p924_i0 \(1 break",
    ),
    "meanings nobody told": (_meanings_nobody_told, r"p23650_i0 holds codes of coding 2301; it holds texts"),
    "NUL bytes": (_nul_bytes, r"participant\.csv: a text file holds no NUL bytes; line 5 does"),
    "Latin-1": (_latin_1, r"the text is UTF-8; line 2 holds other bytes"),
    "records of another project": (
        _another_project,
        r"hesin\.csv: tables of one project share.*\(20 break",
    ),
    "participants of another project": (
        _another_project_participants,
        r"csv: tables of one project",
    ),
    "more array dates than codes": (_more_dates_than_codes, r"as many entries in p41280 as codes.*\(1 break it\)"),
    "missing required fields": (_missing_required, r"field 31, Sex \(p31\)[\s\S]*field 54"),
    "list and array columns": (_list_and_array, r"one list column or one column per array index; p41270 is both"),
    "a visit that is none": (_wrong_visit, r"field 31 is asked once; p31_i1 names visit 1"),
    "raw and corrected NMR": (_both_nmr, r"raw and corrected values are both here"),
    "parts that disagree": (_conflicting_parts, r"two files say the same of a participant; p31 differs"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good landing of a small export, to be left alone by every failure."""
    return ingest(write_export(tmp_path_factory.mktemp("good")), cohort="small", to=tmp_path_factory.mktemp("raw"))[0]


def _participants_and_records(folder: Path) -> Path:
    write_rows(folder / "participant.csv", participant_rows("plain"))
    write_records(folder)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_bad_input__is_refused_with_its_reason(good: Path, tmp_path: Path, case: str) -> None:
    spoil, message = CASES[case]
    spoil(_participants_and_records(tmp_path))
    before = (good / "profile.json").read_bytes()
    with pytest.raises(IngestError) as error:
        ingest(tmp_path, cohort="small", to=good.parent)
    text = str(error.value)
    assert re.search(message, text), text
    assert "->" in text
    assert "SYN0" not in text
    assert "OTHER0" not in text
    assert (good / "profile.json").read_bytes() == before
    assert len(read(good, "participant")) == len(IDS)


def test_override_coding__that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    """Codes read as meanings would all be rejected, and the columns land empty."""
    folder = _participants_and_records(tmp_path)
    with pytest.raises(IngestError, match=r"codes where meanings are expected in .*break it\)\s+-> leave --override"):
        ingest(folder, cohort="small", to=tmp_path / "raw", overrides=["coding=replace"])


def test_bad_input__every_fault_is_told_at_once(tmp_path: Path) -> None:
    folder = _participants_and_records(tmp_path)
    for spoil in (_missing_required, _latin_1, _ambiguous_dates, _another_project):
        spoil(folder)
    write_text(folder / "notes.csv", "what,is,this\n1,2,3\n")
    with pytest.raises(IngestError) as error:
        ingest(folder, cohort="small", to=tmp_path / "raw")
    text = str(error.value)
    for part in ("gp_scripts.csv", "field 31", "field 54", "notes.csv"):
        assert part in text


def test_latin_1__lands_with_the_override_the_message_names(tmp_path: Path) -> None:
    folder = _participants_and_records(tmp_path / "export")
    _latin_1(folder)
    landing, _ = ingest(folder, cohort="small", to=tmp_path, overrides=["encoding:gp_scripts.csv=latin-1"])
    assert read(landing, "gp_scripts")[0]["drug_name"] == "Calcium für 70 µg"


def test_empty_folder__is_refused(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(IngestError, match="an export folder holds files; this one is empty"):
        ingest(tmp_path / "export", cohort="small", to=tmp_path)


def test_folder_that_is_not_there__is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="the folder given by --from exists"):
        ingest(tmp_path / "nowhere", cohort="small", to=tmp_path)


def test_empty_file__is_refused(tmp_path: Path) -> None:
    folder = _participants_and_records(tmp_path)
    (folder / "hesin.csv").write_bytes(b"")
    with pytest.raises(IngestError, match=r"hesin\.csv: a file has content; this one is empty"):
        ingest(folder, cohort="small", to=tmp_path / "raw")


def test_file_without_permission__is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _participants_and_records(tmp_path)
    _forbid(folder / "death.csv", monkeypatch)
    with pytest.raises(IngestError, match=r"death\.csv: a file can be opened; the system says: Permission denied"):
        ingest(folder, cohort="small", to=tmp_path / "raw")


def test_folder_without_permission__is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _participants_and_records(tmp_path)
    (folder / "closed").mkdir()
    _forbid(folder / "closed", monkeypatch)
    with pytest.raises(IngestError, match=r"closed: a folder can be read; the system says: Permission denied"):
        ingest(folder, cohort="small", to=tmp_path / "raw")


def _forbid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the permission to read away; the superuser, who keeps it, is answered as others would be."""
    path.chmod(0)
    if not os.access(path, os.R_OK):
        return
    real_open, real_scandir = Path.open, os.scandir

    def denied_open(self: Path, *options: object, **named: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(self, *options, **named)  # type: ignore[arg-type]

    def denied_scandir(folder: object = ".") -> object:
        if Path(str(folder)) == path:
            raise PermissionError(13, "Permission denied", str(path))
        return real_scandir(folder)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", denied_open)
    monkeypatch.setattr(os, "scandir", denied_scandir)


def test_bad_cells__land_empty_and_stand_in_the_ledger_by_line(tmp_path: Path) -> None:
    folder = _participants_and_records(tmp_path / "export")
    header, rows = RECORDS["hesin"]
    rows = [list(row) for _ in range(10) for row in rows]
    rows[4][header.index("epistart")] = "2011-02-31"
    write_rows(folder / "hesin.csv", [header, *rows[:150], ["ragged", "row"], *rows[150:], ["", "", "HES"] + [""] * 7])
    landing, _ = ingest(folder, cohort="small", to=tmp_path)
    ledger = [tuple(row.values()) for row in read(landing, "rejects")]
    assert ledger == [
        ("hesin.csv", "6", "epistart", "a date is a day of the calendar"),
        ("hesin.csv", "152", "", "a row has 10 cells, as the header"),
        ("hesin.csv", "203", "eid", "a row has a participant id"),
    ]
    landed = read(landing, "hesin")
    assert (len(landed), landed[4]["epistart"]) == (200, None)
    assert "ragged" not in (landing / "profile.json").read_text(encoding="utf-8")


def test_command_line__refuses_with_its_exit_code_and_no_traceback(tmp_path: Path) -> None:
    _missing_required(_participants_and_records(tmp_path))
    command = [
        sys.executable,
        "-m",
        "warehouse.ingest",
        "--from",
        str(tmp_path),
        "--cohort",
        "x",
        "--to",
        str(tmp_path / "r"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == IngestError.exit_code
    assert "field 31" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r" / "x").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("skip:hesinn.csv=yes", r"hesinn\.csv is a file of the export"),
        ("entity:notes.csv=hesin_diagnoses", r"hesin_diagnoses is a table ingest knows[\s\S]*hesin_diag,"),
        ("entity:notes.csv=participant", r"a participant table has an eid column"),
        ("entity:notes.csv=hesin_diag", r"hesin_diag has the columns diag_icd10, eid, ins_index"),
        ("entity:notes.csv=gwas", r"a GWAS file has the header of a known format"),
    ],
)
def test_override__that_cannot_be_followed_is_refused(tmp_path: Path, override: str, message: str) -> None:
    folder = _participants_and_records(tmp_path / "export")
    write_text(folder / "notes.csv", "what,is,this\n1,2,3\n")
    with pytest.raises(IngestError, match=message):
        ingest(folder, cohort="small", to=tmp_path / "raw", overrides=[override])
    assert not (tmp_path / "raw").exists()


def test_unknown_file__is_refused_without_showing_its_first_line(tmp_path: Path) -> None:
    folder = _participants_and_records(tmp_path / "export")
    write_text(folder / "ids.csv", f"{IDS[0]},Female,Oslo\n{IDS[1]},Male,Bergen\n")
    with pytest.raises(IngestError, match=r"ids\.csv: .* its 3 columns are those of none") as error:
        ingest(folder, cohort="small", to=tmp_path / "raw")
    assert IDS[0] not in str(error.value)
    assert "Oslo" not in str(error.value)
    landing, _ = ingest(folder, cohort="small", to=tmp_path / "raw", overrides=["skip:ids.csv=yes"])
    assert len(read(landing, "participant")) == len(IDS)


@pytest.mark.parametrize("override", ["date_order=american", "shape=round", "encoding", "delimiter=x"])
def test_override__names_what_is_allowed(tmp_path: Path, override: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _participants_and_records(tmp_path)
    assert main(["--from", str(folder), "--cohort", "x", "--to", str(tmp_path / "r"), "--override", override]) == 4
    assert re.search(r"keys: date_order|values: (ymd|comma)", capsys.readouterr().err)
