"""Liability scale, normal tails, and every example in a docstring."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from scipy.stats import norm

import python_models.estimators.genetics as genetics
from python_models.estimators.genetics.errors import GeneticsInputError, vectors_of_one_length
from python_models.estimators.genetics.liability import liability_factor, liability_genetic_covariance
from python_models.estimators.genetics.normal_tails import absolute_z, neg_log10_p, two_sided_p

EXACT = 1e-12


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(genetics.__path__)])
def test_docstring_examples__are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"{genetics.__name__}.{name}"))
    assert result.failed == 0


def test_liability_factor__equals_the_printed_vector() -> None:
    assert liability_factor(sample_prevalence=0.0159, population_prevalence=0.0159) == pytest.approx(9.871579, rel=1e-7)


def test_liability_factor__of_an_unascertained_sample_is_that_of_a_cut_normal() -> None:
    """Observed variance explained = (slope of P(case) on liability)^2 / (K (1 - K)); the slope is the density."""
    k = 0.2
    expected = k * (1 - k) / norm.pdf(norm.isf(k)) ** 2
    assert liability_factor(sample_prevalence=k, population_prevalence=k) == pytest.approx(expected, rel=EXACT)


def test_liability_genetic_covariance__leaves_quantitative_traits_alone_and_is_symmetric() -> None:
    disease = liability_factor(sample_prevalence=0.1, population_prevalence=0.05)
    one = liability_genetic_covariance(
        genetic_covariance=0.02, sample_prevalences=(0.1, None), population_prevalences=(0.05, None)
    )
    other = liability_genetic_covariance(
        genetic_covariance=0.02, sample_prevalences=(None, 0.1), population_prevalences=(None, 0.05)
    )
    assert one == other == pytest.approx(0.02 * np.sqrt(disease), rel=EXACT)


def test_liability__refuses_by_name() -> None:
    with pytest.raises(GeneticsInputError, match=r"sample prevalence is 0\.0.*population prevalence is 1\.5"):
        liability_factor(sample_prevalence=0.0, population_prevalence=1.5)
    with pytest.raises(GeneticsInputError, match="needs both"):
        liability_genetic_covariance(
            genetic_covariance=0.1, sample_prevalences=(0.1, None), population_prevalences=(None, None)
        )


def test_normal_tails__agree_with_scipy_and_with_each_other() -> None:
    z = np.array([0.0, 0.1, 1.96, -5.0, 30.0])
    assert two_sided_p(z) == pytest.approx(2 * norm.sf(np.abs(z)), rel=EXACT)
    assert neg_log10_p(z) == pytest.approx(-np.log10(2 * norm.sf(np.abs(z))), rel=1e-10, abs=1e-15)
    far = np.array([0.0, 0.3, 7.5, 320.0, 1e5])
    assert neg_log10_p(absolute_z(far)) == pytest.approx(far, rel=1e-9, abs=1e-12)
    assert two_sided_p([1e3]).tolist() == [0.0]
    assert np.isfinite(neg_log10_p([1e3])).all()


def test_vectors_of_one_length__repeats_scalars_and_names_every_fault() -> None:
    z, n = vectors_of_one_length(z=[1.0, 2.0], n=5)
    assert (z.tolist(), n.tolist()) == ([1.0, 2.0], [5.0, 5.0])
    with pytest.raises(GeneticsInputError) as caught:
        vectors_of_one_length(a=[[1.0]], b=[1.0, 2.0], c=[1.0])
    assert len(caught.value.faults) == 2
