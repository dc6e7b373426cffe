"""From the observed (0/1) scale to the liability scale of a disease."""

import numpy as np
from scipy.stats import norm

from python_models.estimators.genetics.errors import GeneticsInputError


def liability_factor(*, sample_prevalence: float, population_prevalence: float) -> float:
    """Factor that takes an observed-scale heritability to the liability scale.

    sample_prevalence : P, cases among those analysed, in (0, 1).
    population_prevalence : K, in (0, 1).

    K^2 (1 - K)^2 / (P (1 - P) phi(Phi^-1(1 - K))^2); Lee et al. 2011, AJHG 88:294-305, eq. 23.
    A genetic covariance takes the square root of both traits' factors; a genetic correlation takes none.

    >>> round(liability_factor(sample_prevalence=0.0159, population_prevalence=0.0159), 6)
    9.871579
    """
    shares = {"sample prevalence": sample_prevalence, "population prevalence": population_prevalence}
    faults = [f"{name} is {share}; give a share between 0 and 1" for name, share in shares.items() if not 0 < share < 1]
    if faults:
        raise GeneticsInputError(faults)
    density = norm.pdf(norm.isf(population_prevalence))
    ascertainment = population_prevalence**2 * (1 - population_prevalence) ** 2
    return float(ascertainment / (sample_prevalence * (1 - sample_prevalence) * density**2))


def liability_heritability(*, h2: float, sample_prevalence: float, population_prevalence: float) -> float:
    """Heritability (or its standard error) on the liability scale."""
    return h2 * liability_factor(sample_prevalence=sample_prevalence, population_prevalence=population_prevalence)


def liability_genetic_covariance(
    *,
    genetic_covariance: float,
    sample_prevalences: tuple[float | None, float | None],
    population_prevalences: tuple[float | None, float | None],
) -> float:
    """Genetic covariance (or its standard error) on the liability scale; a quantitative trait has prevalence None."""
    scale = 1.0
    for sample, population in zip(sample_prevalences, population_prevalences, strict=True):
        if (sample is None) != (population is None):
            raise GeneticsInputError(["a disease needs both its sample and its population prevalence"])
        if sample is not None and population is not None:
            scale *= np.sqrt(liability_factor(sample_prevalence=sample, population_prevalence=population))
    return genetic_covariance * float(scale)
