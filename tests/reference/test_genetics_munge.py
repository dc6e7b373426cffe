"""munge_sumstats.py of bulik/ldsc aa33296: its rows, Z and N, and its drops rule by rule, by our ingest and our SQL.

`../shared/reference/genetics/munge` holds raw files, arguments, and what munge_sumstats.py keeps, drops and refuses.
"""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rendered_models import build, load_seeds
from warehouse.ingest.detect import look_at
from warehouse.ingest.gwas import AssociationReader, land_file
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.rejects import Rejects

# P below 2.2e-308 has lost digits of a double, and chi2.isf some more: true Z 38.4854, munge_sumstats.py 38.482.
SUBNORMAL_Z, SUBNORMAL = 37.5, 4e-3
PRINTED = 5.001e-4  # munge_sumstats.py prints Z and N with three decimals
MODELS = ("stg_gwas__associations", "stg_gwas__traits", "int_gwas_associations__screened",
          "int_gwas_associations__kept", "int_gwas_lines__dropped",
          "int_gwas_associations__repeated", "int_gwas_traits__limited", "int_gwas_associations__judged",
          "int_gwas_associations__regional", "int_gwas_associations__munged", "gwas_qc")  # fmt: skip
# Our rule for each line of its log; two of ours make up one of its.
RULES = {
    "missing values": ("missing_value",),
    "INFO": ("info_too_low",),
    "MAF": ("frequency_too_low",),
    "out-of-bounds p-values": ("p_out_of_range",),
    "not SNPs or were strand-ambiguous": ("not_two_letters", "strand_ambiguous"),
    "duplicated rs numbers": ("duplicate_rsid",),
    "with N <": ("sample_size_too_low",),
}
OPTION_OF_FLAG = {"--info-min": "gwas_info_min", "--maf-min": "gwas_maf_min", "--n-min": "gwas_n_min"}

FOLDER = Path(__file__).resolve().parents[2].parent / "shared/reference/genetics/munge"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/reference/genetics/munge")
CASES: list[dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())["cases"] if FOLDER.is_dir() else []
KEPT = [pytest.param(case, id=case["name"]) for case in CASES if "error" not in case]
BY_NAME = {case["name"]: case for case in CASES}


def munged(case: dict[str, Any], folder: Path) -> duckdb.DuckDBPyConnection:
    """The case's file through ingest and the munge models."""
    flags = dict(re.findall(r"(--[\w-]+) (\S+)", case["args"]))
    path = FOLDER / flags["--sumstats"]
    shape = look_at(path, name=path.name, overrides=Overrides())
    landed = folder / "t.parquet"
    land_file(AssociationReader(shape, "t"), landed, rejects=Rejects())
    traits = pa.table({"trait": ["t"], "source_format": ["x"], "genome_assembly": [None], "n": [flags.get("--N")],
                       "n_cases": [None], "n_controls": [None], "trait_description": [None]})  # fmt: skip
    pq.write_table(
        traits.cast(pa.schema([(name, pa.string()) for name in traits.column_names])), folder / "traits.parquet"
    )
    lines = f"select * from read_parquet('{landed}', file_row_number = true)"
    if "--merge-alleles" in flags:  # the list filters lines before any rule
        kept = f"read_csv('{FOLDER / flags['--merge-alleles']}', delim = '\t', header = true)"
        lines += f" where coalesce(rsid, '') in (select SNP from {kept})"
    if case["name"] == "gwas_ssf":  # munge_sumstats.py does not know effect_allele_frequency, and filters nothing by it
        lines = lines.replace("*", "* replace (cast(null as varchar) as effect_allele_frequency)", 1)
    connection = duckdb.connect()
    load_seeds(connection, "gwas_rules", "gwas_trait_codings")
    options = {OPTION_OF_FLAG[flag]: value for flag, value in flags.items() if flag in OPTION_OF_FLAG}
    sources = {"associations": f"({lines})", "gwas_traits": f"read_parquet('{folder / 'traits.parquet'}')"}
    build(connection, MODELS, sources=sources, options=options)
    return connection


def drops(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(connection.execute("select rule, n_dropped from quality.gwas_qc").fetchall())


@pytest.mark.parametrize("case", KEPT)
def test_munge__rows_z_and_n_equal_ldsc(case: dict[str, Any], tmp_path: Path) -> None:
    theirs = np.genfromtxt(FOLDER / case["expected"], names=True, dtype=None, encoding="utf-8", delimiter="\t")
    theirs = theirs[np.isfinite(theirs["Z"].astype(np.float64))]
    ours = munged(case, tmp_path).execute(
        "select rsid, effect_allele, other_allele, z_score, n from intermediate.int_gwas_associations__munged"
    )
    rows = {row[0]: row[1:] for row in ours.fetchall()}
    assert set(rows) == set(theirs["SNP"])
    for line in theirs:
        effect, other, z, n = rows[line["SNP"]]
        assert (effect, other) == (line["A1"], line["A2"])
        assert abs(z - line["Z"]) < (PRINTED if abs(z) < SUBNORMAL_Z else SUBNORMAL)
        assert abs(n - line["N"]) < PRINTED


@pytest.mark.parametrize("case", KEPT)
def test_munge__every_rule_drops_as_many_lines_as_ldsc(case: dict[str, Any], tmp_path: Path) -> None:
    ours = drops(munged(case, tmp_path))
    if case["name"] == "gwas_ssf":
        # It exempts a column called INFO, not info, from its search for missing values: one line changes its reason.
        ours["missing_value"], ours["info_too_low"] = ours["missing_value"] + 1, ours["info_too_low"] - 1
    for said, rules in RULES.items():
        for line in case["log"]:
            if said == "missing values" and "--merge-alleles" in case["args"]:
                continue  # its count is of the whole file, before the list
            counted = re.match(rf"Removed (\d+) (?:SNPs|variants).*{re.escape(said)}", line)
            if counted:
                assert sum(ours[rule] for rule in rules) == int(counted.group(1)), line


def test_munge__no_n_drops_and_counts_every_line_where_ldsc_stops(tmp_path: Path) -> None:
    connection = munged(BY_NAME["z_noN_error"], tmp_path)
    ((n_lines,),) = connection.execute("select n_in from quality.gwas_qc where position = 1").fetchall()
    assert drops(connection)["missing_value"] == n_lines > 0


def test_munge__an_effect_column_off_its_null_drops_the_trait_where_ldsc_stops(tmp_path: Path) -> None:
    """An odds ratio of median 0 is none; those not above 0 have no logarithm."""
    connection = munged(BY_NAME["bad_median_error"], tmp_path)
    ours = drops(connection)
    ((n_kept,),) = connection.execute("select min(n_out) from quality.gwas_qc").fetchall()
    assert n_kept == 0
    assert ours["effects_off_null"] > 0


def test_munge__text_among_p_values_drops_its_lines_where_ldsc_stops(tmp_path: Path) -> None:
    basic, text = (munged(BY_NAME[name], tmp_path) for name in ("basic", "text_p_error"))
    assert drops(text)["missing_value"] > drops(basic)["missing_value"]
