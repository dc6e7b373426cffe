"""Which table each file of an export is, told by its header first and its name second."""

import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import IngestError
from warehouse.ingest.detect import Shape, look_at, refuse_duplicate_columns
from warehouse.ingest.faults import Faults, refuse
from warehouse.ingest.files import list_files, refuse_no_file
from warehouse.ingest.gene_locations import GENE_LOCATIONS
from warehouse.ingest.gwas_formats import holds_many_traits, tell_format
from warehouse.ingest.gwas_near_misses import near_miss, refuse_gwas_vcf
from warehouse.ingest.headers import is_eid_name, is_title_header, looks_headerless, read_header
from warehouse.ingest.merged_tables import refuse_records_in_titles, refuse_several_entities
from warehouse.ingest.nmr_tables import VISIT, is_corrected
from warehouse.ingest.olink_tables import HELPERS, LONG_COLUMNS, WIDE, proteins, rap_column
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.record_tables import RECORD_TABLES, UNREAD_ENTITIES, UNREAD_SIGNATURES

NOT_DATA = re.compile(
    r"(^(licen[cs]e|readme|changelog|manifest|md5sum).*|.*\.(md|html?|log|r|py|sh|do|dct|sas|sps|pdf|docx?|json|md5|png|ipynb|ukb))$",
    re.IGNORECASE,
)
GENOTYPES = re.compile(r".*\.(bed|bim|fam|bgen|bgi|sample|pgen|psam|pvar|vcf|vcf\.gz)$", re.IGNORECASE)
ENCRYPTED = re.compile(r".*\.(enc|enc_ukb)$", re.IGNORECASE)
SIDECAR = re.compile(r".*\.(yaml|yml)$", re.IGNORECASE)
LD_SCORE_COUNT = re.compile(r"(?:(?:^|.*[._])(?P<chromosome>\d{1,2})\.l2|.*l2)\.M_5_50$")
LD_SCORE_ALL_COUNT = re.compile(r".*\.l2\.M$")
WITHDRAWALS = re.compile(r"^w(\d+|ithdr).*\.(csv|txt)$", re.IGNORECASE)
PARTICIPANT_ID = re.compile(r"^(-?\d{1,8}|[A-Za-z]{2,10}\d{3,9})(\.0)?$")
LD_SCORE_HEADER = frozenset({"chr", "snp", "bp"})
TRUTH_HEADER = frozenset({"quantity", "arm", "planted_coefficient", "large_sample_value"})
TRAIT_TABLE_NAMES = frozenset({"trait", "file"})
TRAIT_TABLE_FACTS = frozenset({"n_cases", "n_controls", "genome_assembly", "trait_description"})
SHARE_OF_PROTEINS = 0.5

