"""Delete-one-block jackknife: by hand, and against refitting without each block."""

import itertools

import numpy as np
import pytest

from python_models.estimators.genetics.block_jackknife import (
    block_separators,
    jackknife,
    least_squares_delete_values,
)

EXACT = 1e-12  # the same sums in another order


def test_block_separators__cover_all_snps_once_in_order() -> None:
    separators = block_separators(20_011, 200)
    assert separators[0] == 0
    assert separators[-1] == 20_011
    assert set(np.diff(separators)) == {100, 101}


def test_jackknife__of_a_mean_with_one_value_per_block_is_the_textbook_standard_error() -> None:
    values = np.array([3.0, 1.0, 2.0, 10.0])
    deletes = (values.sum() - values) / (values.size - 1)
    result = jackknife(estimate=np.array([values.mean()]), delete_values=deletes[:, np.newaxis])
    assert result.estimate[0] == pytest.approx(values.mean(), rel=EXACT)
    assert result.standard_error[0] == pytest.approx(values.std(ddof=1) / np.sqrt(values.size), rel=EXACT)


def test_least_squares_delete_values__equal_refitting_without_the_block() -> None:
    rng = np.random.default_rng(1)
    x, separators = rng.normal(size=(60, 2)), block_separators(60, 7)
    y = x @ np.array([1.0, -2.0]) + rng.normal(size=60)
    blocks = [slice(a, b) for a, b in itertools.pairwise(separators)]
    gram = np.array([x[b].T @ x[b] for b in blocks])
    moment = np.array([x[b].T @ y[b] for b in blocks])
    estimate, deletes = least_squares_delete_values(block_gram=gram, block_moment=moment)
    assert estimate == pytest.approx(np.linalg.lstsq(x, y)[0], rel=EXACT)
    for block, delete_value in zip(blocks, deletes, strict=True):
        keep = np.ones(60, dtype=bool)
        keep[block] = False
        assert delete_value == pytest.approx(np.linalg.lstsq(x[keep], y[keep])[0], rel=EXACT)
