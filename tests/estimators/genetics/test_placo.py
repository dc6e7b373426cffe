"""PLACO and PLACO+: printed vectors, the tail against quadrature and simulation, invariance, refusals."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import kve

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.placo import Placo, PlacoParameters, decorrelated, placo, placo_parameters
from python_models.estimators.genetics.product_normal import product_tail

PRINTED = 2e-7  # the vectors are written with 7 to 10 significant digits
TABLE = 1e-10  # promised accuracy of the interpolated log tail


def one(z_1: float, z_2: float, variances: tuple[float, float], r: float) -> float:
    parameters = PlacoParameters(variance_1=variances[0], variance_2=variances[1], correlation=r)
    result = placo(z_1=[z_1], z_2=[z_2], method="placo_plus" if r else "placo", parameters=parameters)
    return float(result.p[0])


@pytest.mark.parametrize(
    ("z_1", "z_2", "variances", "r", "p"),
    [
        (2, 2, (1, 1), 0, 0.0064596256),
        (3, -3, (1, 1), 0, 3.0865858e-05),
        (4, 5, (1, 1), 0, 3.570683e-10),
        (2, 3, (1.1, 1.3), 0, 0.0018924720),
        (0.5, 0.1, (1, 1), 0, 0.8690921969),
        (3, 3, (1, 1), 0.3, 1.584725e-04),
        (3, -3, (1, 1), 0.3, 1.584725e-04),
        (2, 3, (1.1, 1.3), 0.25, 0.0034264767),
    ],
)
def test_placo__equals_the_printed_vectors(
    z_1: float, z_2: float, variances: tuple[float, float], r: float, p: float
) -> None:
    assert one(z_1, z_2, variances, r) == pytest.approx(p, rel=PRINTED)


@pytest.mark.parametrize("r", [0.0, 0.2, -0.6, 0.95])
@pytest.mark.parametrize("x", [1e-9, 1e-3, 0.3, 0.99, 1.01, 3.0, 25.0, 400.0, 1e4])
def test_product_tail__equals_quadrature_of_the_scaled_bessel_density(r: float, x: float) -> None:
    y, a = x / (1 - r * r), abs(r)
    edges = y + np.array([0, 0.01, 0.1, 1, 5, 20, 60]) / (1 - a)
    scaled = sum(
        quad(
            lambda w: kve(0, w) * np.exp(-(w - y) * (1 - a)) * (1 + np.exp(-2 * a * w)), low, high, epsabs=0, limit=400
        )[0]
        for low, high in itertools.pairwise(edges)
    )
    log_tail = np.log(np.sqrt(1 - r * r) / np.pi * scaled) - y * (1 - a)
    assert float(product_tail(r).log_tail(np.array([x]))[0]) == pytest.approx(log_tail, abs=TABLE, rel=TABLE)


def test_product_tail__counts_simulated_products() -> None:
    rng, n, r = np.random.default_rng(1), 400_000, 0.4
    u, v = rng.standard_normal((2, n))
    product = np.abs(u * (r * u + np.sqrt(1 - r * r) * v))
    for x in (0.1, 1.0, 3.0):
        share = (product > x).mean()
        assert np.exp(product_tail(r).log_tail(np.array([x]))[0]) == pytest.approx(share, abs=4 / np.sqrt(n))


def test_product_tail__is_one_at_zero_and_falls() -> None:
    log_tail = product_tail(0.1).log_tail(np.concatenate([[0.0, 1e-300], np.geomspace(1e-10, 1e6, 500)]))
    assert log_tail[:2].tolist() == [0.0, 0.0]
    assert (np.diff(log_tail[2:]) < 0).all()
    assert np.isfinite(log_tail).all()


@pytest.fixture(scope="module")
def genome() -> tuple[np.ndarray, np.ndarray]:
    """60,000 SNPs, the first trait polygenic (variance of Z 1.8), the second not heritable."""
    z_1, z_2 = np.random.default_rng(2).standard_normal((2, 60_000))
    return np.sqrt(1.8) * z_1, z_2


def run(genome: tuple[np.ndarray, np.ndarray], **options: object) -> Placo:
    return placo(z_1=genome[0], z_2=genome[1], **options)  # type: ignore[arg-type]


def test_placo__is_calibrated_where_only_one_trait_is_associated(genome: tuple[np.ndarray, np.ndarray]) -> None:
    p = run(genome, method="placo").p
    for level in (0.05, 0.01, 0.001):
        assert (p < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level / p.size))


def test_placo_plus__is_calibrated_under_sample_overlap_and_placo_is_not() -> None:
    rng, r = np.random.default_rng(3), 0.5
    u, v = rng.standard_normal((2, 60_000))
    overlapping = (u, r * u + np.sqrt(1 - r * r) * v)
    assert (run(overlapping, method="placo_plus").p < 0.01).mean() == pytest.approx(0.01, abs=0.002)
    plain = run(overlapping, method="placo")
    assert (plain.p < 0.01).mean() > 0.015
    assert any("use placo_plus" in note for note in plain.notes)


def test_placo__allele_swap_trait_swap_and_snp_order_do_not_matter(genome: tuple[np.ndarray, np.ndarray]) -> None:
    """Given the null's parameters: estimated from centred Z they depend, a little, on which allele is counted."""
    z_1, z_2 = genome
    null = placo_parameters(z_1=z_1, z_2=z_2)
    swapped = PlacoParameters(null.variance_2, null.variance_1, null.correlation)
    p = run(genome, parameters=null).p
    sign = np.random.default_rng(4).choice([-1.0, 1.0], size=z_1.size)
    assert run((sign * z_1, sign * z_2), parameters=null).p == pytest.approx(p, rel=1e-9)
    assert run((z_2, z_1), parameters=swapped).p == pytest.approx(p, rel=1e-9)
    order = np.random.default_rng(5).permutation(z_1.size)
    assert run((z_1[order], z_2[order]), parameters=null).p == pytest.approx(p[order], rel=1e-9)


