"""Every raw format goes from the embedded cohort to the same marts as the form that `dx extract_dataset` gives.

Proved in three links. One: the SQL that dbt compiled for a built study, run without dbt, makes the marts that dbt made,
row for row. Two: this SQL reads the landing and the seeds and nothing else; DuckDB is forbidden to open any other file.
Three, once per format: an export of the embedded cohort is rewritten in that format and landed, the same SQL is run,
and every mart has the same rows, in any order. `biomarker_panels` is not compared: it is computed from other marts.

Where a format cannot say something, the reference is the cohort without it, and the test says what that is.
"""

import csv
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.ingest.rewriting import STYLES, Table, meanings, read_dotted, rows_of
from tests.ingest.small_export import json_list, pipe_list, python_list, write_rows
from tests.pipeline.compiled_marts import CompiledMarts, differing_rows
from tests.pipeline.conftest import Project
from tests.pipeline.gwas_shapes import SHAPES, write_shape
from warehouse.ingest.fields import known_fields, read_seed
from warehouse.ingest.ingest import ingest
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options

pytestmark = pytest.mark.pipeline

SMALL = Options(participants=500, seed=11, proteins=60, proteomic_share=0.4, metabolomic_share=0.5, snps=2_000)
RELATIVE = 1e-9  # of numbers that a format states in another way, such as minus log10 p
GWAS = "gwas_associations"
GENETIC = ("gwas", "ld_scores", "gene_locations")
MASKED = "-"
NMR_ALBUMIN_AND_CREATININE = (23478, 23479)


@dataclass(frozen=True)
class Embedded:
    """The embedded cohort in its own form, and its marts."""

    export: Path
    participants: Table
    models: CompiledMarts
    marts: Path


@pytest.fixture(scope="module")
def models(built: Project) -> CompiledMarts:
    return CompiledMarts.of(built.folder)


