"""LD score regression of one trait: plain twin, invariance, refusals, recovery."""

import itertools

import numpy as np
import pytest

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError
from python_models.estimators.genetics.heritability import Heritability, LdScores, heritability
from tests.estimators.genetics.planted_pair import PlantedPair, simulate_z

SAME_SUMS = 1e-9  # the same weighted sums in another order, through two reweightings
WITHIN_STANDARD_ERRORS = 2.0


def plain_one_step(*, z: FloatArray, n: float, ld_scores: LdScores, n_blocks: int) -> tuple[float, float, float]:
    """h2, its standard error and the intercept by least squares on stored weights and refits: slow and literal."""
    y, x, m = z**2, ld_scores.l2, ld_scores.n_reference_snps
    design = np.column_stack([x, np.ones_like(x)])

    def weights(h2: float, intercept: float) -> FloatArray:
        l2 = np.maximum(ld_scores.l2, 1.0)
        variance = 2 * (intercept + n * min(max(h2, 0.0), 1.0) * l2 / m) ** 2
        return 1 / variance / np.maximum(ld_scores.weight_l2, 1.0)

    def solve(w: FloatArray, keep: FloatArray) -> FloatArray:
        root = np.sqrt(w * keep)
        return np.linalg.lstsq(design * root[:, np.newaxis], y * root)[0]

    everything = np.ones_like(y)
    w = weights(m * (y.mean() - 1) / (n * x.mean()), 1.0)
    for _ in range(2):
        slope, intercept = solve(w, everything)
        w = weights(m * slope / n, intercept)
    slope, intercept = solve(w, everything)
    edges = np.floor(np.linspace(0, y.size, n_blocks + 1)).astype(int)
    deletes = []
    for a, b in itertools.pairwise(edges):
        keep = everything.copy()
        keep[a:b] = 0
        deletes.append(solve(w, keep)[0])
    pseudo = n_blocks * slope - (n_blocks - 1) * np.array(deletes)
    return m * slope / n, m / n * pseudo.std(ddof=1) / np.sqrt(n_blocks), intercept


def fit(z: FloatArray, planted: PlantedPair, ld_scores: LdScores, **options: object) -> Heritability:
    return heritability(z=z, n=planted.n_1, ld_scores=ld_scores, **options)  # type: ignore[arg-type]


