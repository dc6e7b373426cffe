"""Derived metabolites equal their formulas, on the values as reported."""

import duckdb
import numpy as np
import pytest

from warehouse.synthetic.metabolites import biomarkers, derivation_order, evaluate, significant

REPORTED = 1e-6  # relative: derived values are reported with eight digits


@pytest.fixture(scope="module")
def levels(tables: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    rows = tables.execute("select * from participant where p23400_i0 is not null").fetchnumpy()
    return {
        one.abbreviation: np.ma.filled(np.ma.array(rows[f"p{one.field_id}_i0"]).astype(object), "nan").astype(
            np.float64
        )
        for one in biomarkers()
    }


@pytest.mark.parametrize("abbreviation", [one.abbreviation for one in derivation_order()])
def test_derived__equals_its_formula_on_reported_values(levels: dict[str, np.ndarray], abbreviation: str) -> None:
    formula = next(one.formula for one in biomarkers() if one.abbreviation == abbreviation)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = evaluate(formula, levels)
    found = levels[abbreviation]
    both = np.isfinite(expected) & np.isfinite(found)
    assert both.sum() > 1_000
    assert found[both] == pytest.approx(expected[both], rel=REPORTED)


def test_biomarkers__are_109_plus_142_derived() -> None:
    derived = [one.is_derived for one in biomarkers()]
    assert (len(derived), sum(derived)) == (251, 142)


def test_evaluate__keeps_the_order_of_operations() -> None:
    values = {"A": np.array([6.0]), "B": np.array([3.0]), "C": np.array([2.0])}
    assert evaluate("A - B - C", values) == pytest.approx([1.0])
    assert evaluate("A / B * 100", values) == pytest.approx([200.0])
    assert evaluate("(A + B) / C", values) == pytest.approx([4.5])


def test_evaluate__refuses_anything_but_arithmetic() -> None:
    with pytest.raises(ValueError, match="not a formula"):
        evaluate("exit(1)", {})


def test_significant__rounds_to_digits_and_keeps_zero_and_gaps() -> None:
    values = np.array([0.00123456, 123456.0, 0.0, np.nan])
    assert significant(values, 3) == pytest.approx([0.00123, 123000.0, 0.0, np.nan], nan_ok=True)


def test_lipids__hang_together(levels: dict[str, np.ndarray]) -> None:
    with np.errstate(divide="ignore"):
        cholesterol = np.log(levels["LDL_C"])
        apo_b = np.log(levels["ApoB"])
    ok = np.isfinite(cholesterol) & np.isfinite(apo_b)
    assert np.corrcoef(cholesterol[ok], apo_b[ok])[0, 1] > 0.5
