"""Two lists of biomarkers as rows of counts: what of both platforms together is the sum of the two."""

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.multiplicity import adjust_p_values
from python_models.frames.biomarkers.overlap_counts import Correlations, count_rows
from python_models.frames.biomarkers.overlap_pairs import BOTH, Row, pair_of

# Exposure paths and outcome paths; of the protein platform two are shared, of the metabolites one.
PROTEINS, METABOLITES = 40, 60
UNCORRELATED = Correlations.of_panels(
    {
        one: ([f"{one}{k}" for k in range(size)], np.eye(size))
        for one, size in (("protein", PROTEINS), ("metabolite", METABOLITES))
    }
)


def listed(rng: np.random.Generator, *, signals: dict[str, list[int]]) -> list[Row]:
    """Rows of one outcome: signals at some places of each platform, nothing anywhere else."""
    rows: list[Row] = []
    for platform, size in (("protein", PROTEINS), ("metabolite", METABOLITES)):
        z = rng.normal(scale=0.5, size=size)
        z[signals[platform]] = 6.0
        p = 2 * stats.norm.sf(np.abs(z))
        for k, q in enumerate(adjust_p_values(p)):
            rows.append({
                "platform": platform, "biomarker": f"{platform}{k}", "flag_reason": None, "effect": float(z[k]),
                "standard_error": 1.0, "p_value": float(p[k]), "q_value": float(q), "outcome_path": float(z[k]),
                "exposure_z": 9.0 if k < 20 else 0.0, "outcome_z": float(z[k]),
            })  # fmt: skip
    return rows


@pytest.fixture
def counted() -> dict[str, Row]:
    rng = np.random.default_rng(1)
    first = listed(rng, signals={"protein": [0, 1, 2, 3], "metabolite": [0, 1]})
    second = listed(rng, signals={"protein": [2, 3, 4], "metabolite": [1, 2]})
    rows = count_rows(pair_of(first, second), {}, UNCORRELATED)
    return {row["platform"]: row for row in rows if row["denominator"] == "either"}


def test_both_platforms_are_the_union_of_what_either_calls(counted: dict[str, Row]) -> None:
    assert (counted["protein"]["n_shared_at_fdr"], counted["metabolite"]["n_shared_at_fdr"]) == (2, 1)
    for name in ("n_shared", "n_shared_at_fdr", "n_first", "n_second", "n_background", "expected"):
        assert counted[BOTH][name] == pytest.approx(counted["protein"][name] + counted["metabolite"][name])


def test_the_union_holds_what_one_family_of_both_platforms_would_not() -> None:
    rng = np.random.default_rng(2)
    rows = [listed(rng, signals={"protein": [0], "metabolite": []}) for _ in range(2)]
    for of_outcome in rows:
        # 0.05 / 40 calls it among the proteins; 0.05 / 100 would not among all.
        of_outcome[0] |= {"p_value": 0.001, "q_value": 0.04}
    found = {row["platform"]: row["n_shared_at_fdr"] for row in count_rows(pair_of(*rows), {}, UNCORRELATED)}
    assert found == {"protein": 1, "metabolite": 0, BOTH: 1}


def test_chance_of_a_platform_can_be_computed_from_its_row(counted: dict[str, Row]) -> None:
    for platform in ("protein", "metabolite"):
        row = counted[platform]
        lists = row["n_background"], row["n_first_in_background"], row["n_second_in_background"]
        assert row["hypergeometric_p"] == pytest.approx(stats.hypergeom.sf(row["n_shared"] - 1, *lists), rel=1e-12)
    of_platform = [
        stats.hypergeom(*(counted[one][f"{name}_background"] for name in ("n", "n_first_in", "n_second_in")))
        for one in ("protein", "metabolite")
    ]
    among = sum(of_platform[0].pmf(j) * of_platform[1].sf(counted[BOTH]["n_shared"] - j - 1) for j in range(5))
    assert counted[BOTH]["hypergeometric_p"] == pytest.approx(among, rel=1e-9)


def test_of_one_exposure_the_lists_beyond_the_background_do_not_enter_chance() -> None:
    rng = np.random.default_rng(3)
    first = listed(rng, signals={"protein": [0, 1, 2, 30], "metabolite": [0]})
    second = listed(rng, signals={"protein": [1, 2, 3], "metabolite": [1]})
    row = next(row for row in count_rows(pair_of(first, second, of_one_exposure=True), {}, UNCORRELATED))
    assert (row["n_first"], row["n_first_in_background"], row["n_background"]) == (4, 3, 20)
    again = stats.hypergeom.sf(row["n_shared"] - 1, 20, 3, row["n_second_in_background"])
    assert row["hypergeometric_p"] == pytest.approx(again, rel=1e-12)
