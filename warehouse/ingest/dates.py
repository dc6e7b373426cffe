"""Dates and timestamps of every export route, read as ISO; the order of day and month is proved, never assumed."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.arrays import items_of

Order = Literal["ymd", "dmy", "mdy"]

ISO = re.compile(r"^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$")
COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:\.0+)?$")
SLASHED = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[T ][\d:.]+(?: ?[AaPp][Mm])?)?$")
NAMED_MONTH = re.compile(r"^(\d{1,2})[ -]?([A-Za-z]{3})[A-Za-z]*[ -]?(\d{4})$")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# Forms that no reading is safe for, and what to write instead.
TWO_DIGIT_YEAR = re.compile(r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}(?: .*)?$|^\d{1,2}[ -]?[A-Za-z]{3,9}[ -]?\d{2}$")
DAY_NUMBER = re.compile(r"^\d{4,5}(?:\.\d+)?$")
REMEDIES = (
    (TWO_DIGIT_YEAR, "write years with four digits: these cells have two, which do not tell the century"),
    (DAY_NUMBER, "these cells are day numbers of a spreadsheet: format the column as YYYY-MM-DD, then save it as CSV"),
    (ISO, "write YYYY-MM-DD: these cells begin with the year, and go on to months above 12 or days that no month has"),
    (COMPACT, "write YYYYMMDD: these cells have months above 12 or days that no month has"),
    (SLASHED, "these cells are days that no month has, or years no participant lived in: check the column"),
    (re.compile(r".*\d.*"), "write dates as YYYY-MM-DD, DD/MM/YYYY or YYYYMMDD"),
    (re.compile(r".*"), "these cells are words: leave them empty, or export with coding_option RAW"),
)

NONE = pa.array([], pa.uint64())
TIMESTAMP = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:\.\d+)?(?:Z|[+]00:?00)?$"

# UK Biobank holds dates of events from early childhood of its oldest participants to its placeholders in 2037.


FIRST_YEAR, LAST_YEAR = 1850, 2100


def _iso(year: int, month: int, day: int) -> str | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def read_date(text: str, order: Order | None) -> str | None:
    """ISO date of one cell; None where it is not a date in `order`.

    order : settles DD/MM/YYYY against MM/DD/YYYY only; every other form says its own order.
    """
    text = text.strip()
    if found := ISO.match(text):
        return _iso(int(found[1]), int(found[3]), int(found[4]))
    if found := COMPACT.match(text):
        return _iso(int(found[1]), int(found[2]), int(found[3]))
    if found := SLASHED.match(text):
        first, second, year = (int(part) for part in found.groups())
        if order == "dmy":
            return _iso(year, second, first)
        if order == "mdy":
            return _iso(year, first, second)
        return None
    if found := NAMED_MONTH.match(text):
        day_of_month, name, in_year = found.groups()
        known = name.lower() in MONTHS
        return _iso(int(in_year), MONTHS.index(name.lower()) + 1, int(day_of_month)) if known else None
    return None


def remedy_for(cells: pa.Array) -> str:
    """What to do about cells that are no dates, by what most of them look like."""
    seen: Counter[str] = Counter()
    for text in cells.to_pylist():
        seen[next(remedy for form, remedy in REMEDIES if form.match(text.strip()))] += 1
    return seen.most_common(1)[0][0]


@dataclass(slots=True)
class OrderEvidence:
    """What the cells of a file prove about the order of day and month."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    forms: dict[str, int] = field(default_factory=dict)

    def add(self, cells: Iterable[str | None]) -> None:
        for cell in items_of(cells):
            form = next(
                (n for n, p in (("YYYY-MM-DD", ISO), ("YYYYMMDD", COMPACT), ("slashed", SLASHED)) if p.match(cell)),
                "other",
            )
            self.forms[form] = self.forms.get(form, 0) + 1
            if form != "slashed":
                continue
            first, second = (int(part) for part in SLASHED.match(cell).groups()[:2])  # type: ignore[union-attr]
            if first > 12 >= second:
                self.day_first += 1
            elif second > 12 >= first:
                self.month_first += 1
            else:
                self.either += 1

    @property
    def needs_order(self) -> bool:
        return self.forms.get("slashed", 0) > 0

    @property
    def is_settled(self) -> bool:
        return not self.needs_order or bool(self.day_first or self.month_first)

    def __str__(self) -> str:
        forms = ", ".join(f"{n:,} {form}" for form, n in sorted(self.forms.items())) or "no dates"
        if not self.needs_order:
            return forms
        return f"{forms}: {self.day_first:,} only as day first, {self.month_first:,} only as month first"


@dataclass(slots=True)
class DateReader:
    """Reads date columns of one file; the few distinct days of a table are each read once."""

    order: Order | None = None
    known: dict[str, str | None] = field(default_factory=dict)
    other_order: int = 0

    def one(self, text: str) -> str | None:
        """ISO date of one cell; None where it is none in the order of the file."""
        iso = read_date(text, self.order)
        if iso is None and self.order in ("dmy", "mdy"):
            self.other_order += read_date(text, "mdy" if self.order == "dmy" else "dmy") is not None
        return iso

    def dates(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """ISO dates, and the indices of cells that are no date."""
        coded = column.dictionary_encode()
        isos: list[str | None] = []
        for text in coded.dictionary.to_pylist():
            if text not in self.known:
                self.known[text] = self.one(text)
            isos.append(self.known[text])
        read = pa.array(isos, pa.string()).take(coded.indices)
        if read.null_count == column.null_count:
            return read, NONE
        return read, pc.indices_nonzero(pc.and_(pc.is_valid(column), pc.is_null(read)))

    def timestamps(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """ISO timestamps YYYY-MM-DDTHH:MM:SS, and the indices of cells that are none."""
        is_stamp = pc.match_substring_regex(column, TIMESTAMP)
        stamps = pc.replace_substring_regex(column, TIMESTAMP, r"\1T\2\3")
        short = pc.equal(pc.utf8_length(stamps), 16)
        stamps = pc.if_else(short, pc.binary_join_element_wise(stamps, "", ":00"), stamps)
        if pc.all(is_stamp, min_count=0).as_py():
            return stamps, NONE
        read = pa.array(
            [
                stamp if matched else self._stamp(cell)
                for cell, stamp, matched in zip(
                    column.to_pylist(), stamps.to_pylist(), is_stamp.to_pylist(), strict=True
                )
            ],
            pa.string(),
        )
        return read, pc.indices_nonzero(pc.and_(pc.is_valid(column), pc.is_null(read)))

    def _stamp(self, cell: str | None) -> str | None:
        if cell is None:
            return None
        day, _, clock = cell.strip().replace("T", " ").partition(" ")
        iso = read_date(day, self.order)
        if iso is None:
            return None
        if not clock:
            return f"{iso}T00:00:00"
        return (
            f"{iso}T{clock}:00"
            if re.fullmatch(r"\d{2}:\d{2}", clock)
            else (f"{iso}T{clock}" if re.fullmatch(r"\d{2}:\d{2}:\d{2}", clock) else None)
        )