@pytest.fixture(scope="module")
def embedded(models: CompiledMarts, tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    folder = tmp_path_factory.mktemp("embedded")
    write_export(SMALL, folder / "export")
    landing, _ = ingest(folder / "export", cohort="raw", to=folder)
    marts = models.build(landing, folder / "marts")
    return Embedded(folder / "export", read_dotted(folder / "export/participant.csv"), models, marts)


def test_compiled_sql__makes_the_marts_that_dbt_made(built: Project, models: CompiledMarts, tmp_path: Path) -> None:
    made = models.build(built.folder / "warehouse/raw/synthetic", tmp_path)
    by_dbt = built.folder / "warehouse/build/study.duckdb"
    assert {mart: differing_rows(made, by_dbt, f"marts.{mart}") for mart in models.marts} == dict.fromkeys(
        models.marts, (0, 0)
    )


def test_compiled_sql__can_read_no_file_beside_the_landing(
    models: CompiledMarts, built: Project, tmp_path: Path
) -> None:
    """So that what the marts hold is decided by the landing's tables; its profile, not even that."""
    seed = built.folder / "warehouse/seeds/arms.csv"
    node = {**models.nodes[0], "compiled_code": f"select * from read_csv('{seed}')"}
    with pytest.raises(duckdb.PermissionException, match="disabled"):
        replace(models, nodes=(node,)).build(built.folder / "warehouse/raw/synthetic", tmp_path)
    assert not [sql for sql in models.sql() if re.search(r"profile\.|read_(csv|json|text|blob)|glob\(", sql)]


def copied(embedded: Embedded, folder: Path, *left_out: str) -> Path:
    """A copy of the export to rewrite; what no mart of the test reads is left out."""
    ignored = shutil.ignore_patterns(*left_out) if left_out else None
    return Path(shutil.copytree(embedded.export, folder / "export", ignore=ignored))


def marts_of(export: Path, models: CompiledMarts, *overrides: str) -> Path:
    landing, _ = ingest(export, cohort="raw", to=export.parent, overrides=overrides)
    assert pq.read_metadata(landing / "rejects.parquet").num_rows == 0
    return models.build(landing, export.parent / "marts")


def differing(one: Path, other: Path, marts: list[str]) -> dict[str, tuple[int, int]]:
    found = {mart: differing_rows(one, other, f"marts.{mart}") for mart in marts}
    return {mart: rows for mart, rows in found.items() if rows != (0, 0)}


def rewrite_participants(export: Path, rows: list[list[str]], name: str = "main.csv", **written: str) -> None:
    (export / "participant.csv").unlink(missing_ok=True)
    write_rows(export / name, rows, **written)


def in_style(style: str) -> Callable[[Path, Table], None]:
    def rewrite(export: Path, table: Table) -> None:
        rewrite_participants(
            export, rows_of(table, style, write_list=json_list), delimiter="\t" if style == "tab" else ","
        )

    return rewrite


def with_lists(write_list: Callable[[list[str]], str]) -> Callable[[Path, Table], None]:
    return lambda export, table: rewrite_participants(export, rows_of(table, "plain", write_list=write_list))


def numpy_list(items: list[str]) -> str:
    return "[" + " ".join(f"'{item}'" for item in items) + "]"


def turned(cell: str, form: str) -> str:
    if len(cell) != 10 or cell[4] != "-" or cell[7] != "-":
        return cell
    year, month, day = cell.split("-")
    return form.format(y=year, m=month, d=day)


def with_dates(form: str, delimiter: str = ",", suffix: str = ".csv", has_entity: bool = True) -> Callable[..., None]:
    """Dates of participants and of all record tables in another form; record tables as the portal gives them or not."""

    def rewrite(export: Path, table: Table) -> None:
        ids, columns = table
        dated = {
            key: [turned(cell, form) if isinstance(cell, str) else cell for cell in cells]
            if known_fields()[key[0]].kind == "date"
            else cells
            for key, cells in columns.items()
        }
        rewrite_participants(export, rows_of((ids, dated), "plain", write_list=json_list))
        for name in RECORD_TABLES:
            path = export / f"{name}.csv"
            with path.open(newline="", encoding="utf-8") as handle:
                header, *rows = csv.reader(handle)
            path.unlink()
            named = header if has_entity else [cell.partition(".")[2] for cell in header]
            written = [[turned(cell, form) for cell in row] for row in rows]
            write_rows(export / f"{name}{suffix}", [named, *written], delimiter=delimiter)

    return rewrite


def split_by_columns(export: Path, table: Table) -> None:
    """Codes and their dates in two files, rows in another order."""
    header, *rows = rows_of(table, "ukb", write_list=json_list)
    is_first = [
        k for k, name in enumerate(header) if k == 0 or name.split("-")[0] in ("41270", "20002", "31", "53", "54")
    ]
    others = [0, *(k for k in range(len(header)) if k not in is_first)]
    known = [row for row in rows if not row[0].startswith(MASKED)]
    masked = [row for row in rows if row[0].startswith(MASKED)]
    mixed = random.Random(3).sample(known, len(known))
    rewrite_participants(export, [[row[k] for k in is_first] for row in [header, *known, *masked]], "first.csv")
    write_rows(export / "others.csv", [[row[k] for k in others] for row in [header, *mixed, *masked]])


def stacked(export: Path, table: Table) -> None:
    header, *rows = rows_of(table, "plain", write_list=json_list)
    rewrite_participants(export, [header, *rows[:200]], "first.csv.gz")
    write_rows(export / "second.txt", [header, *rows[200:]], delimiter="\t", encoding="utf-16")


def olink_long(export: Path, table: Table) -> None:
    """`olink_data.txt` with its coding file, by participant; protein ids are numbers."""
    coding = {row["protein"]: row["protein_id"] for row in read_seed("olink_assays.csv")}
    with (export / "olink_instance_0.csv").open(newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    names = [cell.partition(".")[2] for cell in header]
    long = [
        [row[0], "0", coding[name], cell] for row in rows for name, cell in zip(names[1:], row[1:], strict=True) if cell
    ]
    (export / "olink_instance_0.csv").unlink()
    write_rows(export / "olink_data.txt", [["eid", "ins_index", "protein_id", "result"], *long], delimiter="\t")
    assays = [[coding[name], f"{name.upper()};A protein"] for name in names[1:]]
    write_rows(export / "coding143.tsv", [["coding", "meaning"], *assays], delimiter="\t")


def ukbnmr(export: Path, table: Table) -> None:
    """Biomarkers and flags as ukbnmr writes them: a row per participant and visit, flags in words."""
    ids, columns = table
    words = {row["code"]: row["label"] for row in read_seed("value_labels.csv") if row["encoding_id"] == "2310"}
    biomarkers = [
        (row["abbreviation"], row["field_id"], row["flag_field_id"]) for row in read_seed("nmr_biomarkers.csv")
    ]
    moved = {int(field) for _, value, flag in biomarkers for field in (value, flag) if field}
    values = [["eid", "visit_index", *(name for name, _, _ in biomarkers)]]
    flags = [list(values[0])]
    for k, identifier in enumerate(ids):
        for visit in ("0", "1"):

            def cell(field: str, k: int = k, visit: str = visit) -> str | list[str]:
                found = columns.get((int(field or 0), int(visit), None))
                return (found[k] or "") if found else ""

            measured = [str(cell(value)) for _, value, _ in biomarkers]
            if any(measured):
                values.append([identifier, visit, *measured])
                told = [cell(flag) for _, _, flag in biomarkers]
                listed = [one if isinstance(one, list) else [one] for one in told]
                flags.append([identifier, visit, *("; ".join(words[code] for code in one if code) for one in listed)])
    rest = {key: cells for key, cells in columns.items() if key[0] not in moved}
    rewrite_participants(export, rows_of((ids, rest), "plain", write_list=json_list))
    write_rows(export / "nmr_biomarker_data.csv", values)
    write_rows(export / "nmr_biomarker_qc_flags.csv", flags)


FORMATS: dict[str, Callable[[Path, Table], None]] = {
    **{f"header style {style}": in_style(style) for style in STYLES if style != "title"},
    "lists of Python": with_lists(python_list),
    "lists parted by pipes": with_lists(pipe_list),
    "lists of numpy": with_lists(lambda items: numpy_list(items) if items else ""),
    "dates DD/MM/YYYY, record tables of the portal": with_dates("{d}/{m}/{y}", "\t", ".txt", has_entity=False),
    "dates YYYYMMDD": with_dates("{y}{m}{d}"),
    "participants split by columns": split_by_columns,
    "participants in two stacks, gzip and UTF-16": stacked,
    "olink_data.txt": olink_long,
    "ukbnmr": ukbnmr,
}


@pytest.mark.parametrize("form", FORMATS)
def test_format__gives_the_same_marts(form: str, embedded: Embedded, tmp_path: Path) -> None:
    export = copied(embedded, tmp_path, *GENETIC)
    FORMATS[form](export, embedded.participants)
    marts = [mart for mart in embedded.models.marts if mart != GWAS]
    found = marts_of(export, embedded.models.upstream_of(*marts))
    assert differing(embedded.marts, found, marts) == {}


def without(table: Table, *fields: int) -> Table:
    return table[0], {key: cells for key, cells in table[1].items() if key[0] not in fields}


def test_titles__give_the_same_marts(embedded: Embedded, tmp_path: Path) -> None:
    """Without NMR albumin and creatinine, whose titles are also those of blood tests: a table cannot hold both."""
    marts = [mart for mart in embedded.models.marts if mart != GWAS]
    models = embedded.models.upstream_of(*marts)
    table = without(embedded.participants, *NMR_ALBUMIN_AND_CREATININE)
    made = []
    for style, overrides in (
        ("plain", ()),
        ("title", ("titles=study", "title:Albumin=30600", "title:Creatinine=30700")),
    ):
        export = copied(embedded, tmp_path / style, *GENETIC)
        in_style(style)(export, table)
        made.append(marts_of(export, models, *overrides))
    assert differing(made[0], made[1], marts) == {}
    # What was left out is seen where it is not.
    assert differing(embedded.marts, made[0], marts).keys() >= {"metabolite_levels", "biomarkers"}


def test_replace_coding__gives_the_same_marts(embedded: Embedded, tmp_path: Path) -> None:
    """With one code for the two future dates of coding 819, which have one meaning."""
    marts = [mart for mart in embedded.models.marts if mart != GWAS]
    models = embedded.models.upstream_of(*marts)
    ids, columns = embedded.participants
    one_code = {key: ["1909-09-09" if c == "2037-07-07" else c for c in cells] for key, cells in columns.items()}
    made = []
    for name, cells in (("raw", one_code), ("replace", meanings(one_code))):
        export = copied(embedded, tmp_path / name, *GENETIC)
        rewrite_participants(export, rows_of((ids, cells), "plain", write_list=pipe_list))
        made.append(marts_of(export, models))
    assert differing(made[0], made[1], marts) == {}


@pytest.mark.parametrize("name", SHAPES)
def test_gwas_format__gives_the_same_associations(name: str, embedded: Embedded, tmp_path: Path) -> None:
    """All that a format carries: the columns it lacks are not compared (`lost`), numbers to nine digits.

    Z of a line that analyses read is of P, else the file's own: compared where both read the line, or neither does.
    """
    export, shape = copied(embedded, tmp_path, "hesin*", "gp_*", "olink*"), SHAPES[name]
    write_shape(shape, export / "gwas")
    found = marts_of(export, embedded.models.upstream_of(GWAS))
    with duckdb.connect() as connection:
        connection.execute(f"attach '{embedded.marts}' as one (read_only)")
        connection.execute(f"attach '{found}' as other (read_only)")
        described = connection.execute(f"describe one.marts.{GWAS}").fetchall()
        kept = [(column, kind) for column, kind, *_ in described if column not in shape.lost]
        same = [
            f"coalesce(abs(a.{column} - b.{column}) <= {RELATIVE} * greatest(abs(a.{column}), 1), "
            f"a.{column} is null and b.{column} is null)"
            if kind == "DOUBLE"
            else f"a.{column} is not distinct from b.{column}"
            for column, kind in kept
        ]
        same = [
            f"(a.is_analysed_by_region <> b.is_analysed_by_region or {one})" if column == "z_score" else one
            for one, (column, _) in zip(same, kept, strict=True)
        ]
        row = connection.execute(
            f"""
            select count(*), count(a.trait), count(b.trait), count(*) filter ({" and ".join(same)}),
                (select count(*) from one.marts.{GWAS})
            from one.marts.{GWAS} as a
            full join other.marts.{GWAS} as b on a.trait = b.trait and a.line_number = b.line_number
            """
        ).fetchone()
    assert row is not None
    assert len(set(row)) == 1
    assert row[0] > 0
