"""Whether the hits of a panel fall into a set more often than the measured panel would have them."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Of n_background tested, n_in_set in the set and n_hits hits, n_hits_in_set both.

    expected: of n_hits_in_set by chance. odds_ratio: conditional maximum likelihood, with its exact 95 % interval; None
    where it has none. p: at least n_hits_in_set by chance (hypergeometric, Fisher's exact test, one-sided).
    """

    n_background: int
    n_in_set: int
    n_hits: int
    n_hits_in_set: int
    expected: float
    odds_ratio: float | None
    lower: float | None
    upper: float | None
    p: float


def set_enrichment(background: set[str], members: set[str], hits: set[str]) -> Enrichment:
    """Enrichment of hits in members, both taken within the background.

    References: Fisher 1935, JRSS 98:39; Rivals 2007, Bioinformatics 23:401 (the hypergeometric test of gene sets).
    """
    inside, found = members & background, hits & background
    both = len(inside & found)
    n, k, m = len(background), len(inside), len(found)
    table = [[both, k - both], [m - both, n - k - m + both]]
    ratio = lower = upper = None
    if min(k, m, n - k, n - m) > 0:
        exact = stats.contingency.odds_ratio(table)
        interval = exact.confidence_interval(0.95)
        ratio = float(exact.statistic) if exact.statistic < float("inf") else None
        lower, upper = float(interval.low), float(interval.high) if interval.high < float("inf") else None
    return Enrichment(
        n_background=n,
        n_in_set=k,
        n_hits=m,
        n_hits_in_set=both,
        expected=k * m / n if n else 0.0,
        odds_ratio=ratio,
        lower=lower,
        upper=upper,
        p=float(stats.hypergeom.sf(both - 1, n, k, m)) if n else 1.0,
    )
