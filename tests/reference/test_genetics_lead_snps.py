"""Two-sample Mendelian randomisation on real lead SNPs, end to end: file, ingest, SQL, rows of results."""

import duckdb
import pytest

from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows
from tests.reference.lead_snps import LEADS, PAGE, SCORES, build_study, page

pytestmark = pytest.mark.skipif(
    not (LEADS.is_file() and SCORES.is_dir()),
    reason="needs ../shared/data/genetics/lead_snps_bone_muscle.tsv and LD scores",
)
# Lead SNPs of the one side are partly chosen for their effect there: the other side's is a little smaller.
SAME_TRAIT = 0.12


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return build_study(tmp_path_factory.mktemp("leads"))


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
    assert ivw["steiger_refusal"] is None  # quantitative: the files' 0 cases make no disease of them
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


def test_lead_snps__the_page_shows_what_the_models_find(study: duckdb.DuckDBPyConnection) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(mendelian_randomisation_rows(study).to_pylist())
