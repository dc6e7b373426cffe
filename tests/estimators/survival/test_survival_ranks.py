"""Log-rank test and concordance, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from python_models.estimators.survival.concordance import concordance
from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from python_models.estimators.survival.log_rank import log_rank_test
from tests.estimators.survival.follow_up import FollowUp, simulate_follow_up

ROUNDING = 1e-10


def plain_pairs(data: FollowUp, score: np.ndarray, late_entry: bool, strata: bool) -> tuple[np.ndarray, np.ndarray]:
    """a_i and p_i of every row, by looking at every ordered pair."""
    n = score.shape[0]
    agree, pairs = np.zeros(n), np.zeros(n)
    for i in np.flatnonzero(data.event):
        for j in range(n):
            stays = data.exit[j] > data.exit[i] or (data.exit[j] == data.exit[i] and not data.event[j])
            at_risk = not late_entry or data.entry[j] < data.exit[i]
            if i != j and stays and at_risk and (not strata or data.stratum[i] == data.stratum[j]):
                half = float(score[i] > score[j]) + 0.5 * float(score[i] == score[j])
                agree[[i, j]] += half
                pairs[[i, j]] += 1
    return agree, pairs


@pytest.mark.parametrize("late_entry", [False, True])
@pytest.mark.parametrize("strata", [False, True])
def test_concordance__counts_every_pair(late_entry: bool, strata: bool) -> None:
    data = simulate_follow_up(n=120, days=40, late_entry=True)
    score = np.round(data.covariates[:, 0], 1)
    ours = concordance(
        exit=data.exit,
        event=data.event,
        risk_score=score,
        entry=data.entry if late_entry else None,
        strata=data.stratum if strata else None,
    )
    agree, pairs = plain_pairs(data, score, late_entry, strata)
    value = agree.sum() / pairs.sum()
    assert ours.concordance == pytest.approx(value, rel=ROUNDING)
    expected = 2 * np.sqrt(np.sum((agree - value * pairs) ** 2)) / pairs.sum()
    assert ours.standard_error == pytest.approx(expected, rel=ROUNDING)
    assert ours.n_concordant + ours.n_discordant + ours.n_tied == pytest.approx(pairs.sum() / 2)


def test_concordance__perfect_reversed_and_constant_scores() -> None:
    exit = np.arange(1, 11)
    assert concordance(exit=exit, event=np.ones(10), risk_score=-exit).concordance == 1.0
    assert concordance(exit=exit, event=np.ones(10), risk_score=exit).concordance == 0.0
    assert concordance(exit=exit, event=np.ones(10), risk_score=np.zeros(10)).concordance == 0.5
    assert concordance(exit=exit, event=np.zeros(10), risk_score=exit).refusal == "no comparable pairs"
    with pytest.raises(EstimatorInputError, match="in 1 rows"):
        concordance(exit=[1, 2], event=[1, 1], risk_score=[np.nan, 1.0])


def test_log_rank_test__is_the_cox_score_test_without_ties() -> None:
    rng = np.random.default_rng(1)
    exit, event, group = rng.permutation(300) + 1, rng.random(300) < 0.5, rng.integers(0, 3, 300)
    strata = rng.integers(0, 2, 300)
    dummies = np.column_stack([group == 1, group == 2]).astype(float)
    for labels in (None, strata):
        ours = log_rank_test(exit=exit, event=event, group=group, strata=labels)
        cox = fit_cox(exit=exit, event=event, covariates=dummies, strata=labels)
        assert ours.chi_squared == pytest.approx(cox.score_test, rel=1e-8)
        assert ours.observed.sum() == pytest.approx(ours.expected.sum(), rel=ROUNDING)


def test_log_rank_test__late_entry_counts_those_at_risk() -> None:
    data = simulate_follow_up(n=200, days=60, late_entry=True)
    group = (data.covariates[:, 0] > 0).astype(int)
    ours = log_rank_test(exit=data.exit, entry=data.entry, event=data.event, group=group)
    expected = 0.0
    for t in np.unique(data.exit[data.event]):
        at_risk = (data.entry < t) & (data.exit >= t)
        expected += np.sum(data.event & (data.exit == t)) * np.mean(group[at_risk])
    assert ours.expected[1] == pytest.approx(expected, rel=ROUNDING)


def test_log_rank_test__refusals() -> None:
    assert log_rank_test(exit=[1, 2], event=[0, 0], group=[0, 1]).refusal == "no events among 2 rows"
    assert log_rank_test(exit=[1, 2], event=[1, 0], group=[0, 0]).refusal == "fewer than two groups"
