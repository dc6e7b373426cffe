"""Real people through the same models: NHEFS gives the published numbers (Hernan and Robins, What If, chapter 17)."""

from collections.abc import Callable

import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline


def test_nhefs_gives_the_published_hazard_ratio_and_survival(unbuilt: Callable[[], Project]) -> None:
    project = unbuilt()
    finished = project.build("--cohort", "nhefs")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    ratio, lower, upper, n, events = project.query(
        "select hazard_ratio, hazard_ratio_lower, hazard_ratio_upper, n_participants, n_events "
        "from results.hazard_ratios where adjustment_set = 'unadjusted'",
        cohort="nhefs",
    )[0]
    assert (n, events) == (1629, 318)
    assert float(ratio) == pytest.approx(1.3945, abs=5e-5)
    assert float(lower) == pytest.approx(1.102, abs=5e-4)
    assert float(upper) == pytest.approx(1.765, abs=5e-4)
    survival = dict(
        project.query(
            "select level, round(survival, 3) from results.survival_probabilities where horizon_years = 10",
            cohort="nhefs",
        )
    )
    assert survival == {"yes": pytest.approx(0.762), "no": pytest.approx(0.820)}
    mediated = project.query(
        "select biomarker, n_participants, n_events, total_effect, direct_effect + indirect_effect, warnings, refusal "
        "from results.mediation_effects",
        cohort="nhefs",
    )
    assert [row[:3] for row in mediated] == [("systolic_blood_pressure", 1552, 286)]
    total, parts, warnings, refusal = mediated[0][3:]
    assert refusal is None
    assert float(str(total)) == pytest.approx(float(str(parts)), abs=1e-9)
    # 18 % die within ten years, and blood pressure was taken after quitting.
    assert str(warnings).split("; ") == ["common_outcome", "early_events_kept"]
    # The compiled SQL is of NHEFS now: no other cohort's lineage is told from it.
    column = "results.hazard_ratios.hazard_ratio"
    assert project.run("-m", "warehouse.lineage", column, COHORT="nhefs").returncode == 0
    other = project.run("-m", "warehouse.lineage", column, COHORT="synthetic")
    assert other.returncode == 8
    assert "run make build first" in other.stderr
