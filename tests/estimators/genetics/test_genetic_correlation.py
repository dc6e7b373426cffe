"""Cross-trait LD score regression: definitions, invariance, refusals, all pairs, recovery."""

import numpy as np
import pytest

from python_models.estimators.genetics.alleles import allele_codes, orientations
from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError
from python_models.estimators.genetics.genetic_correlation import (
    GeneticCorrelation,
    genetic_correlation,
    genetic_correlations,
)
from python_models.estimators.genetics.heritability import LdScores, heritability
from python_models.estimators.genetics.sample_overlap import cross_trait_intercepts
from python_models.estimators.genetics.trait_statistics import TraitStatistics
from tests.estimators.genetics.planted_pair import PlantedPair, simulate_z

SAME_SUMS = 1e-9  # the same weighted sums in another order, through two reweightings
WITHIN_STANDARD_ERRORS = 2.0

Pair = tuple[FloatArray, FloatArray]


def traits(pair: Pair, planted: PlantedPair) -> tuple[TraitStatistics, TraitStatistics]:
    return (
        TraitStatistics.of(name="grip", z=pair[0], n=planted.n_1),
        TraitStatistics.of(name="heel_bmd", z=pair[1], n=planted.n_2),
    )


def fit(pair: Pair, planted: PlantedPair, ld_scores: LdScores, **options: object) -> GeneticCorrelation:
    first, second = traits(pair, planted)
    return genetic_correlation(first=first, second=second, ld_scores=ld_scores, **options)  # type: ignore[arg-type]