def test_placo__keeps_digits_where_p_underflows() -> None:
    null = PlacoParameters(variance_1=1.0, variance_2=1.0, correlation=0.0)
    result = placo(z_1=[100.0], z_2=[100.0], method="placo", parameters=null, maximum_z_squared=None)
    x = 1e4  # leading term of the tail: sqrt(2 / (pi x)) exp(-x) (1 - 5 / (8 x))
    leading = (x - 0.5 * np.log(2 / (np.pi * x)) - np.log1p(-5 / (8 * x))) / np.log(10)
    assert result.p[0] == 0.0
    assert result.neg_log10_p[0] == pytest.approx(leading, rel=1e-9)


def test_placo__missing_and_extreme_snps_are_left_out_and_counted() -> None:
    z_1 = np.array([1.0, np.nan, 9.5, 2.0, -1.0])
    z_2 = np.array([0.5, 1.0, 1.0, -9.0, np.nan])
    null = PlacoParameters(variance_1=1.0, variance_2=1.0, correlation=0.0)
    result = placo(z_1=z_1, z_2=z_2, parameters=null)
    assert (result.index.tolist(), result.n_missing, result.n_extreme) == ([0], 2, 2)


def test_placo_parameters__use_the_two_definitions_of_null() -> None:
    hit = 10.0
    z_1 = np.array([1.0, -1.0, 2.0, hit, hit, 0.5])
    z_2 = np.array([0.5, 1.0, -1.0, hit, 0.0, -0.5])
    ours = placo_parameters(z_1=z_1, z_2=z_2)
    assert ours.variance_1 == pytest.approx(np.var([1.0, -1.0, 2.0, hit, 0.5], ddof=1))
    assert ours.correlation == pytest.approx(np.corrcoef(z_1[[0, 1, 2, 5]], z_2[[0, 1, 2, 5]])[0, 1])
    assert (ours.n_for_variance, ours.n_for_correlation) == (5, 4)


def test_placo__variances_below_one_never_give_a_p_that_is_not_positive() -> None:
    null = PlacoParameters(variance_1=0.7, variance_2=0.7, correlation=0.0)
    result = placo(z_1=[1.0, 6.0], z_2=[1.0, 6.0], method="placo", parameters=null)
    assert (result.p > 0).all()
    assert any("variances of Z below 1" in note for note in result.notes)


def test_placo__a_list_of_candidates_is_noted() -> None:
    rng = np.random.default_rng(6)
    assert any("not for a list of candidates" in note for note in run(tuple(rng.normal(size=(2, 500)))).notes)


def test_decorrelated__leaves_no_correlation_and_unit_variance() -> None:
    rng, r = np.random.default_rng(7), 0.3
    u, v = rng.standard_normal((2, 100_000))
    first, second = decorrelated(z_1=u, z_2=r * u + np.sqrt(1 - r * r) * v, correlation=r)
    assert np.cov(first, second) == pytest.approx(np.eye(2), abs=0.02)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "plako"}, "use 'placo' or 'placo_plus'"),
        ({"z_1": [np.nan]}, "no SNP has both Z scores"),
        ({"correlation": 1.0}, "beyond 0.99"),
        ({"parameters": PlacoParameters(0.0, 1.0, 0.0)}, "not positive"),
    ],
)
def test_placo__refuses_by_name(options: dict[str, object], reason: str) -> None:
    arguments = {"z_1": [1.0], "z_2": [1.0], "parameters": PlacoParameters(1.0, 1.0, 0.0)} | options
    with pytest.raises(GeneticsInputError, match=reason):
        placo(**arguments)  # type: ignore[arg-type]