SHOWCASE_CODING = re.compile(r"^(?:data)?coding[-_]?(?P<encoding>\d+)\.(?:tsv|txt|csv)(?:\.gz)?$", re.IGNORECASE)
SHOWCASE_SCHEMAS = tuple(
    frozenset(columns.split())
    for columns in (
        "category_id title", "encoding_id title coded_as", "field_id title item_type", "instance_id num_members",
        "instance_id index title", "parent_id child_id", "table_name parent_name",
    )
)  # fmt: skip
# What --override entity may name a file.
NAMED_ENTITIES = (
    "participant", *RECORD_TABLES, "withdrawals", "olink_wide", "olink_long", *HELPERS, "nmr_corrected", "gwas",
    "ld_scores", "codings", "data_dictionary",
)  # fmt: skip
CODING_FILES = {
    "codings": frozenset({"coding_name", "code", "meaning"}),
    "data_dictionary": frozenset({"entity", "name", "title"}),
    "entity_dictionary": frozenset({"entity", "entity_title"}),
    "showcase_encoding_values": frozenset({"encoding_id", "value", "meaning"}),
    "showcase_fields": frozenset({"field_id", "title", "value_type"}),
    # Codings.csv and Data_Dictionary_Showcase.csv, as the Showcase offers them for download.
    "showcase_codings": frozenset({"coding", "value", "meaning"}),
    "showcase_dictionary": frozenset({"fieldid", "field", "valuetype"}),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the export and the table it is."""

    path: Path
    name: str
    entity: str
    evidence: str
    shape: Shape | None = None
    detail: str = ""


def recognise_folder(folder: Path, overrides: Overrides, faults: Faults) -> list[Found]:
    """Every file of the export with its table; files nobody can tell are faults."""
    found: list[Found] = []
    for path in list_files(folder):
        name = path.relative_to(folder).as_posix()
        if overrides.get("skip", name):
            found.append(Found(path, name, "skipped", "override skip"))
            continue
        try:
            found.append(recognise(path, name=name, overrides=overrides))
        except IngestError as error:
            faults.absorb(error)
    return found


def recognise(path: Path, *, name: str, overrides: Overrides) -> Found:
    """The table a file is.

    Raises IngestError, with the override that settles it, where the header and the name do not tell.
    """
    refuse_no_file(path, name)
    chosen = overrides.get("entity", name)
    if not chosen and (by_name := _by_name(path, name)) is not None:
        return by_name
    shape = look_at(path, name=name, overrides=overrides)
    if shape.delimiter:
        _refuse_headerless(shape)
    if not chosen:
        refuse_several_entities(shape)
    if chosen == "withdrawals":
        return _withdrawn(shape, path, name, evidence="override entity")
    if chosen:
        entity, _, detail = chosen.partition(":")
        if entity not in NAMED_ENTITIES:
            raise refuse(
                f"--override entity:{name}={chosen}",
                f"{entity} is a table ingest knows",
                f"tables: {', '.join(NAMED_ENTITIES)}",
            )
        found: Found | None = Found(path, name, entity, "override entity", shape, detail)
    else:
        found = _by_header(shape, path, name)
    if found is not None:
        if shape.delimiter:
            refuse_duplicate_columns(shape)
        return found
    # The first line may be data: its cells are not shown.
    raise refuse(
        name,
        f"a file of an export is one of the tables ingest knows; its {len(shape.header):,} columns are those of none",
        f"move it away, say --override skip:{name}=yes, or name its table: --override entity:{name}=TABLE",
    )


def _refuse_headerless(shape: Shape) -> None:
    if looks_headerless(shape.header):
        raise refuse(
            shape.name,
            "a table has a header; the first line holds values (header_style NONE)",
            "export it again with header_style FIELD-NAME",
        )


def _by_name(path: Path, name: str) -> Found | None:
    base = path.name
    if NOT_DATA.match(base):
        return Found(path, name, "not_data", "file name")
    if GENOTYPES.match(base):
        refuse_gwas_vcf(path, name)
        return Found(path, name, "genotypes", "file name; ingest lands tables, genotypes stay where they are")
    if ENCRYPTED.match(base):
        raise refuse(
            name, "exports are text; this one is UK Biobank's encrypted form", "run ukbunpack and ukbconv first"
        )
    if SIDECAR.match(base):
        return Found(path, name, "gwas_sidecar", "file name")
    if LD_SCORE_ALL_COUNT.match(base):
        return Found(path, name, "ld_score_all_count", "file name; the study uses M_5_50")
    if GENE_LOCATIONS.match(base):
        return Found(path, name, "gene_locations", "file name *.gene.loc")
    if counted := LD_SCORE_COUNT.match(base):
        return Found(path, name, "ld_score_count", "file name", detail=counted["chromosome"] or "")
    # A list of nobody is an empty file.
    if WITHDRAWALS.match(base) and _is_blank(path):
        return Found(path, name, "withdrawals", "file name; nobody listed")
    return None


def _is_blank(path: Path) -> bool:
    with path.open("rb") as handle:
        return not handle.read(1 << 16).strip()


def _by_header(shape: Shape, path: Path, name: str) -> Found | None:
    if WITHDRAWALS.match(path.name):
        return _withdrawn(shape, path, name, evidence="name w<application> or withdrawals")
    if not shape.delimiter:
        _refuse_list(shape, name)
        return None
    for tell in (_dotted, _record, _corrected_nmr, _olink, _study_file, _ld_scores, _gwas, _participant):
        if (found := tell(shape)) is not None:
            entity, evidence, detail = found
            return Found(path, name, entity, evidence, shape, detail)
    return None


Telling = tuple[str, str, str] | None


def _refuse_list(shape: Shape, name: str) -> None:
    """A list of ids says by its name alone why they are listed: to withdraw, to keep, to leave out."""
    lines = [shape.header[0], *(row[0] for row in shape.rows)]
    n_ids = sum(bool(PARTICIPANT_ID.match(cell.strip())) for cell in lines)
    if n_ids >= len(lines) - 1:
        raise refuse(
            name,
            "a list of ids tells by its name why they are listed; the withdrawn stand in w<application>_<date>.csv",
            f"if these people withdrew, say --override entity:{name}=withdrawals; else --override skip:{name}=yes",
        )


def _withdrawn(shape: Shape, path: Path, name: str, *, evidence: str) -> Found:
    """A list of the withdrawn: ids, one a line, with or without a header and a delimiter behind them.

    Raises IngestError for a file that is called one and has more columns, or other cells than ids.
    """
    lines = [shape.header, *shape.rows]
    if any(cell.strip() for line in lines for cell in line[1:]):
        raise refuse(
            name,
            f"a list of withdrawn participants is one column of ids; this one has {len(shape.header)}",
            "leave the column of ids alone in the file (R: write.table(row.names = FALSE, col.names = FALSE))",
        )
    cells = [line[0] for line in lines]
    ids = sum(bool(PARTICIPANT_ID.match(cell.strip())) for cell in cells)
    if ids == len(cells) or (ids == len(cells) - 1 and is_eid_name(cells[0])):
        detail = "" if ids == len(cells) else "header"
        return Found(path, name, "withdrawals", f"one column of participant ids, by {evidence}", shape, detail)
    raise refuse(
        name,
        "a list of withdrawn participants holds ids and nothing else",
        f"take the other lines out, or leave the file out: --override skip:{name}=yes",
        len(cells) - ids,
    )


def _dotted(shape: Shape) -> Telling:
    named = [cell.lower() for cell in shape.header if cell and not is_eid_name(cell)]
    prefixes = {cell.partition(".")[0] for cell in named if "." in cell}
    if len(prefixes) != 1 or not all("." in cell for cell in named):
        return None
    prefix = prefixes.pop()
    evidence = f"every column begins {prefix}."
    if prefix == "participant":
        return "participant", evidence, ""
    if prefix in RECORD_TABLES:
        return prefix, evidence, ""
    if wide := WIDE.match(prefix):
        return "olink_wide", evidence, wide["instance"]
    if prefix.startswith(UNREAD_ENTITIES):
        return "unread", f"{evidence}; the study does not read {prefix}", prefix
    return None


def _record(shape: Shape) -> Telling:
    cells = {"eid" if is_eid_name(cell) else cell.lower() for cell in shape.header}
    # The longest signature first: hesin_diag and hesin_oper share eid and ins_index.
    for table in sorted(RECORD_TABLES.values(), key=lambda t: -len(t.signature)):
        if table.signature <= cells:
            return table.name, f"columns {', '.join(sorted(table.signature - {'eid'}))}", ""
    for entity, signature in UNREAD_SIGNATURES.items():
        if signature <= cells:
            return "unread", f"columns of {entity}, which the study does not read", entity
    if "eid" in cells and shape.path.name.lower().startswith(UNREAD_ENTITIES):
        return "unread", "file name; the study does not read this table", shape.path.name
    return None


def _olink(shape: Shape) -> Telling:
    cells = ["eid" if is_eid_name(cell) else cell.lower() for cell in shape.header]
    if set(LONG_COLUMNS) <= set(cells):
        return "olink_long", "columns protein_id and result", ""
    stem = shape.path.name.lower().removesuffix(".gz").rpartition(".")[0]
    if stem in HELPERS:
        return stem, "file name", ""
    for helper, columns in HELPERS.items():
        if set(columns) == set(cells):
            return helper, f"columns {', '.join(columns)}", ""
    if {"olinkid", "npx"} <= set(cells):
        raise refuse(
            shape.name,
            "Olink results carry UK Biobank's participant ids; this file is Olink's own, by sample",
            "export the entity olink_instance_0, or the portal's olink_data.txt",
        )
    if "eid" in cells:
        known = sum(rap_column(cell) in proteins() for cell in cells)
        if known and known >= SHARE_OF_PROTEINS * (len(cells) - 1):
            told = WIDE.search(shape.path.name.lower())
            return (
                "olink_wide",
                f"{known:,} of {len(cells) - 1:,} columns are Olink proteins",
                told["instance"] if told else "",
            )
    return None


def _corrected_nmr(shape: Shape) -> Telling:
    cells = {"eid" if is_eid_name(cell) else cell.lower() for cell in shape.header}
    if {"eid", VISIT} <= cells and not is_corrected(shape.header):
        return "unread", "columns eid and visit_index without a biomarker: ukbnmr's tables of samples", "ukbnmr samples"
    return ("nmr_corrected", "columns visit_index and ukbnmr's biomarkers", "") if is_corrected(shape.header) else None


def _study_file(shape: Shape) -> Telling:
    cells = {cell.lower() for cell in shape.header}
    if cells & TRAIT_TABLE_NAMES and cells & TRAIT_TABLE_FACTS and not tell_format(shape.header):
        return "gwas_trait_table", "columns of traits and their sample sizes", ""
    if cells >= TRUTH_HEADER:
        return "truth", "columns quantity and planted_coefficient", ""
    if any(signature <= cells for signature in SHOWCASE_SCHEMAS):
        return "showcase_schema", "columns of a Showcase schema file", ""
    for entity, signature in CODING_FILES.items():
        if signature <= cells:
            return entity, f"columns {', '.join(sorted(signature))}", ""
    named = SHOWCASE_CODING.match(shape.path.name)
    if named and {"coding", "meaning"} <= cells:
        entity = "coding_143" if named["encoding"] == "143" else "showcase_coding"
        return entity, "file name and columns coding, meaning", named["encoding"]
    return None


def _ld_scores(shape: Shape) -> Telling:
    cells = {cell.lower() for cell in shape.header}
    is_score = "l2" in cells or any(cell.endswith("l2") for cell in cells)
    return ("ld_scores", "columns CHR, SNP, BP and L2", "") if cells >= LD_SCORE_HEADER and is_score else None


def _gwas(shape: Shape) -> Telling:
    known = tell_format(shape.header)
    if known is not None:
        return "gwas", f"columns of {known.name}", known.name
    if holds_many_traits(shape.header):
        raise refuse(
            shape.name,
            "a GWAS file holds one trait; this REGENIE file holds several side by side",
            "run REGENIE with --split",
        )
    if (missed := near_miss(shape.header)) is not None:
        raise refuse(shape.name, *missed)
    return None


def _participant(shape: Shape) -> Telling:
    header = read_header(shape.header)
    if header is not None:
        return "participant", f"header style {header.style}, {len(header.columns):,} field columns", header.style
    if is_title_header(shape.header):
        refuse_records_in_titles(shape)
        return "participant", "column Participant ID (FIELD-TITLE)", "title"
    return None


__all__ = ["Found", "recognise", "recognise_folder"]
