"""Files that would lose a part of what they hold, or be taken for something else, without a word."""

import csv
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ingest.small_export import IDS, by_eid, participant_rows, read, write_export, write_rows, write_text
from warehouse.errors import IngestError
from warehouse.ingest.ingest import ingest

BIOMARKERS = ("Total_C", "VLDL_C")
FLAGS = {"Total_C": "p23700_i0", "VLDL_C": "p23702_i0"}


def refusal(folder: Path, tmp_path: Path, *overrides: str) -> str:
    with pytest.raises(IngestError) as refused:
        ingest(folder, cohort="c", to=tmp_path / "raw", overrides=overrides)
    assert not (tmp_path / "raw/c").exists()
    return str(refused.value)


def export_of(tmp_path: Path) -> Path:
    folder = write_export(tmp_path / "export")
    # Corrected NMR values stand in files of their own here.
    rows = list(csv.reader((folder / "participant.csv").open(newline="")))
    kept = [k for k, cell in enumerate(rows[0]) if ".p234" not in cell and ".p236" not in cell]
    write_rows(folder / "participant.csv", [[row[k] for k in kept] for row in rows])
    return folder


def corrected(path: Path, eids: list[str], *, names: tuple[str, ...] = BIOMARKERS, visit: str = "0") -> None:
    rows = [[eid, visit, *(f"{IDS.index(eid) + j / 10:.1f}" for j in range(len(names)))] for eid in eids]
    write_rows(path, [["eid", "visit_index", *names], *rows])


def values_of(landing: Path) -> tuple[int, int]:
    table = pq.read_table(landing / "participant.parquet", columns=["p23400_i0", "p23403_i0"])
    return tuple(len(column) - column.null_count for column in table.columns)


@pytest.mark.parametrize("cut", ["people", "biomarkers", "visits"])
def test_corrected_nmr__in_several_files_lands_whole(tmp_path: Path, cut: str) -> None:
    folder = export_of(tmp_path)
    people = IDS[:20]
    if cut == "people":
        corrected(folder / "nmr_a.csv", people[:10])
        corrected(folder / "nmr_b.csv", people[10:])
    elif cut == "biomarkers":
        corrected(folder / "nmr_a.csv", people, names=("Total_C",))
        corrected(folder / "nmr_b.csv", people, names=("VLDL_C",))
    else:
        corrected(folder / "nmr_a.csv", people)
        corrected(folder / "nmr_b.csv", people[:5], visit="1")
    landing, _ = ingest(folder, cohort="c", to=tmp_path / "raw")
    assert values_of(landing) == (20, 20)
    assert by_eid(landing, "p23400_i0")[IDS[7]] == "7.0"
    at_repeat = [value for value in by_eid(landing, "p23400_i1").values() if value is not None]
    assert len(at_repeat) == (5 if cut == "visits" else 0)


def test_corrected_nmr__of_which_nobody_can_tell_values_from_flags_is_refused(tmp_path: Path) -> None:
    folder = export_of(tmp_path)
    corrected(folder / "nmr.csv", IDS[:20])
    write_rows(folder / "flags.csv", [["eid", "visit_index", *BIOMARKERS], *([eid, "0", "", ""] for eid in IDS[:20])])
    said = refusal(folder, tmp_path)
    assert "flags.csv: a ukbnmr file holds values or flags" in said
    landing, _ = ingest(folder, cohort="c", to=tmp_path / "raw", overrides=("nmr_content:flags.csv=flags",))
    assert values_of(landing) == (20, 20)


def _beside(folder: Path, name: str, extra: list[str], cells: list[str]) -> None:
    rows = list(csv.reader((folder / name).open(newline="")))
    write_rows(folder / name, [[*rows[0], *extra], *([*row, *cells] for row in rows[1:])])


@pytest.mark.parametrize(
    ("name", "extra", "held"),
    [
        ("participant.csv", ["olink_instance_0.a1bg"], "olink_instance_0, participant"),
        ("participant.csv", ["death.date_of_death"], "death, participant"),
        ("hesin.csv", ["hesin_diag.arr_index", "hesin_diag.diag_icd10"], "hesin, hesin_diag"),
    ],
)
def test_two_entities_in_one_file__are_refused_by_name(tmp_path: Path, name: str, extra: list[str], held: str) -> None:
    folder = write_export(tmp_path / "export")
    _beside(folder, name, extra, ["1"] * len(extra))
    assert f"{name}: a file holds one table; this one holds {held}" in refusal(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "extra", "held"),
    [
        ("hesin.csv", ["arr_index", "diag_icd10"], "hesin, hesin_diag"),
        ("participant.csv", ["date_of_death"], "death, participant"),
    ],
)
def test_two_tables_joined_under_plain_names__are_refused_by_name(
    tmp_path: Path, name: str, extra: list[str], held: str
) -> None:
    folder = write_export(tmp_path / "export")
    rows = list(csv.reader((folder / name).open(newline="")))
    plain = [cell.partition(".")[2] for cell in rows[0]]
    write_rows(folder / name, [[*plain, *extra], *([*row, *["1"] * len(extra)] for row in rows[1:])])
    said = refusal(folder, tmp_path)
    assert f"{name}: a file holds one table; this one holds {held}" in said
    # A column of the project's own may be called as one of another table: a word settles it.
    (word,) = re.findall(r"--override (\S+)", said)
    landing, _ = ingest(folder, cohort="c", to=tmp_path / "raw", overrides=(word,))
    assert len(read(landing, "participant")) == len(IDS)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("death.csv", ["Participant ID", "Instance index", "Data source", "Date of death"]),
        ("diagnoses.csv", ["Participant ID", "Instance index", "Array index", "Diagnoses - ICD10"]),
        ("hesin_diag.csv", ["Participant ID", "Diagnoses - ICD10"]),
        ("proteins.csv", ["Participant ID", "A1BG;Alpha-1B-glycoprotein"]),
    ],
)
def test_records_and_proteins_in_titles__are_no_participants(tmp_path: Path, name: str, header: list[str]) -> None:
    folder = write_export(tmp_path / "export")
    write_rows(folder / name, [header, *([eid, *["1"] * (len(header) - 1)] for eid in IDS[:5])])
    said = refusal(folder, tmp_path)
    assert f"{name}: records and proteins have columns named by code" in said
    assert "header_style FIELD-NAME" in said


