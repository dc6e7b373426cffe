"""Biomarkers that do nothing and follow what does: what M2 finds for them, by hand and in the files; which are null."""

import numpy as np
import pytest

from warehouse.synthetic import followers, mediators, metabolites, proteins, truth
from warehouse.synthetic.estimand import PRIMARY

# Of 36 correlated null values; ranks of log-normal sums leave 1e-3 of what M2 cannot hold.
MONTE_CARLO_ERRORS, OF_RANKS = 4.0, 1e-3


def test_linear_value__of_a_cause_itself_by_hand() -> None:
    found = followers.moments()
    k = followers.CAUSES.index("adiposity")
    value, error = followers.linear_value({"adiposity": 1.0}, "sarcopenia", noise=0.0)
    expected = found.given_m2[k] @ found.slopes["sarcopenia"] / found.given_m2[k, k] * np.sqrt(found.total[k, k])
    assert value == pytest.approx(expected)
    assert 0.0 < error < 0.1 * abs(value)
    # Adiposity lowers both hazards, and noise only hides it.
    assert value < 0.0
    loose, _ = followers.linear_value({"adiposity": 1.0}, "sarcopenia", noise=4.0)
    assert 0.3 < loose / value < 0.6
    assert followers.linear_value({"age": 1.0}, "sarcopenia", noise=1.0) == (0.0, 0.0)


def test_null_metabolites__are_those_that_nothing_outside_m2_moves_through_any_part() -> None:
    causes = {one.name: metabolites.causes_of(one.name) for one in metabolites.biomarkers()}
    null = {name for name, moved in causes.items() if moved <= set(followers.HELD)}
    assert causes["m_hdl_c"] == {"female"}
    assert {"m_hdl_c", "acetone", "ala"} <= null
    # Its triglycerides follow adiposity, statins lower the other's cholesterol, and a planted one stands for itself.
    assert "adiposity" in causes["m_hdl_l"]
    assert "statin" in causes["ldl_c"]
    assert causes["gly"] == {"gly"}
    assert 15 <= len(null) < 30
    for name in null:
        for outcome in PRIMARY:
            value, error = followers.metabolite_value(name, outcome)
            assert abs(value) < MONTE_CARLO_ERRORS * error + OF_RANKS, (name, outcome)


def test_truth__every_biomarker_has_a_value_and_says_what_it_follows() -> None:
    panel = proteins.draw_panel(np.random.default_rng(3), 300)
    rows = list(truth.biomarker_rows(panel, True))
    assert len(rows) == len(PRIMARY) * (len(panel) + len(metabolites.biomarkers()))
    assert all(row.large_sample_value is not None and np.isfinite(row.large_sample_value) for row in rows)
    for row in rows:
        is_null = row.large_sample_value == 0.0
        assert is_null == (not row.planted_coefficient and "follows" not in row.note), row
    named = {(row.mediator, row.platform, row.outcome): row for row in rows}
    leptin = named["lep", mediators.PROTEIN, "osteoporosis"]
    assert leptin.note == "marker; without effect of its own, follows adiposity"
    assert leptin.planted_coefficient == 0.0
    # What grip moves is found for sarcopenia, which grip causes, though only its effect on bone is planted.
    glycine = named["gly", mediators.METABOLITE, "sarcopenia"]
    assert glycine.planted_coefficient == 0.0
    assert glycine.large_sample_value is not None
    assert glycine.large_sample_value > 0.02
    assert "follows grip" in glycine.note


def test_log_scores__follow_what_causes_of_says() -> None:
    """Correlation with adiposity is there for those that follow it, unless two ways cancel, and nowhere else."""
    rng, n = np.random.default_rng(5), 20_000
    names = {"female", "age", "adiposity", "lean_mass", "grip", "heel_bmd", "diabetes", "statin", *mediators.FACTORS}
    causes = {name: rng.standard_normal(n) for name in names}
    z = metabolites.log_scores(rng, causes, mediators.draw_residuals(rng, n))
    plain = [one for one in metabolites.biomarkers() if not one.is_derived]
    column = {name: k for k, name in enumerate(metabolites._parameters()[0])}
    follows = [one for one in plain if "adiposity" in metabolites.causes_of(one.name)]
    found = {one.name: abs(np.corrcoef(z[:, column[one.name]], causes["adiposity"])[0, 1]) for one in plain}
    # Five standard errors of none.
    assert all(found[one.name] < 5 / np.sqrt(n) for one in plain if one not in follows)
    # In some, ways through two factors cancel.
    assert np.mean([found[one.name] > 5 / np.sqrt(n) for one in follows]) > 0.8
