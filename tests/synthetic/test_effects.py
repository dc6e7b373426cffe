"""The null study: the same cohort in which nothing that is asked about has an effect."""

from pathlib import Path

import numpy as np
import pytest

from tests.synthetic.small_cohort import SMALL, open_tables, write_small
from warehouse.synthetic import export, gwas, mediators
from warehouse.synthetic import parameters as p
from warehouse.synthetic.effects import CONFOUNDERS, EFFECTS, on_hazard, planted
from warehouse.synthetic.options import Options

BIG = Options(participants=25_000, seed=3, proteins=0, snps=0)
NULL = Options(participants=25_000, seed=3, proteins=0, snps=0, effects="none")


@pytest.fixture(scope="module")
def blocks() -> dict[str, export.Block]:
    return {"full": export.draw_block(BIG, 0), "none": export.draw_block(NULL, 0)}


def slope(exposure: np.ndarray, day: np.ndarray, block: export.Block) -> tuple[float, float]:
    """Slope and error of having a first record on an exposure, given age and sex."""
    followed = (day > block.people.visit_day) & (day < block.people.visit_day + 13 * 365)
    x = np.column_stack([exposure, block.covariates["age"], block.covariates["female"], np.ones(block.n)])
    beta, residual, _, _ = np.linalg.lstsq(x, followed.astype(float), rcond=None)
    variance = residual[0] / (block.n - 4) * np.linalg.inv(x.T @ x)[0, 0]
    return float(beta[0]), float(np.sqrt(variance))


@pytest.mark.parametrize("name", ["grip", "lean_mass"])
def test_none__exposures_do_nothing_and_full_ones_do(blocks: dict[str, export.Block], name: str) -> None:
    full, none = (
        slope(blocks[effects].exposures.scores()[name], blocks[effects].outcomes.osteoporosis_day, blocks[effects])
        for effects in EFFECTS
    )
    assert full[0] < -5 * full[1]
    assert abs(none[0]) < 4 * none[1]


def test_none__keeps_people_exposures_and_rates(blocks: dict[str, export.Block]) -> None:
    full, none = blocks["full"], blocks["none"]
    assert np.array_equal(full.people.age_years, none.people.age_years)
    assert np.array_equal(full.exposures.grip_kg, none.exposures.grip_kg)
    for outcome in ("osteoporosis_hospital_day", "sarcopenia_hospital_day", "death_record_day"):
        end = p.day("2022-10-31")
        shares = [float((getattr(block.outcomes, outcome) < end).mean()) for block in (full, none)]
        assert shares[1] == pytest.approx(shares[0], rel=0.12), outcome


def test_none__leaves_what_every_adjusted_model_holds() -> None:
    assert set(on_hazard("none", p.OSTEOPOROSIS.effects)) == set(CONFOUNDERS)
    assert on_hazard("full", p.OSTEOPOROSIS.effects) == p.OSTEOPOROSIS.effects
    assert {(one.a, one.b_osteoporosis, one.b_sarcopenia) for one in planted("none")} == {(0.0, 0.0, 0.0)}
    assert [one.name for one in planted("none")] == [one.name for one in mediators.PLANTED]


def test_none__traits_share_no_variant_and_keep_their_heritability() -> None:
    full, none = gwas.genetic_covariance(), gwas.genetic_covariance("none")
    assert np.diag(none) == pytest.approx(np.diag(full))
    assert np.count_nonzero(none - np.diag(np.diag(none))) == 0
    rng = np.random.default_rng(1)
    snps = gwas.draw_snps(rng, 20_000)
    z = gwas.draw_z(rng, snps, [], "none")
    high = snps.ld_score > np.quantile(snps.ld_score, 0.8)
    # Heel BMD and osteoporosis: -0.6 where planted; what is left is sample overlap, the same at any LD score.
    products = z[:, 0] * z[:, 5]
    assert products[high].mean() == pytest.approx(products[~high].mean(), abs=0.15)


def test_none__truth_says_zero_and_no_unadjusted_value(tmp_path: Path) -> None:
    small = Options(**{name: getattr(SMALL, name) for name in SMALL.__slots__} | {"effects": "none"})
    rows = open_tables(write_small(tmp_path / "export", small)).execute(
        "select quantity, max(abs(try_cast(large_sample_value as double))), count(*) from truth "
        "where quantity not in ('heritability', 'ld_score_intercept', 'cross_trait_intercept', 'end_of_follow_up') "
        "group by quantity"
    )
    found = {quantity: (largest, n) for quantity, largest, n in rows.fetchall()}
    effects = {"log_hazard_ratio", "indirect_effect", "exposure_effect_on_biomarker", "biomarker_effect"}
    assert set(found) == effects | {"genetic_correlation"}
    assert all(largest == 0 and n > 0 for largest, n in found.values())
