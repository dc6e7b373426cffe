"""The cross-trait intercepts of all pairs: how far two studies' Z scores are correlated without any genetic signal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from python_models.estimators.genetics.genetic_correlation import GeneticCorrelation
from python_models.estimators.genetics.heritability import Heritability


@dataclass(frozen=True, slots=True)
class CrossTraitIntercepts:
    """Symmetric matrices over the traits, masked where a regression was refused.

    traits : k names, in the order of rows and columns.
    intercept : (k, k) heritability intercepts on the diagonal, covariance intercepts beside it.
    standard_error : (k, k), masked also where the intercept was fixed.
    z_correlation : (k, k) intercept_ij / sqrt(intercept_ii intercept_jj): null correlation of the two Z scores, what
        PLACO+, conditional FDR and Mendelian randomization need to know of sample overlap.
    """

    traits: tuple[str, ...]
    intercept: np.ma.MaskedArray
    standard_error: np.ma.MaskedArray
    z_correlation: np.ma.MaskedArray


def cross_trait_intercepts(
    *, heritabilities: Mapping[str, Heritability], correlations: Sequence[GeneticCorrelation]
) -> CrossTraitIntercepts:
    """Gather the intercepts of every trait and pair.

    heritabilities : by trait; their order is the order of the matrix. One-step fits, as the pairs are.
    correlations : pairs of those traits, in any order.
    """
    traits = tuple(heritabilities)
    place = {name: i for i, name in enumerate(traits)}
    intercept = np.ma.masked_all((len(traits), len(traits)))
    standard_error = np.ma.masked_all_like(intercept)
    for name, fit in heritabilities.items():
        i = place[name]
        if fit.intercept is not None:
            intercept[i, i] = fit.intercept
        if fit.intercept_standard_error is not None:
            standard_error[i, i] = fit.intercept_standard_error
    for pair in correlations:
        if pair.covariance is None:
            continue
        i, j = place[pair.trait_1], place[pair.trait_2]
        intercept[i, j] = intercept[j, i] = pair.covariance.intercept
        if pair.covariance.intercept_standard_error is not None:
            standard_error[i, j] = standard_error[j, i] = pair.covariance.intercept_standard_error
    own = np.ma.sqrt(np.ma.masked_less_equal(np.ma.diag(intercept), 0.0))
    return CrossTraitIntercepts(
        traits=traits,
        intercept=intercept,
        standard_error=standard_error,
        z_correlation=intercept / own[:, np.newaxis] / own[np.newaxis, :],
    )