def test_heritability__equals_its_plain_twin(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    result = fit(pair[0], planted, ld_scores, two_step=None, n_blocks=50)
    h2, standard_error, intercept = plain_one_step(z=pair[0], n=planted.n_1, ld_scores=ld_scores, n_blocks=50)
    assert result.h2 == pytest.approx(h2, rel=SAME_SUMS)
    assert result.h2_standard_error == pytest.approx(standard_error, rel=SAME_SUMS)
    assert result.intercept == pytest.approx(intercept, rel=SAME_SUMS)


def test_heritability__default_is_two_steps_at_30(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    default = fit(pair[0], planted, ld_scores)
    assert default.two_step == 30.0
    assert default.h2 == fit(pair[0], planted, ld_scores, two_step=30.0).h2
    assert default.h2 != fit(pair[0], planted, ld_scores, two_step=None).h2


def test_heritability__a_fixed_intercept_switches_the_default_two_steps_off(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    result = fit(pair[0], planted, ld_scores, intercept=1.02)
    assert result.two_step is None
    assert (result.intercept, result.intercept_standard_error, result.ratio) == (1.02, None, None)


def test_heritability__explicit_two_steps_with_a_fixed_intercept_is_refused(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    with pytest.raises(GeneticsInputError, match="leave the intercept free"):
        fit(pair[0], planted, ld_scores, intercept=1.0, two_step=30.0)


def test_heritability__sign_of_z_does_not_matter(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    signs = np.random.default_rng(3).choice([-1.0, 1.0], size=pair[0].size)
    assert fit(pair[0] * signs, planted, ld_scores).h2 == fit(pair[0], planted, ld_scores).h2


def test_heritability__order_inside_a_jackknife_block_does_not_matter(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    rng, order = np.random.default_rng(4), np.arange(pair[0].size).reshape(50, -1)
    shuffled = np.concatenate([rng.permutation(block) for block in order])
    scores = LdScores(ld_scores.l2[shuffled], ld_scores.weight_l2[shuffled], ld_scores.n_reference_snps)
    one = fit(pair[0], planted, ld_scores, two_step=None, n_blocks=50)
    other = fit(pair[0][shuffled], planted, scores, two_step=None, n_blocks=50)
    assert other.h2 == pytest.approx(one.h2, rel=SAME_SUMS)
    assert other.h2_standard_error == pytest.approx(one.h2_standard_error, rel=SAME_SUMS)


@pytest.mark.parametrize("two_step", [None, 30.0])
def test_heritability__twice_the_n_is_half_the_h2(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores, two_step: float | None
) -> None:
    once = fit(pair[0], planted, ld_scores, two_step=two_step)
    twice = heritability(z=pair[0], n=2 * planted.n_1, ld_scores=ld_scores, two_step=two_step)
    assert once.h2 is not None
    assert twice.h2 == pytest.approx(once.h2 / 2, rel=SAME_SUMS)
    assert twice.intercept == pytest.approx(once.intercept, rel=SAME_SUMS)


def test_heritability__missing_snps_are_counted_and_equal_snps_never_given(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    z = pair[0].copy()
    z[::7] = np.nan
    n = np.full(z.size, planted.n_1)
    n[3] = 0.0
    kept = np.isfinite(z) & (n > 0)
    scores = LdScores(ld_scores.l2[kept], ld_scores.weight_l2[kept], ld_scores.n_reference_snps)
    result = heritability(z=z, n=n, ld_scores=ld_scores)
    assert result.n_missing == int((~kept).sum())
    assert result.h2 == fit(z[kept], planted, scores).h2


def test_heritability__maximum_chi_square_leaves_out_and_counts(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    result = fit(pair[0], planted, ld_scores, maximum_chi_square=10.0)
    assert result.n_above_maximum == int((pair[0] ** 2 >= 10.0).sum())
    assert result.n_snps + result.n_above_maximum == pair[0].size


def test_heritability__few_snps_are_noted(
    pair: tuple[FloatArray, FloatArray], planted: PlantedPair, ld_scores: LdScores
) -> None:
    assert any("fewer than 200,000" in note for note in fit(pair[0], planted, ld_scores).notes)


def test_heritability__ratio_is_explained_where_mean_chi_square_is_below_one(ld_scores: LdScores) -> None:
    z = np.random.default_rng(5).normal(scale=0.9, size=ld_scores.l2.size)
    result = heritability(z=z, n=1_000.0, ld_scores=ld_scores)
    assert result.ratio is None
    assert any("the ratio is undefined" in note for note in result.notes)


@pytest.mark.parametrize(
    ("z", "l2", "reason"),
    [
        (np.full(900, np.nan), np.arange(1.0, 901.0), "no SNP has both a Z score and an LD score"),
        (np.ones(300), np.arange(1.0, 301.0), "300 SNPs are too few for 200 jackknife blocks"),
        (np.linspace(-2, 2, 900), np.ones(900), "the LD score is the same at every SNP"),
        (np.full(900, 9.0), np.arange(1.0, 901.0), "0 SNPs have chi-square below 30"),
    ],
    ids=["no overlap", "too few", "flat LD", "no weak SNP"],
)
def test_heritability__refuses_by_name(z: FloatArray, l2: FloatArray, reason: str) -> None:
    scores = LdScores.of(l2=l2, weight_l2=l2, n_reference_snps=1_000)
    result = heritability(z=z, n=1_000.0, ld_scores=scores)
    assert result.refusal is not None
    assert reason in result.refusal
    assert result.h2 is None


def test_ld_scores__faults_are_collected() -> None:
    with pytest.raises(GeneticsInputError) as caught:
        LdScores.of(l2=[1.0, np.nan], weight_l2=[1.0, 2.0], n_reference_snps=0)
    assert len(caught.value.faults) == 2


def test_heritability__lengths_must_agree(ld_scores: LdScores) -> None:
    with pytest.raises(GeneticsInputError, match="inputs differ in length"):
        heritability(z=[1.0, 2.0], n=10.0, ld_scores=ld_scores)


@pytest.mark.parametrize("trait", [1, 2])
def test_heritability__recovers_h2_on_the_real_ld_scores(european_ld_scores: LdScores, trait: int) -> None:
    truth = PlantedPair()
    z = simulate_z(ld_scores=european_ld_scores, truth=truth, rng=np.random.default_rng(20_260_101))[trait - 1]
    n, h2, intercept = ((truth.n_1, truth.h2_1, truth.intercept_1), (truth.n_2, truth.h2_2, truth.intercept_2))[
        trait - 1
    ]
    result = heritability(z=z, n=n, ld_scores=european_ld_scores, two_step=None)
    assert result.h2 is not None
    assert result.h2_standard_error is not None
    assert result.intercept is not None
    assert result.intercept_standard_error is not None
    assert abs(result.h2 - h2) < WITHIN_STANDARD_ERRORS * result.h2_standard_error
    assert abs(result.intercept - intercept) < WITHIN_STANDARD_ERRORS * result.intercept_standard_error
    assert result.notes == ()
