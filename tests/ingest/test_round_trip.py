"""One small export, rewritten in every shape a UK Biobank user can hold, lands identically."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ingest.small_export import (
    IDS,
    PROTEINS,
    RECORDS,
    STYLES,
    Answers,
    answers,
    json_list,
    olink_values,
    participant_rows,
    pipe_list,
    python_list,
    read,
    write_export,
    write_records,
    write_rows,
    write_text,
)
from warehouse.errors import IngestError
from warehouse.ingest.codings import Codings, fill_from_seeds
from warehouse.ingest.fields import known_fields
from warehouse.ingest.ingest import ingest
from warehouse.ingest.tables_landed import columns_of_tables

Rows = list[list[str]]


def _landed(folder: Path, *overrides: str) -> Path:
    return ingest(folder, cohort="small", to=folder.parent / f"{folder.name}_raw", overrides=overrides)[0]


def _tables(landing: Path, names: list[str]) -> dict[str, list[tuple[str | None, ...]]]:
    return {name: sorted(map(_row, pq.read_table(landing / f"{name}.parquet").to_pylist())) for name in names}


def _row(row: dict[str, str | None]) -> tuple[str, ...]:
    return tuple("\0" if cell is None else cell for cell in row.values())


LISTS = [name for name in columns_of_tables() if name not in ("gwas/_none", "rejects")]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str | None, ...]]]:
    """The export as `dx extract_dataset` writes it."""
    return _tables(_landed(write_export(tmp_path_factory.mktemp("reference"))), LISTS)


def _people(folder: Path, style: str = "dotted", **options: Any) -> Path:
    """A folder with the participant table only: all that these tests compare."""
    write_rows(
        folder / "participant.csv", participant_rows(style, **options), delimiter="\t" if style == "tab" else ","
    )
    return folder


@pytest.mark.parametrize("style", STYLES)
def test_header_style__lands_identically(reference: dict[str, object], tmp_path: Path, style: str) -> None:
    landing = _landed(_people(tmp_path, style), *(["titles=study"] if style == "title" else []))
    assert _tables(landing, ["participant"])["participant"] == reference["participant"]


@pytest.mark.parametrize("write_list", [json_list, python_list, pipe_list])
def test_array_encoding__lands_identically(
    reference: dict[str, object], tmp_path: Path, write_list: Callable[[list[str]], str]
) -> None:
    landing = _landed(_people(tmp_path, "plain", write_list=write_list))
    assert _tables(landing, ["participant"])["participant"] == reference["participant"]


ICD_LABELS = {
    "M810": "M81.0 Postmenopausal osteoporosis",
    "M819": "M81.9 Osteoporosis, unspecified",
    "M8080": "M80.80 Other osteoporosis with pathological fracture (Multiple sites)",
    "M625": "M62.5 Muscle wasting and atrophy, not elsewhere classified",
    "I10": "I10 Essential (primary) hypertension",
    "I251": "I25.1 Atherosclerotic heart disease",
    "E119": "E11.9 Without complications",
}


def _meanings() -> Answers:
    """The answers as the Table Exporter's default (REPLACE) gives them."""
    codings = Codings()
    fill_from_seeds(codings)
    meaning_of = {
        encoding: {code: meaning for meaning, code in reversed(codes.items())}
        for encoding, codes in codings.code_of.items()
    }
    replaced: Answers = {}
    for (field, instance, array), column in answers().items():
        encoding = known_fields()[field].encoding_id
        labels = ICD_LABELS if encoding == 19 else meaning_of.get(encoding, {})

        def meant(value: object, labels: dict[str, str] = labels) -> object:
            return [labels[v] for v in value] if isinstance(value, list) else labels.get(str(value), value)

        replaced[field, instance, array] = [meant(value) for value in column]
    return replaced


@pytest.mark.parametrize("style", ["plain", "title", "ukb"])
@pytest.mark.parametrize("write_list", [json_list, pipe_list])
def test_replace_coding__meanings_become_codes(
    reference: dict[str, object], tmp_path: Path, style: str, write_list: Callable[[list[str]], str]
) -> None:
    folder = _people(tmp_path, style, cells=_meanings(), write_list=write_list)
    landing = _landed(folder, *(["titles=study"] if style == "title" else []))
    assert _tables(landing, ["participant"])["participant"] == reference["participant"]


