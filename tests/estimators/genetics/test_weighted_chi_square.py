"""Tail of a weighted sum of chi-squares: closed forms, Imhof's integral, hard spectra."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2

from python_models.estimators.genetics import weighted_chi_square
from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError
from python_models.estimators.genetics.weighted_chi_square import log_tail_probability

CLOSED_FORM = 1e-11  # sums of up to 1,500 logarithms
PRINTED = 2e-5  # the vector is printed with 5 digits
IMHOF_ABSOLUTE = 1e-7  # the integral is cut at u = 200, where four eigenvalues leave 1e-8


def imhof(q: float, eigenvalues: FloatArray) -> float:
    """P(Q > q) by Imhof's real integral (1961, eq. 3.2): the plain twin."""

    def integrand(u: float) -> float:
        theta = 0.5 * (np.arctan(eigenvalues * u).sum() - q * u)
        return float(np.sin(theta) / (u * np.prod((1 + (eigenvalues * u) ** 2) ** 0.25)))

    return 0.5 + quad(integrand, 0, 200, limit=4_000, epsabs=1e-12)[0] / np.pi


@pytest.mark.parametrize("m", [1, 2, 3, 10, 200, 1_500])
@pytest.mark.parametrize("relative", [1e-6, 0.1, 0.9, 1.0, 1.1, 3.0, 10.0])
def test_log_tail_probability__of_equal_weights_is_the_chi_square(m: int, relative: float) -> None:
    expected = chi2.logsf(relative * m, m)
    ours = log_tail_probability(q=relative * m * 2.5, eigenvalues=np.full(m, 2.5))
    if np.isinf(expected):  # SciPy underflows: Chernoff's exponent is the leading term
        chernoff = -0.5 * m * (relative - 1 - np.log(relative))
        assert ours == pytest.approx(chernoff, rel=0.01)
    else:
        assert ours == pytest.approx(expected, rel=CLOSED_FORM, abs=1e-15)


def test_log_tail_probability__equals_the_printed_vector() -> None:
    ld = np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]])
    p = np.exp(log_tail_probability(q=9.98, eigenvalues=np.linalg.eigvalsh(ld)))
    assert p == pytest.approx(0.029898, rel=PRINTED)


@pytest.mark.parametrize("seed", range(12))
def test_log_tail_probability__equals_imhof(seed: int) -> None:
    rng = np.random.default_rng(seed)
    eigenvalues = rng.exponential(size=rng.integers(4, 12)) + 0.2
    q = eigenvalues.sum() * rng.uniform(0.3, 3.0)
    assert np.exp(log_tail_probability(q=q, eigenvalues=eigenvalues)) == pytest.approx(
        imhof(q, eigenvalues), abs=IMHOF_ABSOLUTE
    )


@pytest.mark.parametrize("seed", range(40))
def test_log_tail_probability__does_not_move_with_its_step_on_hard_spectra(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few large weights over many small ones once made the path run into growth (a NaN and wrong digits)."""
    rng = np.random.default_rng([9, seed])
    small = np.full(rng.integers(50, 2_000), rng.uniform(1e-3, 1))
    eigenvalues = np.concatenate([rng.uniform(1, 100, size=rng.integers(1, 4)), small])
    q = eigenvalues.sum() * np.exp(rng.normal())
    once = log_tail_probability(q=q, eigenvalues=eigenvalues)
    monkeypatch.setattr(weighted_chi_square, "STEP", 0.02)
    assert np.isfinite(once)
    assert once == pytest.approx(log_tail_probability(q=q, eigenvalues=eigenvalues), rel=1e-10, abs=1e-12)


def test_log_tail_probability__scale_and_order_do_not_matter_and_it_falls_with_q() -> None:
    eigenvalues = np.array([3.0, 1.0, 0.2, 0.0])
    one = log_tail_probability(q=12.0, eigenvalues=eigenvalues)
    assert log_tail_probability(q=120.0, eigenvalues=eigenvalues[::-1] * 10) == pytest.approx(one, rel=1e-12)
    tail = [log_tail_probability(q=q, eigenvalues=eigenvalues) for q in np.linspace(0, 500, 60)]
    assert tail[0] == 0.0
    assert (np.diff(tail) < 0).all()


@pytest.mark.parametrize(("q", "eigenvalues"), [(-1.0, [1.0]), (np.nan, [1.0]), (1.0, [0.0]), (1.0, [np.nan])])
def test_log_tail_probability__refuses_the_impossible(q: float, eigenvalues: list[float]) -> None:
    with pytest.raises(GeneticsInputError):
        log_tail_probability(q=q, eigenvalues=eigenvalues)
