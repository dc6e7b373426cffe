"""Colocalisation: printed vectors, enumeration of all configurations, invariance, refusals."""

from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.colocalisation import (
    RegionTrait,
    colocalisation,
    estimated_sd_of_trait,
    log_bayes_factors,
    trait_from_effects,
    trait_from_p,
)
from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.normal_tails import neg_log10_p

PRINTED_ABF = 1e-10
PRINTED_POSTERIOR = 5e-3  # the small posteriors are printed with 3 digits


def disease(beta: Any, standard_error: Any) -> RegionTrait:
    return trait_from_effects(beta=beta, standard_error=standard_error, kind="case_control")


def quantitative(beta: Any, standard_error: Any, sd_of_trait: float = 1.0) -> RegionTrait:
    return trait_from_effects(beta=beta, standard_error=standard_error, kind="quantitative", sd_of_trait=sd_of_trait)


@pytest.fixture
def region() -> tuple[RegionTrait, RegionTrait]:
    """The printed four-SNP example."""
    return (
        disease([0.01, 0.10, 0.08, 0.0], np.full(4, 0.02)),
        quantitative([0.0, 0.05, 0.045, 0.01], np.full(4, 0.01)),
    )


def test_log_bayes_factors__equal_the_printed_vectors() -> None:
    assert log_bayes_factors(disease([0.1], [0.02]))[0] == pytest.approx(10.0686773653, rel=PRINTED_ABF)
    assert log_bayes_factors(quantitative([0.05], [0.01]))[0] == pytest.approx(9.7344227659, rel=PRINTED_ABF)


def test_colocalisation__equals_the_printed_posterior(region: tuple[RegionTrait, RegionTrait]) -> None:
    result = colocalisation(first=region[0], second=region[1])
    assert result.posterior == pytest.approx([2.50e-4, 5.97e-4, 4.63e-4, 1.05e-4, 0.998584], rel=PRINTED_POSTERIOR)


def test_colocalisation__equals_the_sum_over_all_configurations(region: tuple[RegionTrait, RegionTrait]) -> None:
    factor_1, factor_2 = (np.exp(log_bayes_factors(trait)) for trait in region)
    p_1, p_2, p_12 = 2e-3, 1e-3, 3e-4
    joint = np.array([1.0, 0, 0, 0, 0])
    for i in range(4):
        joint[1] += p_1 * factor_1[i]
        joint[2] += p_2 * factor_2[i]
        joint[4] += p_12 * factor_1[i] * factor_2[i]
        for j in range(4):
            joint[3] += p_1 * p_2 * factor_1[i] * factor_2[j] * (i != j)
    result = colocalisation(first=region[0], second=region[1], p_1=p_1, p_2=p_2, p_12=p_12)
    assert result.posterior == pytest.approx(joint / joint.sum(), rel=1e-10)
    assert result.snp_posterior == pytest.approx(factor_1 * factor_2 / (factor_1 * factor_2).sum(), rel=1e-10)


def test_colocalisation__allele_order_of_snps_and_order_of_traits_do_not_matter(
    region: tuple[RegionTrait, RegionTrait],
) -> None:
    one = colocalisation(first=region[0], second=region[1]).posterior
    assert one is not None
    swapped = colocalisation(first=region[1], second=region[0]).posterior
    assert swapped == pytest.approx(one[[0, 2, 1, 3, 4]], rel=1e-10)
    flipped = disease(-np.array([0.0, 0.08, 0.10, 0.01]), np.full(4, 0.02))
    permuted = quantitative([0.01, 0.045, 0.05, 0.0], np.full(4, 0.01))
    assert colocalisation(first=flipped, second=permuted).posterior == pytest.approx(one, rel=1e-10)


def test_colocalisation__unit_of_a_quantitative_trait_does_not_matter(region: tuple[RegionTrait, RegionTrait]) -> None:
    one = colocalisation(first=region[0], second=region[1]).posterior
    grams = quantitative(np.array([0.0, 50.0, 45.0, 10.0]), np.full(4, 10.0), sd_of_trait=1_000.0)
    assert colocalisation(first=region[0], second=grams).posterior == pytest.approx(one, rel=1e-10)


def test_colocalisation__two_strong_but_different_variants_are_h3() -> None:
    rng = np.random.default_rng(1)
    z_1, z_2 = rng.normal(size=(2, 200))
    z_1[30], z_2[150] = 12.0, 12.0
    result = colocalisation(
        first=disease(z_1 * 0.02, np.full(200, 0.02)), second=disease(z_2 * 0.02, np.full(200, 0.02))
    )
    assert result.posterior is not None
    assert result.posterior[3] > 0.99
    assert any("H3" in note for note in result.notes)