def test_titles_of_no_field_of_the_study__are_no_participant_table(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    write_rows(folder / "more.csv", [["Participant ID", "A measure of ours"], *([eid, "1"] for eid in IDS)])
    assert "more.csv: a participant table in titles" in refusal(folder, tmp_path)


@pytest.mark.parametrize("header", ["", "eid\n"])
def test_list_of_ids__is_one_of_withdrawals_only_by_name_or_word(tmp_path: Path, header: str) -> None:
    folder = write_export(tmp_path / "export")
    (folder / "w00000_20260101.csv").unlink()
    write_text(folder / "white_british_keep.txt", header + "\n".join(IDS[:20]) + "\n")
    said = refusal(folder, tmp_path)
    assert "white_british_keep.txt: a list of ids tells by its name" in said
    landing, _ = ingest(
        folder, cohort="c", to=tmp_path / "raw", overrides=("entity:white_british_keep.txt=withdrawals",)
    )
    assert [row["eid"] for row in read(landing, "withdrawals")] == IDS[:20]


@pytest.mark.parametrize("keep", ["too many", "gaps dropped"])
def test_list_of_dates__is_as_long_as_its_codes(tmp_path: Path, keep: str) -> None:
    folder = write_export(tmp_path / "export")
    rows = participant_rows("dotted")
    dates = [k for k, cell in enumerate(rows[0]) if cell.startswith("participant.p41280")]
    codes = rows[0].index("participant.p41270")
    made = [[cell for k, cell in enumerate(row) if k not in dates] for row in rows]
    for row, full in zip(made[1:], rows[1:], strict=True):
        listed = [full[k] for k in dates if full[k]]
        n_codes = full[codes].count('"') // 2
        row.append("|".join(["2012-01-01"] * (n_codes + 1) if keep == "too many" and n_codes else listed))
    made[0].append("participant.p41280")
    write_rows(folder / "participant.csv", made)
    assert "a list in p41280 is as long as the list of codes in p41270" in refusal(folder, tmp_path)


def test_codes_of_records__lose_the_fraction_of_pandas_and_the_dot_of_books(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    header = ["eid", "ins_index", "arr_index", "level", "diag_icd9", "diag_icd9_nb", "diag_icd10", "diag_icd10_nb"]
    rows = [[IDS[0], "0", "0", "1", "7330.0", "", "", ""], [IDS[1], "1", "0", "1", "", "", "M81.0", ""]]
    rows += [[IDS[1], "1", "1", "2", "73300", "", "", ""], [IDS[1], "1", "2", "2", "", "", "I10", ""]]
    write_rows(folder / "hesin_diag.csv", [header, *rows])
    landed = read(ingest(folder, cohort="c", to=tmp_path / "raw")[0], "hesin_diag")
    assert [row["diag_icd9"] or row["diag_icd10"] for row in landed] == ["7330", "M810", "73300", "I10"]


def test_source_of_records__in_meanings_is_refused(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    rows = list(csv.reader((folder / "hesin.csv").open(newline="")))
    at = rows[0].index("hesin.dsource")
    for row in rows[1:]:
        row[at] = "Hospital Episode Statistics (England)"
    write_rows(folder / "hesin.csv", rows)
    assert "hesin.csv: dsource is one of HES, PEDW, SMR" in refusal(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sample_qc_flags.csv", "eid,visit_index,High_Lactate\nSYN000001,0,High Lactate\n"),
        ("sample_processing.csv", "eid,visit_index,plate_id,plate_well\nSYN000001,0,p1,A1\n"),
        ("ukb_rel_a1_s1.dat", "ID1 ID2 HetHet IBS0 Kinship\nSYN000001 SYN000002 0.1 0.01 0.2\n"),
        ("catbrowse.txt", "parent_id\tchild_id\tshowcase_order\n1\t2\t3\n"),
        ("fields.ukb", "31\n34\n46\n"),
    ],
)
def test_companions_of_an_export__are_known_and_left_out(tmp_path: Path, name: str, text: str) -> None:
    folder = write_export(tmp_path / "export")
    write_text(folder / name, text)
    landing, _ = ingest(folder, cohort="c", to=tmp_path / "raw")
    assert len(read(landing, "withdrawals")) == 1
    assert len(read(landing, "participant")) == len(IDS)
