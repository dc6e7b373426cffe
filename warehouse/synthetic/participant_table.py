"""participant.csv: every phenotype field of seeds/ukb_fields.csv in the header style of `dx extract_dataset`."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.synthetic import write
from warehouse.synthetic.dirt import CHOICES, DYNAMOMETERS
from warehouse.synthetic.outcomes import NEVER
from warehouse.synthetic.population import Bools, Floats, Ints
from warehouse.synthetic.visits import FAULTY_DYNAMOMETER

SEEDS = Path(__file__).parent.parent / "seeds"
# Array columns written per field. A real export has one per array index of the Showcase (259 for 41280); the columns
# beyond the fullest participant are empty there and left out here, as in an export of chosen columns.
ARRAY_COLUMNS = {41280: 64, 41281: 12, 20008: 10, 40002: 10, 22009: 40, 4080: 2}
DATE_FIELDS_OF_CODING_819 = (131962, 131964, 131966, 131934)
# Ids of ordinary devices are four digits as the real ones; the last is the faulty one.
DEVICE_NAMES = (*(str(3000 + 37 * k) for k in range(DYNAMOMETERS)), FAULTY_DYNAMOMETER)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of seeds/ukb_fields.csv."""

    field_id: int
    domain: str
    value_type: str
    instances: tuple[int, ...]
    is_instanced: bool
    array_min: int
    array_max: int
    is_multi_select: bool

    @property
    def is_arrayed(self) -> bool:
        return self.array_max > 0 and not self.is_multi_select

    def names(self) -> Iterator[str]:
        """Canonical names without the array suffix."""
        for instance in self.instances:
            yield f"p{self.field_id}_i{instance}" if self.is_instanced else f"p{self.field_id}"


@cache
def fields() -> tuple[Field, ...]:
    """All fields the study knows, in seed order."""
    with (SEEDS / "ukb_fields.csv").open(newline="") as lines:
        return tuple(
            Field(
                field_id=int(row["field_id"]),
                domain=row["domain"],
                value_type=row["value_type"],
                instances=tuple(range(int(row["last_instance"]) + 1)),
                is_instanced=row["is_instanced"] == "true",
                array_min=int(row["array_min"]),
                array_max=int(row["array_max"]),
                is_multi_select=row["is_multi_select"] == "true",
            )
            for row in csv.DictReader(lines)
        )


def header(extra: tuple[str, ...] = ()) -> list[str]:
    """Column names after the entity, eid first; `extra` are the metabolite columns."""
    names = ["eid"]
    for entry in fields():
        for name in entry.names():
            if entry.is_arrayed:
                count = ARRAY_COLUMNS[entry.field_id]
                names += [f"{name}_a{k}" for k in range(entry.array_min, entry.array_min + count)]
            else:
                names.append(name)
    return names + list(extra)


@dataclass(slots=True)
class Cells:
    """Columns of one block by name, in whatever form they were drawn; a name not set is an empty column."""

    n: int
    numbers: dict[str, Floats]  # raw values, NaN empty
    days: dict[str, Ints]  # NEVER empty
    choices: dict[str, Ints]  # bits over dirt.CHOICES, -1 empty
    text: dict[str, pa.Array]


def columns(cells: Cells, eid: pa.Array, extra: tuple[str, ...] = ()) -> list[pa.Array]:
    """The block's columns in the order of `header`."""
    out = [eid]
    for entry in fields():
        for name in entry.names():
            if entry.is_arrayed:
                count = ARRAY_COLUMNS[entry.field_id]
                each = [f"{name}_a{k}" for k in range(entry.array_min, entry.array_min + count)]
                out += [_column(cells, key, entry.value_type) for key in each]
            else:
                out.append(_column(cells, name, entry.value_type))
    return out + [_column(cells, name, "continuous") for name in extra]


def _column(cells: Cells, name: str, value_type: str) -> pa.Array:
    if name in cells.text:
        return cells.text[name]
    if name in cells.choices:
        return choice_lists(cells.choices[name], CHOICES[_choice_key(name)])
    if name in cells.days:
        return write.days(cells.days[name])
    if name not in cells.numbers:
        return write.empty(cells.n)
    values = cells.numbers[name]
    if value_type == "date":
        return write.days(values)
    return write.reals(values) if value_type == "continuous" else write.whole(values)


def _choice_key(name: str) -> str:
    return f"{name.rsplit('_i', 1)[0]}_i0"


def choice_lists(chosen: Ints, options: tuple[str, ...]) -> pa.Array:
    """Quoted JSON lists of the chosen options; -1 is an empty cell."""
    distinct, which = np.unique(chosen, return_inverse=True)
    texts = [
        None if bits < 0 else '"[' + ",".join(f'""{o}""' for k, o in enumerate(options) if bits >> k & 1) + ']"'
        for bits in distinct.tolist()
    ]
    return pa.array(texts, pa.string()).take(pa.array(which))


def aligned_to_list(values: Floats, chosen: Ints, n_columns: int) -> list[Floats]:
    """Values per option (option, n) moved to the array index that the option has in each participant's list."""
    options, n = values.shape
    is_chosen = (np.maximum(chosen, 0)[None, :] >> np.arange(options)[:, None]) & 1 == 1
    position = np.cumsum(is_chosen, axis=0) - 1
    out = np.full((n_columns, n), np.nan)
    option, person = np.nonzero(is_chosen)
    out[position[option, person], person] = values[option, person]
    return list(out)


def ranked(owner: Ints, values: Ints, n: int, n_columns: int) -> tuple[Ints, Bools]:
    """Values sorted by owner scattered to (n_columns, n), NEVER elsewhere; and which of them fitted."""
    starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=n))))[:-1]
    position = np.arange(len(owner)) - starts[owner]
    fits = position < n_columns
    out = np.full((n_columns, n), NEVER, dtype=np.int64)
    out[position[fits], owner[fits]] = values[fits]
    return out, fits
