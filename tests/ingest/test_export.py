"""The embedded export's shapes land as the contract of the raw layer says."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.small_export import IDS, by_eid, olink_values, read, write_export
from warehouse.ingest.fields import participant_columns
from warehouse.ingest.gwas_formats import NUMBER_COLUMNS
from warehouse.ingest.ingest import ingest
from warehouse.ingest.tables_landed import columns_of_tables


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_export(folder)
    target, _ = ingest(folder, cohort="small", to=tmp_path_factory.mktemp("raw"))
    return target


def test_ingest__every_table_is_text_with_its_columns_but_for_the_numbers_of_gwas_files(landing: Path) -> None:
    for table, columns in columns_of_tables().items():
        schema = pq.read_schema(landing / f"{table}.parquet")
        assert tuple(schema.names[: len(columns)]) == columns, table
        numbers = NUMBER_COLUMNS if table.startswith("gwas/") else frozenset[str]()
        for column in columns:
            assert schema.field(column).type == (pa.float64() if column in numbers else pa.string()), (table, column)


def test_ingest__participant_has_every_field_of_the_seeds(landing: Path) -> None:
    columns = participant_columns()
    assert {"p31", "p53_i0", "p53_i3", "p46_i1", "p41270", "p23400_i1", "p23700_i0", "p40000_i1"} <= set(columns)
    assert len(read(landing, "participant")) == len(IDS)


@pytest.mark.parametrize(
    ("column", "k", "expected"),
    [
        ("p31", 1, "1"),
        ("p53_i0", 1, "2008-02-06"),
        ("p22189", 0, "-3.00"),
        ("p924_i0", 3, "-7"),
        ("p41270", 1, ["M810", "I10"]),
        ("p41280", 1, ["2012-02-06", None]),
        ("p41270", 0, None),
        ("p41280", 0, None),
        ("p20002_i0", 2, ["1464", "1309"]),
        ("p20008_i0", 2, ["1999.5", "-1"]),
        ("p6138_i0", 2, None),
        ("p22009", 2, ["1.02", "2.02", "3.02"]),
        ("p22009", 0, None),
        ("p4080_i0", 4, ["124", "125"]),
        ("p40002_i0", 0, [None, "I10", None, "M819"]),
        ("p40002_i0", 6, [None, "I10"]),
        ("p23658_i0", 1, "2019-12-09T16:06:28"),
        ("p131964", 2, "1902-02-02"),
    ],
)
def test_ingest__cell_lands_as_the_contract_says(
    landing: Path, column: str, k: int, expected: str | list[str | None] | None
) -> None:
    cell = by_eid(landing, column)[IDS[k]]
    assert (json.loads(cell) if isinstance(expected, list) and cell else cell) == expected


def test_ingest__records_keep_every_row_and_leading_zero(landing: Path) -> None:
    assert len(read(landing, "hesin")) == 20
    assert read(landing, "hesin")[0]["epistart"] == "2011-03-01"
    assert read(landing, "hesin")[0]["spelbgin"] is None
    assert read(landing, "hesin_diag")[0]["diag_icd9"] == "0010"
    assert len(read(landing, "death")) == 2
    assert read(landing, "withdrawals") == [{"eid": IDS[-1]}]


def test_ingest__olink_lands_long_with_only_what_was_measured(landing: Path) -> None:
    rows = {tuple(row.values()) for row in read(landing, "olink_data")}
    assert rows == set(olink_values())
    assert read(landing, "olink_batch_number") == [{"plateid": "090000000001", "batch": "1"}]


def test_ingest__gwas_lands_in_one_vocabulary(landing: Path) -> None:
    first, *_, last = read(landing, "gwas/osteoporosis")
    assert (first["effect_allele"], first["other_allele"], first["rsid"]) == ("G", "A", "rs1")
    assert (first["neg_log10_p_value"], first["p_value"], last["chromosome"]) == (1.34, None, "23")
    traits = {row["trait"]: row for row in read(landing, "gwas_traits")}
    assert traits["sarcopenia"]["n_cases"] == "700"
    assert traits["sarcopenia"]["genome_assembly"] == "GRCh37"
    assert traits["osteoporosis"]["n_rows"] == "4"


def test_ingest__ld_scores_and_counts_land(landing: Path) -> None:
    assert [row["chromosome"] for row in read(landing, "ld_score_counts")] == ["1", "22"]
    assert read(landing, "ld_scores")[1]["l2"] == "1.5"


def test_ingest__profile_names_every_file_with_evidence(landing: Path) -> None:
    profile = json.loads((landing / "profile.json").read_text(encoding="utf-8"))
    files = {file["file"]: file for file in profile["files"]}
    assert files["participant.csv"]["entity"] == "participant"
    assert files["hesin.csv"]["n_rows"] == 20
    assert all(file["evidence"] and file["decision"] for file in files.values())
    assert "SYN0" not in (landing / "profile.md").read_text(encoding="utf-8")
