"""Arrays in every encoding are one JSON list, index-aligned, null kept inside."""

import json

import numpy as np
import pyarrow as pa
import pytest

from warehouse.ingest.arrays import canonical_lists, combine_columns, encoding_of, list_lengths


@pytest.mark.parametrize(
    ("cell", "encoding", "expected"),
    [
        ('["F412","N318"]', "json", '["F412","N318"]'),
        ('["F412", "N318"]', "json", '["F412","N318"]'),
        ("['F412', 'N318']", "python", '["F412","N318"]'),
        ("D261|E113", "pipe", '["D261","E113"]'),
        ("D261", "single", '["D261"]'),
        ("[1140868226, 1140861958.0]", "json", '["1140868226","1140861958"]'),
        ('["2012-03-04",null]', "json", '["2012-03-04",null]'),
        ("['2012-03-04', None]", "python", '["2012-03-04",null]'),
        ("D261||E113", "pipe", '["D261",null,"E113"]'),
        ("[]", "json", None),
        (None, None, None),
        ('["F412"', None, None),
    ],
)
def test_canonical_lists__one_form(cell: str | None, encoding: str | None, expected: str | None) -> None:
    lists, bad = canonical_lists(pa.array([cell], pa.string()))
    assert lists.to_pylist() == [expected]
    assert bad.to_pylist() == ([0] if cell == '["F412"' else [])
    if cell and encoding:
        assert encoding_of(cell) == encoding


def test_canonical_lists__one_unknown_meaning_rejects_the_list() -> None:
    code = {"Slow pace": "1", "Brisk pace": "3"}.get
    lists, bad = canonical_lists(pa.array(["Slow pace|Brisk pace", "Slow pace|Running"]), decode=code)
    assert lists.to_pylist() == ['["1","3"]', None]
    assert bad.to_pylist() == [1]


def test_list_lengths__counts_items_and_nothing_for_null() -> None:
    assert list_lengths(pa.array(['["a",null]', None, '["b"]'])).tolist() == [2, 0, 1]


def test_combine_columns__agrees_with_its_plain_twin() -> None:
    rng = np.random.default_rng(7)
    n_rows, indices = 200, [1, 2, 4]
    cells = {k: [None if rng.random() < 0.6 else f'v"{k}{r}' for r in range(n_rows)] for k in indices}
    lists, _ = combine_columns({k: pa.array(c, pa.string()) for k, c in cells.items()}, n_rows=n_rows, first_index=1)
    for row, made in enumerate(lists.to_pylist()):
        plain = [cells[k][row] if k in cells else None for k in range(1, 5)]
        while plain and plain[-1] is None:
            plain.pop()
        assert (json.loads(made) if made else []) == plain


def test_combine_columns__dates_are_as_many_as_their_codes() -> None:
    columns = {0: pa.array(["d", None, None]), 1: pa.array([None, None, "e"])}
    lists, too_long = combine_columns(columns, n_rows=3, first_index=0, lengths=np.array([3, 2, 1]))
    assert lists.to_pylist() == ['["d",null,null]', None, '[null,"e"]']
    assert too_long.tolist() == [2]
