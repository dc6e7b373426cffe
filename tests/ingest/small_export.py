"""A small, made-up export: one set of answers, written in whichever shape a test asks for."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

N = 24
IDS = [f"SYN{k:06d}" for k in range(1, N + 1)]

# (field, instance, array) -> value by participant number; lists stand for multi-select answers.
Answers = dict[tuple[int, int, int | None], list[Any]]


def _days(year: int) -> list[str]:
    return [f"{year}-{1 + k % 12:02d}-{1 + (k * 5) % 28:02d}" for k in range(N)]


def answers() -> Answers:
    """Codes of every kind: categorical, number, date, multi-select, aligned arrays, one-based arrays, special codes."""
    illnesses = [[[], ["1309"], ["1464", "1309"], ["1065"]][k % 4] for k in range(N)]
    years = [["1999.5", "-1", "2001"][: len(codes)] for codes in illnesses]
    icd10 = [[[], ["M810", "I10"], ["M625"], ["E119", "I251", "M8080"]][k % 4] for k in range(N)]
    dates = [[_days(2012)[k], None, "2015-06-30"][: len(codes)] for k, codes in enumerate(icd10)]
    cells: Answers = {
        (31, 0, None): [str(k % 2) for k in range(N)],
        (34, 0, None): [str(1940 + k) for k in range(N)],
        (52, 0, None): [str(1 + k % 12) for k in range(N)],
        (21022, 0, None): [str(45 + k % 25) for k in range(N)],
        (53, 0, None): _days(2008),
        (53, 1, None): [day if k % 3 == 0 else None for k, day in enumerate(_days(2013))],
        (54, 0, None): [["11004", "11010", "11023"][k % 3] for k in range(N)],
        (46, 0, None): [str(10 + k) for k in range(N)],
        (46, 1, None): [str(9 + k) if k % 3 == 0 else None for k in range(N)],
        (38, 0, None): ["7336" if k % 5 else None for k in range(N)],
        (924, 0, None): [["1", "2", "3", "-7", "-3"][k % 5] for k in range(N)],
        (1309, 0, None): [["2", "-10", "-1", "4"][k % 4] for k in range(N)],
        (22189, 0, None): [f"{-3 + k / 4:.2f}" for k in range(N)],
        (131964, 0, None): [[None, "2014-02-03", "1902-02-02", None][k % 4] for k in range(N)],
        (6138, 0, None): [[["1", "2"], ["-7"], [], ["3", "6"]][k % 4] for k in range(N)],
        (20002, 0, None): illnesses,
        (41270, 0, None): icd10,
        (23400, 0, None): [f"{4 + k / 10:.1f}" if k % 2 else None for k in range(N)],
        (23658, 0, None): ["2019-12-09T16:06:28" if k % 2 else None for k in range(N)],
        (40002, 0, 1): ["I10" if k % 6 == 0 else None for k in range(N)],
        (40002, 0, 3): ["M819" if k % 12 == 0 else None for k in range(N)],
    }
    for index in range(3):
        cells[20008, 0, index] = [row[index] if index < len(row) else None for row in years]
        cells[41280, 0, index] = [row[index] if index < len(row) else None for row in dates]
    for index in range(2):
        cells[4080, 0, index] = [str(120 + k + index) for k in range(N)]
    for index in range(1, 4):
        cells[22009, 0, index] = [f"{index + k / 100:.2f}" if k else None for k in range(N)]
    return cells


INSTANCED = {23650, 53, 54, 46, 38, 924, 1309, 6138, 20002, 20008, 4080, 23400, 23658, 40002}
SHOWCASE_TITLES = {
    31: "Sex",
    34: "Year of birth",
    21022: "Age at recruitment",
    52: "Month of birth",
    53: "Date of attending assessment centre",
    54: "UK Biobank assessment centre",
    46: "Hand grip strength (left)",
    38: "Hand grip dynamometer device ID",
    924: "Usual walking pace",
    1309: "Fresh fruit intake",
    22189: "Townsend deprivation index at recruitment",
    131964: "Date M81 first reported (osteoporosis without pathological fracture)",
    6138: "Qualifications",
    20002: "Non-cancer illness code, self-reported",
    20008: "Interpolated Year when non-cancer illness first diagnosed",
    41270: "Diagnoses - ICD10",
    41280: "Date of first in-patient diagnosis - ICD10",
    23400: "Total Cholesterol",
    23658: "Sample Measured Date and Time",
    40002: "Contributory (secondary) causes of death: ICD10",
    4080: "Systolic blood pressure, automated reading",
    22009: "Genetic principal components",
}

Name = Callable[[int, int, int | None], str]


def plain(field: int, instance: int, array: int | None) -> str:
    name = f"p{field}_i{instance}" if field in INSTANCED else f"p{field}"
    return name if array is None else f"{name}_a{array}"


def titled(field: int, instance: int, array: int | None) -> str:
    name = SHOWCASE_TITLES[field]
    name += f" | Instance {instance}" if field in INSTANCED else ""
    return name if array is None else f"{name} | Array {array}"


def legacy(pattern: str) -> Name:
    return lambda field, instance, array: pattern.format(f=field, i=instance, a=array or 0)


def _spread(cells: Answers) -> Answers:
    """Multi-select answers as the legacy converter writes them: one column per array index."""
    spread: Answers = {}
    for (field, instance, array), column in cells.items():
        if not any(isinstance(value, list) for value in column):
            spread[field, instance, array] = column
            continue
        for index in range(max(len(value) for value in column)):
            spread[field, instance, index] = [value[index] if index < len(value) else None for value in column]
    return spread


STYLES: dict[str, tuple[str, Name, bool]] = {
    "dotted": ("participant.eid", lambda f, i, a: f"participant.{plain(f, i, a)}", False),
    "plain": ("eid", plain, False),
    "title": ("Participant ID", titled, False),
    "ukb": ("eid", legacy("{f}-{i}.{a}"), True),
    "tab": ("f.eid", legacy("f.{f}.{i}.{a}"), True),
    "r": ("eid", legacy("X{f}.{i}.{a}"), True),
    "stata": ("n_eid", lambda f, i, a: f"{'ts' if f in (53, 41280) else 'n'}_{f}_{i}_{a or 0}", True),
    "phesant": ("userId", legacy("x{f}_{i}_{a}"), True),
    "ukbtools": ("eid", legacy("some_title_f{f}_{i}_{a}"), True),
}


def json_list(items: list[str]) -> str:
    return json.dumps(items, separators=(",", ":")) if items else ""


def python_list(items: list[str]) -> str:
    return repr(items) if items else ""


def pipe_list(items: list[str]) -> str:
    return "|".join(items)


def participant_rows(
    style: str, *, cells: Answers | None = None, write_list: Callable[[list[str]], str] = json_list
) -> list[list[str]]:
    """Header and rows of the participant table in one header style."""
    eid, name, is_spread = STYLES[style]
    columns = _spread(cells or answers()) if is_spread else (cells or answers())
    header = [eid, *(name(*key) for key in columns)]
    rows = [header]
    for k, identifier in enumerate(IDS):
        row = [identifier]
        for column in columns.values():
            value = column[k]
            row.append(write_list(value) if isinstance(value, list) else "" if value is None else str(value))
        rows.append(row)
    return rows


def write_rows(path: Path, rows: Sequence[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """A delimited file, gzip where the name ends in .gz."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return write_text(path, text.getvalue(), encoding=encoding)


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


