"""Arrays and multi-select answers as one JSON list of text per participant, index-aligned, null kept inside.

Seen in the wild: a JSON list (`["F412","N318"]`), a Python list (`['F412', 'N318']`), what numpy prints
(`['F412' 'N318']`), a pipe string (`D261|E113`), and one column per array index (`41270-0.0`, `41270-0.1`, ...).
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Encoding = Literal["json", "python", "numpy", "pipe", "single"]

# The list of strings that numpy prints, and pandas writes for columns of arrays: ['F412' 'N318'].
NUMPY = re.compile(r"^\[\s*('[^']*'|-?\d+(\.\d*)?)(\s+('[^']*'|-?\d+(\.\d*)?))*\s*\]$")
ADJACENT = re.compile(r"""['"]\s+['"]""")  # to Python, two strings side by side are one
NUMPY_ITEM = re.compile(r"'([^']*)'|(-?\d+)(?:\.\d*)?")
# Lists parted by a comma, a semicolon or a space, or in the brackets of other systems, hold what no code does.
CODE = re.compile(r"^-?[A-Za-z0-9][\w.]*$")

CANONICAL = r'^\["[^"\\]*"(,"[^"\\]*")*\]$'


def to_json(items: Sequence[str | None]) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def encoding_of(cell: str) -> Encoding:
    """The array encoding one cell shows."""
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):
        if len(text.split()) > 1 and NUMPY.match(text):
            return "numpy"
        return "python" if "'" in text and '"' not in text.replace("\\'", "") else "json"
    return "pipe" if "|" in text else "single"


def encodings_seen(cells: Iterable[str | None]) -> Counter[str]:
    """How many cells show each encoding."""
    return Counter(encoding_of(cell) for cell in cells if cell)


def read_list(cell: str) -> list[str | None] | None:
    """Items of a list cell in any encoding; None where the cell is no list at all."""
    text = cell.strip()
    if not text.startswith("["):
        return [item if item not in ("", "NA") else None for item in map(str.strip, text.split("|"))]
    if NUMPY.match(text):
        return [found[1] or found[2] for found in NUMPY_ITEM.finditer(text)]
    if ADJACENT.search(text):
        return None
    try:
        items = json.loads(text)
    except ValueError:
        try:
            items = ast.literal_eval(text.replace("nan", "None").replace("null", "None") if "'" not in text else text)
        except (ValueError, SyntaxError):
            return None
    if not isinstance(items, list):
        return None
    return [None if item in (None, "", "NA") else _item(item) for item in items]


def items_of(cells: Iterable[str | None]) -> Iterator[str]:
    """Filled cells, those that hold lists opened."""
    for cell in cells:
        if not cell:
            continue
        if cell[0] == "[" or "|" in cell:
            yield from (item for item in read_list(cell) or () if item)
        else:
            yield cell


def _item(item: object) -> str:
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def canonical_lists(
    column: pa.Array, *, decode: Callable[[str], str | None] | None = None, are_codes: bool = False
) -> tuple[pa.Array, pa.Array]:
    """JSON lists from list cells, and the indices of cells that are no list.

    decode : what each item lands as, such as the code of a meaning; None for an item that is none.
    are_codes : items are codes, so that one with a comma or a space in it is a list in another form.
    """
    done = pc.match_substring_regex(column, CANONICAL) if decode is None else None
    if done is not None and pc.all(done, min_count=0).as_py():
        return column, pa.array([], pa.uint64())
    coded = column.dictionary_encode()
    texts: list[str | None] = []
    for cell in coded.dictionary.to_pylist():
        items = read_list(cell)
        if items is not None and decode is not None:
            codes = [None if item is None else decode(item) for item in items]
            items = codes if codes.count(None) == items.count(None) else None
        elif items is not None and are_codes and not all(item is None or CODE.match(item) for item in items):
            items = None
        texts.append(None if items is None else to_json(items))
    lists = pa.array(texts, pa.string()).take(coded.indices)
    bad = pc.indices_nonzero(pc.and_(pc.is_valid(column), pc.is_null(lists)))
    # An empty list is an empty cell.
    return pc.if_else(pc.equal(lists, "[]"), pa.scalar(None, pa.string()), lists), bad


def list_lengths(lists: pa.Array) -> np.ndarray:
    """Items in each canonical JSON list, 0 for null; shape (n_rows,)."""
    coded = lists.dictionary_encode()
    lengths = np.array([len(json.loads(cell)) for cell in coded.dictionary.to_pylist()] or [0], dtype=np.int64)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(codes >= 0, lengths[np.maximum(codes, 0)], 0)


def combine_columns(
    columns: Mapping[int, pa.Array], *, n_rows: int, first_index: int, lengths: np.ndarray | None = None
) -> tuple[pa.Array, np.ndarray]:
    """JSON lists from one column per array index, and the rows whose array is longer than `lengths`.

    columns : array index -> column of n_rows cells; an index without a column is null everywhere.
    first_index : the lowest array index of the field; it becomes the first item.
    lengths : items each list must have (its codes' array), shape (n_rows,); without it trailing nulls are dropped.
    """
    last = np.full(n_rows, -1, dtype=np.int64)
    ordered = sorted(columns)
    for index in ordered:
        valid = columns[index].is_valid().to_numpy(zero_copy_only=False)
        last[valid] = index - first_index
    too_long = np.flatnonzero(last + 1 > lengths) if lengths is not None else np.array([], dtype=np.int64)
    n_items = last + 1 if lengths is None else np.where(last >= 0, np.maximum(lengths, last + 1), 0)
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(n_items, out=offsets[1:])
    pieces: list[pa.Array] = []
    take = np.zeros(offsets[-1], dtype=np.int64)
    base = 1
    for index in ordered:
        valid = columns[index].is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(valid)
        if rows.size == 0:
            continue
        pieces.append(columns[index].drop_null())
        take[offsets[rows] + index - first_index] = base + np.arange(rows.size)
        base += rows.size
    # Item 0 is the literal null, which every cell not set above takes.
    values = [_quoted(pa.concat_arrays(pieces))] if pieces else []
    items = pa.concat_arrays([pa.array(["null"]), *values]).take(pa.array(take))
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)
    texts = pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")
    return pc.if_else(pa.array(n_items == 0), pa.scalar(None, pa.string()), texts), too_long


def _quoted(values: pa.Array) -> pa.Array:
    plain = not pc.any(pc.match_substring_regex(values, r'["\\\x00-\x1f]'), min_count=0).as_py()
    if plain:
        return pc.binary_join_element_wise('"', values, '"', "")
    return pa.array([to_json([value])[1:-1] for value in values.to_pylist()], pa.string())
