"""The export as a whole: same seed same bytes, whole or not at all, shaped as the real thing."""

import gzip
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.synthetic.small_cohort import SMALL, digests, write_small
from warehouse.synthetic import export as export_module
from warehouse.synthetic import participant_table, record_tables
from warehouse.synthetic.export import WITHDRAWAL_FILE, write_export
from warehouse.synthetic.options import STAMP

TINY = replace(SMALL, participants=300, snps=1_000)


def test_write_export__same_seed_same_bytes(tmp_path: Path) -> None:
    first, second = write_small(tmp_path / "a", TINY), write_small(tmp_path / "b", TINY)
    assert digests(first) == digests(second)


def test_write_export__another_seed_other_people(tmp_path: Path) -> None:
    first = digests(write_small(tmp_path / "a", TINY))
    second = digests(write_small(tmp_path / "b", replace(TINY, seed=12)))
    same = {name for name in first if first[name] == second[name]}
    assert same.isdisjoint({"participant.csv", "hesin.csv", "olink_instance_0.csv", "gwas/grip.tsv.gz", "truth.csv"})


def test_write_export__size_of_the_panel_does_not_change_who_people_are(tmp_path: Path) -> None:
    first = digests(write_small(tmp_path / "a", replace(TINY, metabolomic_share=0.0, proteomic_share=0.0, snps=0)))
    second = digests(write_small(tmp_path / "b", replace(TINY, metabolomic_share=0.0, snps=0)))
    assert first["hesin_diag.csv"] == second["hesin_diag.csv"]
    assert first["death.csv"] == second["death.csv"]


def test_write_export__a_second_run_does_nothing(tmp_path: Path) -> None:
    out = tmp_path / "a"
    assert write_export(TINY, out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert not write_export(TINY, out)
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*")}


def test_write_export__a_cut_run_leaves_the_last_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = write_small(tmp_path / "a", TINY)
    before = digests(out)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "_write_block", cut)
    with pytest.raises(KeyboardInterrupt):
        write_export(replace(TINY, seed=99), out)
    assert digests(out) == before


def test_write_export__without_omics_there_are_no_omics_files(tmp_path: Path) -> None:
    bare = replace(TINY, proteins=0, metabolomic_share=0.0, snps=0)
    out = write_small(tmp_path / "a", bare)
    assert not (out / "gwas").exists()
    assert not (out / "helper_files").exists()
    header = (out / "participant.csv").open().readline()
    assert "p23400" not in header


def test_readme_and_stamp_say_synthetic(export: Path) -> None:
    assert "SYNTHETIC" in (export / "README.txt").read_text()
    assert '"synthetic": true' in (export / STAMP).read_text()
    assert all("SYNTHETIC" in path.read_text() for path in (export / "gwas").glob("*-meta.yaml"))


@pytest.mark.parametrize("entity", sorted(record_tables.HEADERS))
def test_record_tables__headers_name_the_entity(export: Path, entity: str) -> None:
    header = (export / f"{entity}.csv").open().readline().rstrip("\n").split(",")
    assert header == [f"{entity}.{column}" for column in record_tables.HEADERS[entity]]


def test_participant__header_is_that_of_extract_dataset(export: Path) -> None:
    header = (export / "participant.csv").open().readline().rstrip("\n").split(",")
    assert header[0] == "participant.eid"
    assert len(set(header)) == len(header)
    # Multi-select fields are one column, other arrays one column per index, genetic components start at 1.
    assert {"participant.p41270", "participant.p41280_a0", "participant.p20008_i0_a0"} <= set(header)
    assert "participant.p41270_a0" not in header
    assert {"participant.p22009_a1", "participant.p22009_a40", "participant.p40002_i0_a0"} <= set(header)
    assert "participant.p22009_a0" not in header
    assert {"participant.p46_i0", "participant.p46_i3", "participant.p31", "participant.p3148_i0"} <= set(header)
    known = {f"p{field.field_id}" for field in participant_table.fields()}
    assert known <= {name.split(".")[1].split("_")[0] for name in header}


