"""What of a table of aggregates may stand on a page that leaves the machine: no count of people from 1 to 4.

Lines of the export are held to the same rule, since in the participants' table a line is a person. Counts of variants,
rules, biomarkers and files are shown as they are; the database beside the landing holds every number.
"""

from collections.abc import Sequence
from typing import Any

from warehouse.small_counts import is_small, is_telling, shown_count, shown_share

# Columns that count people, or lines that may be people.
PEOPLE = frozenset(
    {
        "n_participants", "n_events", "n_events_women", "n_events_men", "n_answers", "n_entries", "n_facts",
        "n_episodes", "n_diagnoses", "n_records", "n_records_of_last_year", "n_rejected", "n_in", "n_excluded", "n_out",
        "n_analysed",
    }
)  # fmt: skip
# Whom the shares of a row are of: the first of these that it has.
GROUP_SIZES = ("n_participants", "n_answers", "n_entries", "n_facts", "n_rows")
# Shares that the size itself is the numerator of, or that somebody else published.
OF_MORE_THAN_THE_GROUP = frozenset(
    {"share_in_showcase", "share_reported", "share_of_baseline", "share_present", "share_with_code", "greatest_share"}
)


def group_size(columns: Sequence[str], row: Sequence[Any]) -> float | None:
    """How many people (or lines) the row is of; None where it does not say."""
    for name in GROUP_SIZES:
        if name in columns:
            size = row[list(columns).index(name)]
            return None if size is None else float(size)
    return None


def shown_row(columns: Sequence[str], row: Sequence[Any]) -> list[Any]:
    """The row with small counts in words, shares that stand for one as a bound, and no measure beside a small count.

    A rate beside its person-years would tell the count again.
    """
    has_small = any(column in PEOPLE and is_small(value) for column, value in zip(columns, row, strict=True))
    size = group_size(columns, row)
    shown: list[Any] = []
    for column, value in zip(columns, row, strict=True):
        if column in PEOPLE and is_small(value):
            shown.append(shown_count(value))
        elif value is None or isinstance(value, str | bool) or column in PEOPLE:
            shown.append(value)
        elif has_small and isinstance(value, float):
            shown.append(None)
        elif is_share_of_group(column) and size and is_telling(float(value), size):
            shown.append(shown_share(float(value), size))
        else:
            shown.append(value)
    return shown


def is_share_of_group(column: str) -> bool:
    return column.startswith("share_") and column not in OF_MORE_THAN_THE_GROUP


def may_be_shown(column: str, value: Any, size: float | None) -> bool:
    """Whether one value of an aggregate may be told by name."""
    if column in PEOPLE:
        return not is_small(value)
    return not (is_share_of_group(column) and size and is_telling(float(value), size))