def test_replace_coding__codings_of_the_export_are_read_before_the_seed(
    reference: dict[str, object], tmp_path: Path
) -> None:
    cells = answers()
    cells[31, 0, None] = [{"0": "Woman", "1": "Man"}[value] for value in cells[31, 0, None]]
    cells = {(31, 0, None): cells[31, 0, None], **{k: v for k, v in _meanings().items() if k[0] != 31}}
    folder = _people(tmp_path, "plain", cells=cells)
    write_rows(
        folder / "app.codings.csv",
        [
            ["coding_name", "code", "meaning", "concept", "display_order", "parent_code"],
            ["data_coding_9", "0", "Woman", "", "1", ""],
            ["data_coding_9", "1", "Man", "", "2", ""],
        ],
    )
    rows = _tables(_landed(folder), ["participant"])["participant"]
    assert rows == reference["participant"]


def _dates_as(rows: Rows, form: str) -> Rows:
    def date(cell: str) -> str:
        year, month, day = cell.split("-")
        return {"compact": f"{year}{month}{day}", "dmy": f"{day}/{month}/{year}"}[form]

    is_date = {
        k
        for k in range(len(rows[0]))
        if any(len(row[k]) == 10 and row[k][4:5] == row[k][7:8] == "-" for row in rows[1:])
    }
    return [rows[0], *([date(c) if k in is_date and c else c for k, c in enumerate(row)] for row in rows[1:])]


@pytest.mark.parametrize("form", ["compact", "dmy"])
def test_date_form__lands_identically(reference: dict[str, object], tmp_path: Path, form: str) -> None:
    write_export(tmp_path)
    write_rows(tmp_path / "participant.csv", _dates_as(participant_rows("plain"), form))
    for name, (header, rows) in RECORDS.items():
        write_rows(tmp_path / f"{name}.csv", _dates_as([header, *rows], form))
    assert _tables(_landed(tmp_path), LISTS) == reference


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("name", "delimiter", "encoding", "overrides"),
    [
        ("participant.csv.gz", ",", "utf-8", ()),
        ("participant.csv", ";", "utf-8", ()),
        ("participant.tsv", "\t", "utf-8", ()),
        ("participant.csv", ",", "utf-8-sig", ()),
        ("participant.csv", ",", "utf-16", ()),
        ("participant.csv", ",", "cp1252", ("encoding:participant.csv=cp1252",)),
    ],
)
def test_file_form__lands_identically(
    reference: dict[str, object], tmp_path: Path, name: str, delimiter: str, encoding: str, overrides: tuple[str, ...]
) -> None:
    _people(tmp_path)
    (tmp_path / "participant.csv").unlink()
    write_rows(tmp_path / name, participant_rows("dotted"), delimiter=delimiter, encoding=encoding)
    assert _tables(_landed(tmp_path, *overrides), ["participant"])["participant"] == reference["participant"]


def test_windows_line_ends_and_na_strings__land_identically(reference: dict[str, object], tmp_path: Path) -> None:
    _people(tmp_path)
    rows = [[cell or "NA" for cell in row] for row in participant_rows("tab")]
    write_text(tmp_path / "participant.csv", "".join("\t".join(row) + "\r\n" for row in rows))
    assert _tables(_landed(tmp_path), ["participant"])["participant"] == reference["participant"]


def test_integers_written_as_floats__land_identically(reference: dict[str, object], tmp_path: Path) -> None:
    _people(tmp_path)
    rows = participant_rows("ukb")
    whole = {"31-0.0", "54-0.0", "46-0.0", "46-1.0", "924-0.0", "1309-0.0", "6138-0.0", "20002-0.0", "21022-0.0"}
    is_whole = {k for k, cell in enumerate(rows[0]) if cell in whole}
    floats = [[f"{c}.0" if k in is_whole and c else c for k, c in enumerate(row)] for row in rows[1:]]
    write_rows(tmp_path / "participant.csv", [rows[0], *floats])
    assert _tables(_landed(tmp_path), ["participant"])["participant"] == reference["participant"]


