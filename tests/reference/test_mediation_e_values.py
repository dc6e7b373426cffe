"""Mediational E-values against the EValue package (case g01, R 4.2.2)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.sensitivity import RARE_EVENT_SHARE_OF_E_VALUES, mediational_e_values

CASES = Path(__file__).parents[3] / "shared" / "reference" / "survival"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the reference cases are not beside the project (../shared)")

# Ratios go in as logs and come out again: rounding of exp(log x).
TOLERANCE = 1e-11


@pytest.mark.parametrize("is_rare", [True, False])
def test_mediational_e_values__g01(is_rare: bool) -> None:
    rows = json.loads((CASES / "g01_evalues.json").read_text())["results"]
    low, value, high = (np.log([row[key] for row in rows]) for key in ("lo", "est", "hi"))
    got = mediational_e_values(
        indirect=value,
        indirect_lower=low,
        indirect_upper=high,
        direct=value,
        direct_lower=low,
        direct_upper=high,
        event_share=0.02 if is_rare else RARE_EVENT_SHARE_OF_E_VALUES + 0.05,
    )
    expected = [row["rr_or_hr_rare" if is_rare else "hr_common"] for row in rows]
    for effect in (got.indirect, got.direct):
        # A null estimate's E-value has the square root of a rounding error in it.
        points = np.array([e["point"] for e in expected])
        is_null = points == 1.0
        assert_allclose(effect.point[~is_null], points[~is_null], rtol=TOLERANCE)
        assert_allclose(effect.point[is_null], 1.0, atol=1e-7)
        limits = [e["lower"] if e["lower"] is not None else e["upper"] for e in expected]
        assert_allclose(effect.limit, limits, rtol=TOLERANCE)