RECORDS: dict[str, tuple[list[str], list[list[str]]]] = {
    "hesin": (
        ["eid", "ins_index", "dsource", "source", "epistart", "epiend", "epistat", "admidate", "disdate", "elecdate"],
        [
            [IDS[k], str(k), "HES", "3", f"2011-03-{k + 1:02d}", "2011-04-30", "3", "2011-03-01", "", ""]
            for k in range(20)
        ],
    ),
    "hesin_diag": (
        ["eid", "ins_index", "arr_index", "level", "diag_icd9", "diag_icd9_nb", "diag_icd10", "diag_icd10_nb"],
        [
            [IDS[k], str(k), "0", "1", "0010" if k % 7 == 0 else "", "", "M810" if k % 2 else "M625", ""]
            for k in range(20)
        ],
    ),
    "hesin_oper": (
        ["eid", "ins_index", "arr_index", "level", "opdate", "oper3", "oper4"],
        [[IDS[2], "2", "0", "1", "2011-03-17", "", "W371"], [IDS[3], "3", "0", "1", "2011-03-25", "", "W378"]],
    ),
    "death": (
        ["eid", "ins_index", "dsource", "source", "date_of_death"],
        [[IDS[5], "0", "E/W", "2", "2019-01-31"], [IDS[5], "1", "E/W", "2", "2019-01-31"]],
    ),
    "death_cause": (
        ["eid", "ins_index", "arr_index", "level", "cause_icd10"],
        [[IDS[5], "0", "0", "1", "I219"], [IDS[5], "1", "0", "1", "I219"]],
    ),
    "gp_clinical": (
        ["eid", "data_provider", "event_dt", "read_2", "read_3", "value1", "value2", "value3"],
        [
            [IDS[1], "1", "2010-05-20", "N330.", "", "", "", ""],
            [IDS[4], "3", "1902-02-02", "", "X70Aw", "12.5", "", ""],
        ],
    ),
    "gp_registrations": (
        ["eid", "data_provider", "reg_date", "deduct_date"],
        [[IDS[1], "1", "1999-12-31", ""], [IDS[4], "3", "2001-02-14", "2016-05-25"]],
    ),
    "gp_scripts": (
        ["eid", "data_provider", "issue_date", "read_2", "bnf_code", "dmd_code", "drug_name", "quantity"],
        [[IDS[1], "1", "2010-06-15", "", "06.06.02.00.00", "", "Alendronic acid 70mg tablets", "4 tablet(s)"]],
    ),
}