def test_portal_records__tab_separated_txt_land_identically(reference: dict[str, object], tmp_path: Path) -> None:
    write_export(tmp_path)
    for name in RECORDS:
        (tmp_path / f"{name}.csv").unlink()
    write_records(tmp_path, dotted=False, suffix=".txt", delimiter="\t")
    assert _tables(_landed(tmp_path), list(RECORDS)) == {name: reference[name] for name in RECORDS}


def test_records_with_meanings__icd_labels_become_codes(reference: dict[str, object], tmp_path: Path) -> None:
    write_export(tmp_path)
    header, rows = RECORDS["hesin_diag"]
    labels = {
        "M810": "M81.0 Postmenopausal osteoporosis",
        "M625": "M62.5 Muscle wasting and atrophy",
        "0010": "0010 Cholera",
    }
    write_rows(tmp_path / "hesin_diag.csv", [header, *([labels.get(cell, cell) for cell in row] for row in rows)])
    assert _tables(_landed(tmp_path), ["hesin_diag"])["hesin_diag"] == reference["hesin_diag"]


def test_split_participant_tables__are_joined_by_eid(reference: dict[str, object], tmp_path: Path) -> None:
    _people(tmp_path)
    (tmp_path / "participant.csv").unlink()
    header, *rows = participant_rows("plain")
    half = len(header) // 2
    shuffled = random.Random(1).sample(rows, len(rows))
    write_rows(tmp_path / "participant_1.csv", [header[:half], *(row[:half] for row in rows)])
    write_rows(tmp_path / "participant_2.csv", [[header[0], *header[half:]], *([r[0], *r[half:]] for r in shuffled)])
    assert _tables(_landed(tmp_path), ["participant"])["participant"] == reference["participant"]


def test_participants_in_two_stacks__are_put_together(reference: dict[str, object], tmp_path: Path) -> None:
    _people(tmp_path)
    (tmp_path / "participant.csv").unlink()
    header, *rows = participant_rows("plain")
    write_rows(tmp_path / "participant_1.csv", [header, *rows[:10]])
    write_rows(tmp_path / "participant_2.csv", [header, *rows[10:]])
    assert _tables(_landed(tmp_path), ["participant"])["participant"] == reference["participant"]


@pytest.mark.parametrize("has_coding", [True, False])
def test_olink_long__lands_as_the_wide_entity(reference: dict[str, object], tmp_path: Path, has_coding: bool) -> None:
    write_export(tmp_path)
    (tmp_path / "olink_instance_0.csv").unlink()
    rows = [[eid, instance, PROTEINS[protein], result] for eid, instance, protein, result in olink_values()]
    write_rows(tmp_path / "olink_data.txt", [["eid", "ins_index", "protein_id", "result"], *rows], delimiter="\t")
    if has_coding:
        assays = {"a1bg": "A1BG;Alpha-1B-glycoprotein", "hla_dra": "HLA-DRA;HLA class II", "ervv_1": "ERVV-1;Envelope"}
        coding = [[PROTEINS[protein], meaning] for protein, meaning in assays.items()]
        write_rows(tmp_path / "coding143.tsv", [["coding", "meaning"], *coding], delimiter="\t")
    assert _tables(_landed(tmp_path), ["olink_data"])["olink_data"] == reference["olink_data"]


def test_olink_wide__visits_two_and_three_and_plain_headers_land(tmp_path: Path) -> None:
    write_export(tmp_path)
    for instance in (2, 3):
        rows = [["eid", "a1bg", "HLA-DRA"], [IDS[0], f"{instance}.5", ""], [IDS[1], "", "NA"]]
        write_rows(tmp_path / f"olink_instance_{instance}.csv", rows)
    landed = _tables(_landed(tmp_path), ["olink_data"])["olink_data"]
    assert {(IDS[0], "2", "a1bg", "2.5"), (IDS[0], "3", "a1bg", "3.5")} <= set(landed)
    assert sum(row[1] in ("2", "3") for row in landed) == 2


