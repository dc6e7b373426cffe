"""Cells of numeric columns that hold no number: they would be null in staging, and nobody would know."""

import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.tables import MISSING

NOT_A_NUMBER = "a numeric field holds numbers"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
SPACE = re.compile(b" ")
NONE = pa.array([], pa.uint64())

WORDS = "these cells are words: leave them empty, or export with coding_option RAW"
LIMITS = "these cells say that a value lies beyond a limit: export the values as UK Biobank gives them"
DATES = "these cells are dates: check that the columns fit the header"
COMMAS = "write decimal points: these cells have decimal commas"
# What unreadable cells look like, and what mends them.
FORMS = (
    (re.compile(r"[+-]?\d+,\d{1,2}|[+-]?\d+,\d{4,}|[+-]?\d{1,3}(\.\d{3})*,\d+"), COMMAS),
    (re.compile(r"[+-]?\d{1,3}([, ']\d{3})+(\.\d+)?"), "write numbers without separators of thousands"),
    (re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"), DATES),
    (re.compile(r"\s*[<>]=?\s*\d.*"), LIMITS),
    (re.compile(r"[+-]?\d+([.]\d+)?\s*\D+"), "write numbers without their unit"),
    (re.compile(r".*[^\W\d_].*", re.DOTALL), WORDS),
)  # fmt: skip
OTHERWISE = "export the column again as UK Biobank gives it"


def without_edge_spaces(column: pa.Array) -> pa.Array:
    """Cells without the spaces that fixed-width exports pad them with; cells of nothing else are empty."""
    held = column.buffers()[2]
    if held is None or not SPACE.search(held):
        return column
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, pa.array(MISSING)), pa.scalar(None, pa.string()), trimmed)


def not_numbers(column: pa.Array, *, are_whole: bool = False) -> pa.Array:
    """Indices of the cells that are filled with something else than a number."""
    if are_whole and pc.all(pc.ascii_is_decimal(column), min_count=0).as_py():
        return NONE
    try:
        pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        coded = column.dictionary_encode()
        is_number = pa.array([NUMBER.fullmatch(text.strip()) is not None for text in coded.dictionary.to_pylist()])
        return pc.indices_nonzero(pc.invert(is_number.take(coded.indices)))
    return NONE


def remedy_for(cells: pa.Array) -> str:
    """What to do about cells that are no numbers, by what most of them look like."""
    seen: Counter[str] = Counter()
    for text in cells.to_pylist():
        seen[next((remedy for form, remedy in FORMS if form.fullmatch(text.strip())), OTHERWISE)] += 1
    return seen.most_common(1)[0][0]