def test_colocalisation__posteriors_of_huge_evidence_stay_finite_and_sum_to_one() -> None:
    strong = disease([4.0, 0.1], [0.02, 0.02])
    result = colocalisation(first=strong, second=strong)
    assert result.posterior is not None
    assert np.isfinite(result.posterior).all()
    assert result.posterior.sum() == pytest.approx(1.0)


def test_colocalisation__of_one_snp_has_no_h3() -> None:
    result = colocalisation(first=disease([0.1], [0.02]), second=disease([0.1], [0.02]))
    assert result.posterior is not None
    assert result.posterior[3] == 0.0


def test_colocalisation__sensitivity_rises_with_p_12_and_agrees_with_a_refit(
    region: tuple[RegionTrait, RegionTrait],
) -> None:
    result = colocalisation(first=region[0], second=region[1], sensitivity_p_12=[1e-8, 1e-6, 1e-4])
    assert result.sensitivity is not None
    assert (np.diff(result.sensitivity[:, 4]) > 0).all()
    refit = colocalisation(first=region[0], second=region[1], p_12=1e-6)
    assert result.sensitivity[1] == pytest.approx(refit.posterior, rel=1e-12)
    assert result.smallest_p_12_for_h4 == 1e-6


def test_colocalisation__missing_snps_are_dropped_and_counted() -> None:
    first = disease([0.1, np.nan, 0.0], [0.02, 0.02, 0.02])
    second = disease([0.1, 0.0, 0.0], [0.02, 0.02, np.nan])
    result = colocalisation(first=first, second=second)
    assert result.index is not None
    assert (result.index.tolist(), result.n_missing) == ([0], 2)


def test_colocalisation__a_trait_without_signal_is_noted() -> None:
    result = colocalisation(first=disease([0.1, 0.0], [0.02] * 2), second=disease([0.01, 0.0], [0.02] * 2))
    assert result.notes == ("the second trait has no SNP with P < 1e-5 here: the posterior leans on the priors",)


def test_colocalisation__refuses_a_genome_and_an_empty_region() -> None:
    genome = disease(np.zeros(10_000), np.ones(10_000))
    result = colocalisation(first=genome, second=genome)
    assert result.refusal is not None
    assert "give one region" in result.refusal
    nothing = disease([np.nan], [0.1])
    empty = colocalisation(first=nothing, second=nothing)
    assert empty.refusal is not None
    assert (empty.posterior, empty.n_missing) == (None, 1)


def test_estimated_sd_of_trait__recovers_the_unit() -> None:
    rng = np.random.default_rng(2)
    frequency, n, sd = rng.uniform(0.05, 0.5, size=400), 50_000.0, 7.5
    error = sd / np.sqrt(2 * n * frequency * (1 - frequency)) * rng.normal(1, 0.01, size=400)
    ours = estimated_sd_of_trait(standard_error=error, allele_frequency=frequency, n=n)
    assert ours == pytest.approx(sd, rel=0.01)


def test_trait_from_p__equals_trait_from_effects_on_its_own_scale() -> None:
    frequency, n, share = np.array([0.2, 0.4]), 10_000.0, 0.3
    variance = 1 / (2 * n * frequency * (1 - frequency) * share * (1 - share))
    z = np.array([3.0, -1.0])
    from_p = trait_from_p(
        neg_log10_p=neg_log10_p(z), allele_frequency=frequency, n=n, kind="case_control", case_share=share
    )
    from_effects = disease(z * np.sqrt(variance), np.sqrt(variance))
    assert log_bayes_factors(from_p) == pytest.approx(log_bayes_factors(from_effects), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: quantitative([0.1], [0.0]), "not positive"),
        (lambda: trait_from_effects(beta=[0.1], standard_error=[0.1], kind="quantitative"), "to estimate it"),
        (lambda: trait_from_effects(beta=[0.1], standard_error=[0.1], kind="cc"), "use 'quantitative'"),  # type: ignore[arg-type]
        (lambda: trait_from_p(neg_log10_p=[1], allele_frequency=[1.0], n=9, kind="quantitative"), "between 0 and 1"),
        (lambda: trait_from_p(neg_log10_p=[1], allele_frequency=[0.1], n=9, kind="case_control"), "a disease needs"),
        (lambda: colocalisation(first=disease([0.1], [0.1]), second=disease([0.1] * 2, [0.1] * 2)), "1 and 2 SNPs"),
        (lambda: colocalisation(first=disease([0.1], [0.1]), second=disease([0.1], [0.1]), p_12=0.0), "priors"),
    ],
)
def test_colocalisation__refuses_bad_input_by_name(call: Any, reason: str) -> None:
    with pytest.raises(GeneticsInputError, match=reason):
        call()