def test_ukbnmr__corrected_values_and_flags_land_in_their_fields(tmp_path: Path) -> None:
    cells = {key: column for key, column in answers().items() if key[0] != 23400}
    _people(tmp_path, "plain", cells=cells)
    values = [["eid", "visit_index", "Total_C", "Ala", "Total_C_by_something"]]
    values += [[IDS[0], "0", "4.25", "0.3", "1"], [IDS[0], "1", "4.5", "NA", "1"], [IDS[1], "0", "", "0.4", ""]]
    write_rows(tmp_path / "nmr_biomarker_data.csv", values)
    flags = [["eid", "visit_index", "Total_C", "Ala"], [IDS[0], "0", "", "Below limit of quantification; Ethanol"]]
    write_rows(tmp_path / "nmr_biomarker_qc_flags.csv", [*flags, [IDS[1], "0", "Citrate plasma", ""]])
    table = pq.read_table(_landed(tmp_path) / "participant.parquet").to_pylist()
    people = {row["eid"]: row for row in table}
    assert len(people) == len(table) == len(IDS)
    assert (people[IDS[0]]["p23400_i0"], people[IDS[0]]["p23400_i1"], people[IDS[1]]["p23400_i0"]) == (
        "4.25",
        "4.5",
        None,
    )
    assert (people[IDS[0]]["p23460_i0"], people[IDS[0]]["p23460_i1"]) == ("0.3", None)
    assert people[IDS[0]]["p23760_i0"] == '["1","10"]'
    assert people[IDS[1]]["p23700_i0"] == "2"


def test_column_order_and_row_order__do_not_matter(reference: dict[str, object], tmp_path: Path) -> None:
    _people(tmp_path)
    header, *rows = participant_rows("ukb")
    order = [0, *random.Random(2).sample(range(1, len(header)), len(header) - 1)]
    turned = [[row[k] for k in order] for row in [header, *reversed(rows)]]
    write_rows(tmp_path / "participant.csv", turned)
    assert _tables(_landed(tmp_path), ["participant"])["participant"] == reference["participant"]


def test_quotes__commas_and_quotes_inside_cells_survive(tmp_path: Path) -> None:
    write_export(tmp_path)
    header, rows = RECORDS["gp_scripts"]
    odd = 'Calcium, "chewable" 500mg'
    write_rows(tmp_path / "gp_scripts.csv", [header, [*rows[0][:6], odd, "1"]])
    assert _tables(_landed(tmp_path), ["gp_scripts"])["gp_scripts"][0][6] == odd


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (["a1bg", "not_an_assay"], "not_an_assay"),
        (["a1bg", "A1BG"], r"a1bg \(a second time\)"),
        (["hla_dra", "HLA-DRA"], "hla_dra"),
    ],
)
def test_olink_wide__unknown_and_repeated_assays_are_named(tmp_path: Path, header: list[str], named: str) -> None:
    write_export(tmp_path)
    rows = [["olink_instance_0.eid", *(f"olink_instance_0.{assay}" for assay in header)], [IDS[0], "1.5", "2.5"]]
    write_rows(tmp_path / "olink_instance_0.csv", rows)
    with pytest.raises(IngestError, match=f"unknown or repeated: {named}"):
        _landed(tmp_path)


def test_olink_wide__one_protein_alone_lands(tmp_path: Path) -> None:
    write_export(tmp_path)
    write_rows(tmp_path / "olink_instance_0.csv", [["eid", "a1bg"], [IDS[0], "1.5"], [IDS[1], "inf"], [IDS[2], "low"]])
    landing = _landed(tmp_path)
    landed = _tables(landing, ["olink_data"])["olink_data"]
    assert {(row[0], row[2], row[3]) for row in landed} == {(IDS[0], "a1bg", "1.5"), (IDS[1], "a1bg", "inf")}
    assert read(landing, "rejects") == [
        {"file": "olink_instance_0.csv", "line": "4", "column_name": "a1bg", "rule": "a numeric field holds numbers"}
    ]
