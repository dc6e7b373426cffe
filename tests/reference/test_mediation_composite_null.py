"""Composite-null tests against DACT and HDMT (case j02: 1,000 random p-values in R 4.2.2)."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.composite_null import dact, hdmt, max_p
from python_models.estimators.multiplicity import adjust_p_values

CASES = Path(__file__).parents[3] / "shared" / "reference" / "survival"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the reference cases are not beside the project (../shared)")

# The same double arithmetic in another order.
TOLERANCE = 1e-12
# The distributed HDMT looks lambda up in 0.1, 0.2, ... and, asked for 0.5, answered with the counts of 0.7.
LAMBDA_USED_BY_THE_REFERENCE = 0.7


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    with (CASES / "j02_joint_tests.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    results = json.loads((CASES / "j02_joint_tests.json").read_text())["results"]
    return np.array([float(r["p_a"]) for r in rows]), np.array([float(r["p_b"]) for r in rows]), results


def test_max_p__j02(case: tuple[np.ndarray, np.ndarray, dict[str, Any]]) -> None:
    p_a, p_b, expected = case
    assert_allclose(max_p(p_a, p_b), expected["maxp"], rtol=TOLERANCE)
    assert_allclose(adjust_p_values(max_p(p_a, p_b), "bh"), expected["maxp_bh"], rtol=TOLERANCE)


def test_dact__j02_jin_cai(case: tuple[np.ndarray, np.ndarray, dict[str, Any]]) -> None:
    p_a, p_b, expected = case
    got = dact(p_a, p_b, correction="jin_cai")
    assert got.refusal is None
    assert_allclose(got.p, expected["dact_jc"], rtol=TOLERANCE, atol=TOLERANCE)


def test_hdmt__j02_as_published(case: tuple[np.ndarray, np.ndarray, dict[str, Any]]) -> None:
    p_a, p_b, expected = case
    got = hdmt(p_a, p_b, threshold=LAMBDA_USED_BY_THE_REFERENCE, rule="published")
    assert got.shares is not None
    shares = {
        "alpha00": got.shares.pi_00,
        "alpha01": got.shares.pi_01,
        "alpha10": got.shares.pi_10,
        "alpha1": got.shares.pi_a,
        "alpha2": got.shares.pi_b,
    }
    for name, value in shares.items():
        assert_allclose(value, expected["hdmt_null"][name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
    assert_allclose(got.q, expected["hdmt_fdr_asymptotic"], rtol=TOLERANCE)


def test_hdmt__j02_published_shares_contradict_their_margin(
    case: tuple[np.ndarray, np.ndarray, dict[str, Any]],
) -> None:
    """Why `coherent` is the default: the published shares of j02 have more mediators null in b than b has nulls."""
    p_a, p_b, expected = case
    published = expected["hdmt_null"]
    assert published["alpha00"] + published["alpha10"] > published["alpha2"] + 0.05
    coherent = hdmt(p_a, p_b, threshold=LAMBDA_USED_BY_THE_REFERENCE).shares
    assert coherent is not None
    assert_allclose(coherent.pi_00 + coherent.pi_10, coherent.pi_b, rtol=TOLERANCE)
    assert_allclose(coherent.pi_00 + coherent.pi_01, coherent.pi_a, rtol=TOLERANCE)