def write_records(folder: Path, *, dotted: bool = True, suffix: str = ".csv", delimiter: str = ",") -> None:
    for name, (header, rows) in RECORDS.items():
        cells = [f"{name}.{cell}" for cell in header] if dotted else header
        write_rows(folder / f"{name}{suffix}", [cells, *rows], delimiter=delimiter)


def write_export(folder: Path, style: str = "dotted", **options: Any) -> Path:
    """A complete small export: participants, records, withdrawals, Olink, GWAS, LD scores."""
    write_rows(
        folder / "participant.csv", participant_rows(style, **options), delimiter="\t" if style == "tab" else ","
    )
    write_records(folder)
    write_text(folder / "w00000_20260101.csv", f"{IDS[-1]}\n")
    write_olink_wide(folder)
    write_gwas(folder)
    write_ld_scores(folder)
    return folder


def _protein_ids(*names: str) -> dict[str, str]:
    with Path("warehouse/seeds/olink_assays.csv").open(encoding="utf-8") as seed:
        ids = {row["protein"]: row["protein_id"] for row in csv.DictReader(seed)}
    return {name: ids[name] for name in names}


PROTEINS = _protein_ids("a1bg", "hla_dra", "ervv_1")


def olink_values() -> list[tuple[str, str, str, str]]:
    """(eid, ins_index, protein, result) of what was measured."""
    return [
        (IDS[k], "0", protein, f"{k / 10 - 0.5:.4f}")
        for j, protein in enumerate(PROTEINS)
        for k in range(10)
        if (k + j) % 4
    ]


def write_olink_wide(folder: Path) -> None:
    values = {(eid, protein): result for eid, _, protein, result in olink_values()}
    header = ["olink_instance_0.eid", *(f"olink_instance_0.{protein}" for protein in PROTEINS)]
    rows = [[eid, *(values.get((eid, protein), "") for protein in PROTEINS)] for eid in IDS[:10]]
    write_rows(folder / "olink_instance_0.csv", [header, *rows])
    helpers = folder / "helper_files"
    write_rows(
        helpers / "olink_assay.dat",
        [["Assay", "UniProt", "Panel"], ["A1BG", "P04217", "Inflammation_II"]],
        delimiter="\t",
    )
    write_rows(helpers / "olink_batch_number.dat", [["PlateID", "Batch"], ["090000000001", "1"]], delimiter="\t")
    write_rows(
        helpers / "olink_limit_of_detection.dat",
        [["PlateID", "Instance", "Assay", "LOD"], ["090000000001", "0", "A1BG", "-1.2"]],
        delimiter="\t",
    )


def write_gwas(folder: Path) -> None:
    lines = ["CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA"]
    chromosomes = {1: "1", 2: "2", 22: "22", 23: "X"}
    lines += [f"{c} {k}00 rs{c} A G 0.25 0.99 5000 ADD 0.01{k} 0.005 4 1.34 NA" for k, c in chromosomes.items()]
    write_text(folder / "gwas" / "osteoporosis.regenie.gz", "\n".join(lines) + "\n")
    header = "chromosome base_pair_location effect_allele other_allele beta standard_error"
    rows = [
        [*header.split(), "effect_allele_frequency", "p_value", "rsid", "n"],
        ["1", "100", "G", "A", "0.02", "0.01", "0.25", "0.045", "rs1", "4000"],
    ]
    write_rows(folder / "gwas" / "sarcopenia.tsv.gz", rows, delimiter="\t")
    write_text(
        folder / "gwas" / "sarcopenia.tsv-meta.yaml",
        "genome_assembly: GRCh37\ntrait_description:\n  - sarcopenia\nsamples:\n"
        "  - sample_size: 4000\n    case_count: 700\n    control_count: 3300\n",
    )


def write_ld_scores(folder: Path) -> None:
    for chromosome in ("1", "22"):
        rows = [["CHR", "SNP", "BP", "CM", "MAF", "L2"], [chromosome, f"rs{chromosome}", "100", "0.1", "0.2", "1.5"]]
        write_rows(folder / "ld_scores" / f"{chromosome}.l2.ldscore.gz", rows, delimiter="\t")
        write_text(folder / "ld_scores" / f"{chromosome}.l2.M_5_50", "16885\n")


def read(landing: Path, table: str) -> list[dict[str, Any]]:
    return pq.read_table(landing / f"{table}.parquet").to_pylist()


def by_eid(landing: Path, column: str) -> Mapping[str, str | None]:
    table = pq.read_table(landing / "participant.parquet", columns=["eid", column]).to_pylist()
    return {row["eid"]: row[column] for row in table}