def test_participant__one_row_each_and_every_id_unique(tables: duckdb.DuckDBPyConnection) -> None:
    n, distinct = tables.execute("select count(*), count(distinct eid) from participant").fetchall()[0]
    assert n == distinct == SMALL.participants


def test_participant__only_made_up_ids(tables: duckdb.DuckDBPyConnection) -> None:
    others = tables.execute(
        "select count(*) from participant where not regexp_matches(eid, '^(SYN[0-9]{6}|-[0-9])$')"
    ).fetchall()[0][0]
    assert others == 0


@pytest.mark.parametrize("entity", ["hesin", "hesin_diag", "hesin_oper", "death", "death_cause", "gp_clinical"])
def test_record_tables__people_of_records_are_participants(tables: duckdb.DuckDBPyConnection, entity: str) -> None:
    strays = tables.execute(f"select count(*) from {entity} where eid not in (select eid from participant)").fetchall()[
        0
    ][0]
    assert strays == 0


def test_icd10_list__dates_stand_at_the_index_of_their_code(tables: duckdb.DuckDBPyConnection) -> None:
    """The first date of each distinct code, recomputed from hesin and hesin_diag."""
    wrong = tables.execute(
        """
        with first as (
            select hesin_diag.eid, diag_icd10 as code, min(coalesce(epistart, admidate)) as day
            from hesin_diag join hesin using (eid, ins_index)
            where diag_icd10 is not null group by all
        ),
        listed as (
            select eid, unnest(from_json(p41270, '["VARCHAR"]')) as code,
                unnest([p41280_a0, p41280_a1, p41280_a2, p41280_a3, p41280_a4][:len(from_json(p41270, '["VARCHAR"]'))])
                    as day
            from participant where len(from_json(p41270, '["VARCHAR"]')) <= 5
        )
        select count(*) filter (where first.day is distinct from listed.day), count(*)
        from listed left join first using (eid, code)
        """
    ).fetchall()[0]
    assert wrong[0] == 0
    assert wrong[1] > 1_000


def test_withdrawals__headerless_and_some_are_participants(export: Path, tables: duckdb.DuckDBPyConnection) -> None:
    lines = (export / WITHDRAWAL_FILE).read_text().splitlines()
    assert lines
    assert all(line.startswith(("SYN", "-")) for line in lines)


def test_olink__wide_entity_joins_its_helpers(export: Path, tables: duckdb.DuckDBPyConnection) -> None:
    columns = [row[0] for row in tables.execute("describe olink_instance_0").fetchall()]
    assert len(columns) == 1 + SMALL.proteins
    assert "hla_e" in columns  # HLA-E: the hyphen became an underscore
    assay = [line.split("\t")[0] for line in (export / "helper_files/olink_assay.dat").read_text().splitlines()[1:]]
    assert [name.lower().replace("-", "_") for name in assay] == columns[1:]
    plates = {
        line.split("\t")[0] for line in (export / "helper_files/olink_batch_number.dat").read_text().splitlines()[1:]
    }
    used = {row[0] for row in tables.execute("select distinct p30901_i0 from participant").fetchall()} - {None}
    assert used == plates
    assert all(len(plate) == 12 and plate.startswith("0") for plate in plates)


def test_olink__proteins_measured_is_the_count_of_levels(tables: duckdb.DuckDBPyConnection) -> None:
    columns = [row[0] for row in tables.execute("describe olink_instance_0").fetchall()][1:]
    counted = " + ".join(f'("{name}" is not null)::int' for name in columns)
    wrong = tables.execute(
        f"select count(*) from olink_instance_0 o join participant p using (eid) where p.p30900_i0::int <> {counted}"
    ).fetchall()[0][0]
    assert wrong == 0


def test_gzip__carries_no_clock(export: Path) -> None:
    path = export / "gwas" / "osteoporosis.regenie.gz"
    assert path.read_bytes()[4:8] == b"\0\0\0\0"
    with gzip.open(path, "rt") as lines:
        assert lines.readline().split() == [
            "CHROM", "GENPOS", "ID", "ALLELE0", "ALLELE1", "A1FREQ", "INFO", "N", "TEST", "BETA", "SE", "CHISQ",
            "LOG10P", "EXTRA",
        ]  # fmt: skip
