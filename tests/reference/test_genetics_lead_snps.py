"""Two-sample Mendelian randomisation on real lead SNPs, end to end: file, ingest, SQL, rows of results.

`../shared/data/genetics/lead_snps_bone_muscle.tsv` holds lead SNPs of heel BMD, grip, fat-free mass and others as the
two-sample MR packages hand them out (UK Biobank and GEFOS). Left and right of one body are one trait: the effect of the
one on the other is 1, which no tuning can give. Positions come from the real LD scores, by rs number.
"""

import csv
from collections import defaultdict
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
pytestmark = pytest.mark.skipif(
    not (LEADS.is_file() and SCORES.is_dir()),
    reason="needs ../shared/data/genetics/lead_snps_bone_muscle.tsv and LD scores",
)
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
# Lead SNPs of the one side are partly chosen for their effect there: the other side's is a little smaller.
SAME_TRAIT = 0.12


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


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("leads")
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


@pytest.mark.parametrize(
    ("exposure", "outcome"), [("leg_left", "leg_right"), ("leg_right", "leg_left"), ("arm_left", "arm_right")]
)
def test_lead_snps__one_side_of_the_body_moves_the_other_by_as_much(
    study: duckdb.DuckDBPyConnection, exposure: str, outcome: str
) -> None:
    rows = {
        row["method"]: row
        for row in mendelian_randomisation_rows(study).to_pylist()
        if (row["exposure"], row["outcome"]) == (exposure, outcome)
    }
    assert set(rows) == {"ivw", "egger", "weighted_median"}
    for method in ("ivw", "weighted_median"):
        assert rows[method]["estimate"] == pytest.approx(1.0, abs=SAME_TRAIT)
    ivw = rows["ivw"]
    assert ivw["n_instruments"] >= 20
    assert ivw["leave_one_out_lowest"] <= ivw["estimate"] <= ivw["leave_one_out_highest"]
    assert ivw["heterogeneity_p_value"] is not None
    assert ivw["mean_f"] > 10
    assert ivw["assumed_overlap_share"] == 1.0
    assert ivw["note"]  # shared participants are warned of
    assert abs(rows["egger"]["egger_intercept"]) < 3 * rows["egger"]["egger_intercept_standard_error"]


def test_lead_snps__a_file_without_sample_sizes_loses_every_line_to_one_rule(study: duckdb.DuckDBPyConnection) -> None:
    ((n_in, n_dropped),) = study.execute(
        "select n_in, n_dropped from quality.gwas_qc where trait = 'forearm' and rule = 'missing_value'"
    ).fetchall()
    assert n_in == n_dropped > 0
