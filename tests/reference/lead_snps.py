"""Two-sample Mendelian randomisation on real lead SNPs: from the file through ingest and SQL to rows of results.

    python -m tests.reference.lead_snps      # writes docs/lead_snps.md

`../shared/data/genetics/lead_snps_bone_muscle.tsv` holds lead SNPs of heel BMD, grip, fat-free mass and others as the
two-sample MR packages hand them out (UK Biobank and GEFOS; MRInstruments, CC0). Left and right of one body are one
trait: the effect of the one on the other is 1, which no tuning can give. Positions come from the real LD scores, by rs
number.
"""

import csv
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows
from tests.rendered_models import build, load_seeds
from warehouse.ingest.detect import look_at
from warehouse.ingest.gwas import TRAIT_COLUMNS, AssociationReader, land_file
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.ld_scores import COUNT_COLUMNS, SCORE_COLUMNS, land_scores
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.rejects import Rejects

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data/genetics"
LEADS = SHARED / "lead_snps_bone_muscle.tsv"
SCORES = SHARED / "eur_w_ld_chr"
# The two sides of one body, and a GEFOS trait whose file has no sample size.
TRAITS = {
    "UKB-a:276": "leg_right",
    "UKB-a:280": "leg_left",
    "UKB-a:284": "arm_right",
    "UKB-a:288": "arm_left",
    "977": "forearm",
}
MODELS = ("stg_gwas__associations", "stg_gwas__traits", "stg_ldsc__ld_scores", "int_gwas_associations__screened",
          "int_gwas_associations__kept", "int_gwas_lines__dropped",
          "int_gwas_associations__repeated", "int_gwas_traits__limited", "int_gwas_associations__judged",
          "int_gwas_associations__regional", "int_gwas_associations__munged",
          "gwas_builds", "int_gwas_variants__located", "gwas_qc")  # fmt: skip


def land(folder: Path) -> None:
    """One file per trait, as a study would hold it, through the reader that tells its format."""
    lines: dict[str, list[dict[str, str]]] = defaultdict(list)
    with LEADS.open(newline="") as source:
        for row in csv.DictReader(source, delimiter="\t"):
            lines[row["id.exposure"]].append(row)
    (folder / "gwas").mkdir()
    for exposure, name in TRAITS.items():
        raw = folder / f"{name}.tsv"
        with raw.open("w", newline="") as out:
            writer = csv.DictWriter(out, fieldnames=list(lines[exposure][0]), delimiter="\t")
            writer.writeheader()
            writer.writerows(lines[exposure])
        reader = AssociationReader(look_at(raw, name=raw.name, overrides=Overrides()), name)
        assert reader.format.name == "two_sample_mr"
        land_file(reader, folder / "gwas" / f"{name}.parquet", rejects=Rejects())
    with TableWriter(folder / "ld_scores.parquet", SCORE_COLUMNS) as landed:
        for path in sorted(SCORES.glob("*.l2.ldscore.gz")):
            land_scores(look_at(path, name=path.name, overrides=Overrides()), writer=landed, rejects=Rejects())
    for name, columns in (("gwas_traits", TRAIT_COLUMNS), ("ld_score_counts", COUNT_COLUMNS)):
        empty = pa.table({column: pa.array([], pa.string()) for column in columns})
        pq.write_table(empty, folder / f"{name}.parquet")


def build_study(folder: Path) -> duckdb.DuckDBPyConnection:
    """The munged lead SNPs, ready for the rows of results."""
    land(folder)
    connection = duckdb.connect()
    connection.execute("create schema results")
    load_seeds(connection, "gwas_rules", "gwas_trait_codings", "gwas_trait_pairs")
    parquet = "read_parquet('{}', union_by_name = true, file_row_number = true)"
    sources = {
        name: parquet.format(folder / f"{name}.parquet") for name in ("ld_scores", "ld_score_counts", "gwas_traits")
    }
    build(connection, MODELS, sources={**sources, "associations": parquet.format(folder / "gwas/*.parquet")})
    # Lead SNPs alone say nothing of the overlap of the studies: all participants are taken to be shared.
    connection.execute(
        "create table results.gwas_overlap_matrix as select first.trait as trait_1, second.trait as trait_2, "
        "cast(null as double) as intercept, cast(null as double) as intercept_standard_error, "
        "cast(null as double) as z_correlation "
        "from quality.gwas_builds as first cross join quality.gwas_builds as second"
    )
    return connection


HEAD = """# Real lead SNPs through the same models

Written by `python -m tests.reference.lead_snps` from lead SNPs of UK Biobank traits as the package MRInstruments (CC0)
hands them out. Left and right of one body are one trait, so that the effect of one side's fat-free mass on the other's
is 1, which no tuning can give; arms and legs share most of their genes. Effects are SD per SD. Only SNPs that are leads
of both traits can be used, and the samples are the same people: every row says so in its `note`. Q: heterogeneity of
the instruments. Direction is Steiger's.

"""
SMALLEST_P = 1e-300
PAGE = Path(__file__).resolve().parents[2] / "docs/lead_snps.md"
SHOWN = (
    "exposure",
    "outcome",
    "method",
    "n_instruments",
    "estimate",
    "interval",
    "P",
    "Q (P)",
    "leave one out",
    "direction",
)


def page(rows: list[dict[str, Any]]) -> str:
    """The page in Markdown: one line per method."""
    lines = [f"| {' | '.join(SHOWN)} |", "|---" * len(SHOWN) + "|"]
    for row in rows:
        if row["refusal"] is not None:
            continue
        left_out, q = row["leave_one_out_lowest"], row["heterogeneity_q"]
        cells = (
            row["exposure"], row["outcome"], row["method"], row["n_instruments"], f"{row['estimate']:.3f}",
            f"{row['estimate_lower']:.3f} to {row['estimate_upper']:.3f}", _p(row["p_value"]),
            "" if q is None else f"{q:.1f} ({row['heterogeneity_p_value']:.2g})",
            "" if left_out is None else f"{left_out:.3f} to {row['leave_one_out_highest']:.3f}",
            row["steiger_refusal"] or ("exposure first" if row["is_exposure_first"] else "outcome first")
            + f", P {_p(row['steiger_p_value'])}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return HEAD + "\n".join(lines) + "\n"


def _p(value: float) -> str:
    return f"{value:.2g}" if value > SMALLEST_P else "below 1e-300"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        rows = mendelian_randomisation_rows(build_study(Path(scratch))).to_pylist()
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
