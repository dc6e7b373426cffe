"""Covariates of an adjustment set as a matrix without aliased columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.frames.columns import MISSING, Categories, Columns, take

F8 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
# A column whose variance is explained to this share by those before it is aliased (R drops it as NA).
ALIAS_TOLERANCE = 1e-9
ROWS_PER_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Design:
    """values (n, p): covariates; names (p,): column names; notes: what was merged or dropped, and why."""

    values: F8
    names: tuple[str, ...]
    notes: tuple[str, ...]


def _is_said_already(is_level: Mask, marked: int, columns: Sequence[tuple[int, Mask]]) -> bool:
    """Whether an indicator before it, or its opposite, says the same of everyone, as sex does of menopause `male`.

    marked: rows of the level; columns: indicators with their numbers of rows.
    """
    return any(
        (n == marked and np.array_equal(column, is_level))
        or (n == len(is_level) - marked and np.array_equal(column, ~is_level))
        for n, column in columns
    )


def _indicator_columns(
    name: str, categories: Categories, event: Mask, before: Sequence[Mask]
) -> tuple[list[Mask], list[str], list[str]]:
    """Indicators against the most common level; a level without an event has no finite estimate and joins it.

    before: indicators already in the design. What one of them says is never the reference: whoever joined it would be
    all that tells the two apart.
    """
    counts = np.bincount(categories.codes[categories.codes != MISSING], minlength=len(categories.levels))
    events = np.bincount(categories.codes[(categories.codes != MISSING) & event], minlength=len(categories.levels))
    candidates = counts.copy()
    counted = [(int(column.sum()), column) for column in before]
    for code in np.flatnonzero(counts) if before else ():
        if _is_said_already(categories.codes == code, int(counts[code]), counted):
            candidates[code] = -1
    reference = int(np.argmax(candidates if (candidates > 0).any() else counts))
    columns, names, notes = [], [], []
    for level, word in enumerate(categories.levels):
        if level == reference or counts[level] == 0:
            continue
        if events[level] == 0:
            notes.append(f"{name} {word} joined {categories.levels[reference]}: no events")
            continue
        columns.append(categories.codes == level)
        names.append(f"{name}: {word}")
    return columns, names, notes


def _side_by_side(columns: Sequence[F8 | Mask]) -> F8:
    """Columns (n,) as a matrix (n, p), by blocks of rows, so that each is written while it is near."""
    matrix = np.empty((len(columns[0]), len(columns)))
    for start in range(0, len(matrix), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        for j, column in enumerate(columns):
            matrix[rows, j] = column[rows]
    return matrix


def aliased_columns(values: F8) -> list[int]:
    """Columns that are linear combinations of a constant and the columns before them; values (n, p)."""
    mean = values.mean(axis=0)
    gram = np.zeros((values.shape[1], values.shape[1]))
    # By blocks of rows: a centred copy of half a million rows is never made.
    for start in range(0, len(values), ROWS_PER_BLOCK):
        centred = values[start : start + ROWS_PER_BLOCK] - mean
        gram += centred.T @ centred
    diagonal = np.diag(gram).copy()
    aliased = []
    for j in range(gram.shape[0]):
        if diagonal[j] <= 0 or gram[j, j] <= ALIAS_TOLERANCE * diagonal[j]:
            aliased.append(j)
            continue
        gram[j + 1 :, j + 1 :] -= np.outer(gram[j + 1 :, j], gram[j, j + 1 :]) / gram[j, j]
    return aliased


def build_design(*, columns: Columns, covariates: Sequence[str], rows: npt.NDArray[np.intp], event: Mask) -> Design:
    """Covariate matrix over `rows`.

    columns: arrays of the participants; covariates: their names, in the order they enter; rows (n,): positions;
    event (n,): who has the outcome, aligned with rows.
    """
    values: list[F8 | Mask] = []
    indicators: list[Mask] = []
    names: list[str] = []
    notes: list[str] = []
    for covariate in covariates:
        column = take(columns[covariate], rows)
        if isinstance(column, Categories):
            more, more_names, more_notes = _indicator_columns(covariate, column, event, indicators)
            values += more
            indicators += more
            names += more_names
            notes += more_notes
        else:
            values.append(column)
            names.append(covariate)
    if not values or len(rows) == 0:
        return Design(np.empty((len(rows), 0)), (), ())
    matrix = _side_by_side(values)
    aliased = aliased_columns(matrix)
    notes += [f"{names[j]} dropped: a combination of the others" for j in aliased]
    if not aliased:
        return Design(matrix, tuple(names), tuple(notes))
    kept = [j for j in range(matrix.shape[1]) if j not in set(aliased)]
    return Design(matrix[:, kept], tuple(names[j] for j in kept), tuple(notes))
