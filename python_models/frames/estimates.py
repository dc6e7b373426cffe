"""Columns that every table of hazard ratios has: from a log hazard ratio and its error to interval, p and E-values."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from python_models.estimators.survival.e_values import e_values
from warehouse.small_counts import FEWER, SMALLEST_CELL

F8 = npt.NDArray[np.float64]
NORMAL_975 = float(special.ndtri(0.975))
# A hazard ratio is read as a risk ratio while the outcome is rarer than this by the end of follow-up (VanderWeele &
# Ding 2017, table 2).
RARE_OUTCOME_SHARE = 0.15
# Below it a coefficient of a Cox model and its error may be off (Peduzzi et al. 1995).
FEW_EVENTS_PER_PARAMETER = 10

# Columns that count people end so; refusals name how few have the event.
COUNTS_OF_PEOPLE = (
    "n_participants",
    "n_events",
    "n_at_risk",
    "n_events_level",
    "n_events_reference",
    "n_participants_in_both",
)
SMALL_IN_WORDS = rf"^too few events: [1-{SMALLEST_CELL - 1}]\b"

COUNTS: tuple[tuple[str, pa.DataType], ...] = (
    ("n_participants", pa.int64()),
    ("n_events", pa.int64()),
    ("person_years", pa.float64()),
)
ESTIMATE: tuple[tuple[str, pa.DataType], ...] = (
    ("log_hazard_ratio", pa.float64()),
    ("standard_error", pa.float64()),
    ("hazard_ratio", pa.float64()),
    ("hazard_ratio_lower", pa.float64()),
    ("hazard_ratio_upper", pa.float64()),
    ("p_value", pa.float64()),
)
E_VALUES: tuple[tuple[str, pa.DataType], ...] = (("e_value", pa.float64()), ("e_value_of_limit", pa.float64()))


def hazard_ratio_columns(beta: float, standard_error: float) -> dict[str, float]:
    """The six columns of ESTIMATE, by the normal distribution."""
    return {
        "log_hazard_ratio": beta,
        "standard_error": standard_error,
        "hazard_ratio": math.exp(beta),
        "hazard_ratio_lower": math.exp(beta - NORMAL_975 * standard_error),
        "hazard_ratio_upper": math.exp(beta + NORMAL_975 * standard_error),
        "p_value": float(2.0 * special.ndtr(-abs(beta / standard_error))),
    }


def note_of_few_events(row: dict[str, Any]) -> dict[str, str]:
    """The note of a row that holds an estimate, with a warning where its model has few events for its parameters."""
    per_parameter = row.get("events_per_parameter")
    if row.get("log_hazard_ratio") is None or per_parameter is None or per_parameter >= FEW_EVENTS_PER_PARAMETER:
        return {}
    parts = (row.get("note"), f"fewer than {FEW_EVENTS_PER_PARAMETER} events per parameter")
    return {"note": "; ".join(part for part in parts if part)}


def e_value_columns(row: dict[str, Any]) -> dict[str, float]:
    """E-values of a row that holds an estimate and its counts."""
    is_rare = row["n_events"] < RARE_OUTCOME_SHARE * row["n_participants"]
    found = e_values(
        estimate=row["hazard_ratio"],
        lower=row["hazard_ratio_lower"],
        upper=row["hazard_ratio_upper"],
        is_rare=is_rare,
    )
    return {"e_value": float(found.point[0]), "e_value_of_limit": float(found.limit[0])}


def without_small_counts(table: pa.Table) -> pa.Table:
    """The table with every count of 1 to 4 people null, and not told by a refusal either.

    Estimates rest on more; such counts stand in rows that are refused for them.
    """
    for i, field in enumerate(table.schema):
        column = table.column(i)
        if field.name.endswith(COUNTS_OF_PEOPLE):
            is_small = pc.and_(pc.greater(column, 0), pc.less(column, SMALLEST_CELL))
            column = pc.if_else(is_small, pa.scalar(None, field.type), column)
        elif field.name.endswith("refusal"):
            column = pc.replace_substring_regex(column, SMALL_IN_WORDS, f"too few events: {FEWER}")
        else:
            continue
        table = table.set_column(i, field, column)
    return table


def table_of(rows: Sequence[dict[str, Any]], schema: pa.Schema, *, sort_by: Sequence[str]) -> pa.Table:
    """Rows as a table in a stable order; columns a row does not name are null.

    Raises
    ------
    ValueError: a row names a column that the table does not have.
    """
    known = set(schema.names)
    unknown = sorted({name for row in rows for name in row} - known)
    if unknown:
        raise ValueError(f"columns {', '.join(unknown)} are not of the table; it has {', '.join(schema.names)}")
    ordered = sorted(rows, key=lambda row: [(row.get(name) is None, row.get(name)) for name in sort_by])
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in ordered], schema=schema)
    return without_small_counts(table)