def test_genetic_correlation__of_a_trait_with_itself_is_one(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    """Up to the weights: the covariance starts from a null intercept of 0, the heritability from 1."""
    trait, _ = traits(pair, planted)
    result = genetic_correlation(first=trait, second=trait, ld_scores=ld_scores)
    assert result.covariance is not None
    assert result.heritability_1 is not None
    assert result.rg == pytest.approx(1.0, abs=0.01)


def test_genetic_correlation__is_symmetric(pair: Pair, planted: PlantedPair, ld_scores: LdScores) -> None:
    first, second = traits(pair, planted)
    one = genetic_correlation(first=first, second=second, ld_scores=ld_scores)
    other = genetic_correlation(first=second, second=first, ld_scores=ld_scores)
    assert other.rg == pytest.approx(one.rg, rel=SAME_SUMS)
    assert other.rg_standard_error == pytest.approx(one.rg_standard_error, rel=SAME_SUMS)


def test_genetic_correlation__swapping_the_effect_allele_of_one_trait_changes_only_the_sign(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    one, other = fit(pair, planted, ld_scores), fit((pair[0], -pair[1]), planted, ld_scores)
    assert one.rg is not None
    assert other.rg == pytest.approx(-one.rg, rel=SAME_SUMS)
    assert other.rg_standard_error == pytest.approx(one.rg_standard_error, rel=SAME_SUMS)
    assert other.p == pytest.approx(one.p, rel=1e-6)


def test_genetic_correlation__per_snp_allele_swaps_and_strands_are_undone(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    rng, n = np.random.default_rng(6), pair[0].size
    spelling = np.array(["AC", "TG", "CA", "GT"])
    is_swapped = np.array([1.0, 1.0, -1.0, -1.0])
    oriented = []
    for name, z, n_people in (("grip", pair[0], planted.n_1), ("heel_bmd", pair[1], planted.n_2)):
        pick = rng.integers(4, size=n)
        letters = spelling[pick]
        orientation = orientations(
            effect_allele=allele_codes([p[0] for p in letters]), other_allele=allele_codes([p[1] for p in letters])
        )
        z_reported = z * is_swapped[pick]
        oriented.append(TraitStatistics.of(name=name, z=z_reported, n=n_people, orientation=orientation))
    result = genetic_correlation(first=oriented[0], second=oriented[1], ld_scores=ld_scores)
    assert result.n_allele_mismatch == 0
    assert result.rg == fit(pair, planted, ld_scores).rg


def test_genetic_correlation__one_bad_allele_is_one_dropped_snp(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    orientation = np.ones(pair[0].size, dtype=np.int8)
    mismatched = orientation.copy()
    mismatched[17] = 2
    first = TraitStatistics.of(name="grip", z=pair[0], n=planted.n_1, orientation=orientation)
    second = TraitStatistics.of(name="heel_bmd", z=pair[1], n=planted.n_2, orientation=mismatched)
    result = genetic_correlation(first=first, second=second, ld_scores=ld_scores)
    without = pair[1].copy()
    without[17] = np.nan
    assert (result.n_allele_mismatch, result.refusal) == (1, None)
    assert result.rg == fit((pair[0], without), planted, ld_scores).rg


def test_genetic_correlation__does_not_depend_on_n_of_either_trait(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    halved = PlantedPair(h2_1=0.3, h2_2=0.4, n_1=planted.n_1 * 2, n_2=planted.n_2 * 3)
    one, other = fit(pair, planted, ld_scores), fit(pair, halved, ld_scores)
    assert other.rg == pytest.approx(one.rg, rel=SAME_SUMS)
    assert other.rg_standard_error == pytest.approx(one.rg_standard_error, rel=SAME_SUMS)


def test_genetic_correlation__maximum_chi_square_acts_on_the_product(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    result = fit(pair, planted, ld_scores, maximum_chi_square=20.0)
    assert result.n_above_maximum == int(((pair[0] * pair[1]) ** 2 >= 400.0).sum())


def test_genetic_correlation__refuses_where_an_h2_is_not_positive(planted: PlantedPair, ld_scores: LdScores) -> None:
    null = PlantedPair(h2_1=0.0, h2_2=0.4, rg=0.0, n_1=planted.n_1, n_2=planted.n_2)
    z_1, z_2 = simulate_z(ld_scores=ld_scores, truth=null, rng=np.random.default_rng(1))
    shrunk = z_1 / np.sqrt(1 + 0.002 * ld_scores.l2)  # chi-square falls with the LD score: h2 below 0
    result = fit((shrunk, z_2), planted, ld_scores)
    assert result.refusal is not None
    assert result.refusal.startswith("h2 of grip is -")
    assert "genetic correlation is undefined" in result.refusal
    assert (result.rg, result.rg_standard_error, result.p) == (None, None, None)
    assert result.covariance is not None


def test_genetic_correlation__refuses_where_a_block_decides_the_sign_of_h2(ld_scores: LdScores) -> None:
    """All of one trait's signal sits in one block: h2 is positive with it and negative without."""
    rng = np.random.default_rng(2)
    z_1, z_2 = rng.normal(size=(2, ld_scores.l2.size))
    z_1 /= np.sqrt(1 + 0.001 * ld_scores.l2)
    z_1[:100] *= np.sqrt(1 + 0.6 * ld_scores.l2[:100])
    z_2 *= np.sqrt(1 + 0.05 * ld_scores.l2)
    first = TraitStatistics.of(name="one locus", z=z_1, n=10_000.0)
    second = TraitStatistics.of(name="polygenic", z=z_2, n=10_000.0)
    result = genetic_correlation(first=first, second=second, ld_scores=ld_scores)
    assert result.heritability_1 is not None
    assert result.heritability_1.h2 is not None
    assert result.heritability_1.h2 > 0
    assert result.refusal is not None
    assert "h2 without one of 200 blocks is <= 0 in 1 cases for one locus and 0 for polygenic" in result.refusal


def test_genetic_correlation__refuses_without_overlap(pair: Pair, planted: PlantedPair, ld_scores: LdScores) -> None:
    first, second = pair[0].copy(), pair[1].copy()
    first[::2], second[1::2] = np.nan, np.nan
    result = fit((first, second), planted, ld_scores)
    assert result.refusal is not None
    assert "check SNP names and genome build" in result.refusal
    assert result.n_snps == 0


def test_genetic_correlation__refuses_where_all_strands_are_ambiguous(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    nothing = np.zeros(pair[0].size, dtype=np.int8)
    first = TraitStatistics.of(name="a", z=pair[0], n=planted.n_1, orientation=nothing)
    second = TraitStatistics.of(name="b", z=pair[1], n=planted.n_2, orientation=nothing)
    result = genetic_correlation(first=first, second=second, ld_scores=ld_scores)
    assert result.refusal is not None
    assert "strand-unambiguous alleles" in result.refusal


def test_genetic_correlations__equal_pair_by_pair_with_each_pair_once(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    rng = np.random.default_rng(7)
    first, second = traits(pair, planted)
    z = pair[0] + rng.normal(size=pair[0].size)
    z[::5] = np.nan
    third = TraitStatistics.of(name="pace", z=z, n=80_000.0)
    together = genetic_correlations(traits=[first, second, third], ld_scores=ld_scores)
    assert [(r.trait_1, r.trait_2) for r in together] == [("grip", "heel_bmd"), ("grip", "pace"), ("heel_bmd", "pace")]
    for (one, other), result in zip([(first, second), (first, third), (second, third)], together, strict=True):
        alone = genetic_correlation(first=one, second=other, ld_scores=ld_scores)
        assert (result.rg, result.rg_standard_error, result.n_snps) == (alone.rg, alone.rg_standard_error, alone.n_snps)


def test_genetic_correlations__intercepts_are_fixed_by_name(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    result = genetic_correlations(
        traits=traits(pair, planted),
        ld_scores=ld_scores,
        heritability_intercepts={"grip": 1.02},
        covariance_intercepts={frozenset({"heel_bmd", "grip"}): 0.1},
    )[0]
    alone = fit(pair, planted, ld_scores, heritability_intercepts=(1.02, None), covariance_intercept=0.1)
    assert result.rg == alone.rg
    assert result.covariance is not None
    assert result.covariance.intercept == 0.1
    assert result.covariance.intercept_standard_error is None


def test_genetic_correlations__unknown_and_repeated_names_are_one_report(
    pair: Pair, planted: PlantedPair, ld_scores: LdScores
) -> None:
    first, second = traits(pair, planted)
    with pytest.raises(
        GeneticsInputError, match="'grip' is given 2 times; intercepts name unknown traits \\['pace'\\]"
    ):
        genetic_correlations(traits=[first, second, first], ld_scores=ld_scores, heritability_intercepts={"pace": 1.0})


def test_cross_trait_intercepts__hold_what_was_planted(pair: Pair, planted: PlantedPair, ld_scores: LdScores) -> None:
    both = traits(pair, planted)
    fits = {t.name: heritability(z=t.z, n=t.n, ld_scores=ld_scores, two_step=None) for t in both}
    overlap = cross_trait_intercepts(
        heritabilities=fits, correlations=genetic_correlations(traits=both, ld_scores=ld_scores)
    )
    assert overlap.traits == ("grip", "heel_bmd")
    assert (overlap.intercept == overlap.intercept.T).all()
    error = overlap.standard_error[0, 1]
    assert abs(overlap.intercept[0, 1] - planted.intercept_12) < WITHIN_STANDARD_ERRORS * error
    assert np.ma.diag(overlap.z_correlation).tolist() == pytest.approx([1.0, 1.0])


def test_cross_trait_intercepts__a_refused_pair_is_masked_not_zero(ld_scores: LdScores) -> None:
    z = np.random.default_rng(8).normal(size=ld_scores.l2.size)
    gaps = z.copy()
    gaps[:] = np.nan
    a, b = TraitStatistics.of(name="a", z=z, n=1e4), TraitStatistics.of(name="b", z=gaps, n=1e4)
    overlap = cross_trait_intercepts(
        heritabilities={t.name: heritability(z=t.z, n=t.n, ld_scores=ld_scores) for t in (a, b)},
        correlations=genetic_correlations(traits=[a, b], ld_scores=ld_scores),
    )
    assert np.ma.getmaskarray(overlap.intercept).tolist() == [[False, True], [True, True]]


def test_genetic_correlation__recovers_rg_and_overlap_on_the_real_ld_scores(european_ld_scores: LdScores) -> None:
    truth = PlantedPair()
    both = simulate_z(ld_scores=european_ld_scores, truth=truth, rng=np.random.default_rng(20_260_101))
    result = fit(both, truth, european_ld_scores)
    assert result.rg is not None
    assert result.rg_standard_error is not None
    assert result.covariance is not None
    assert result.covariance.intercept_standard_error is not None
    assert abs(result.rg - truth.rg) < WITHIN_STANDARD_ERRORS * result.rg_standard_error
    error = result.covariance.intercept_standard_error
    assert abs(result.covariance.intercept - truth.intercept_12) < WITHIN_STANDARD_ERRORS * error


@pytest.mark.recovery
def test_genetic_correlation__estimates_are_unbiased_and_standard_errors_honest(european_ld_scores: LdScores) -> None:
    truth, n_seeds = PlantedPair(), 60
    estimates, errors = np.empty((n_seeds, 3)), np.empty((n_seeds, 3))
    for seed in range(n_seeds):
        both = simulate_z(ld_scores=european_ld_scores, truth=truth, rng=np.random.default_rng([77, seed]))
        result = fit(both, truth, european_ld_scores)
        one, two = result.heritability_1, result.heritability_2
        assert one is not None
        assert two is not None
        estimates[seed] = (one.h2, two.h2, result.rg)
        errors[seed] = (one.h2_standard_error, two.h2_standard_error, result.rg_standard_error)
    planted = np.array([truth.h2_1, truth.h2_2, truth.rg])
    monte_carlo_error = estimates.std(axis=0, ddof=1) / np.sqrt(n_seeds)
    assert (np.abs(estimates.mean(axis=0) - planted) < 3 * monte_carlo_error).all()
    assert errors.mean(axis=0) / estimates.std(axis=0, ddof=1) == pytest.approx(1.0, abs=0.3)
