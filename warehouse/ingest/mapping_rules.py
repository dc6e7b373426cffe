"""The rules of a mapping CSV: how one cell of another cohort becomes one cell of UK Biobank's vocabulary."""

import calendar
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

Rule = Literal["copy", "recode", "constant", "scale", "add", "month_end", "absent"]
RULES: tuple[str, ...] = get_args(Rule)

# A cell rule takes the source cells (one, or several joined by +) and gives a text, or None for an empty cell.
CellRule = Callable[[tuple[str | None, ...]], str | None]


class UnreadCell(ValueError):
    """A cell the rule has no answer for; its value is never in the message."""


def plain_number(number: Decimal) -> str:
    """Shortest text of a decimal: no exponent, no trailing zero."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def copy_rule(detail: str) -> CellRule:
    return lambda cells: cells[0]


def constant_rule(detail: str) -> CellRule:
    return lambda cells: detail


def recode_rule(detail: str) -> CellRule:
    """`0=1;1=0`; a code not listed is refused unless `*=` (empty) or `*=code` says otherwise."""
    pairs = [part.partition("=") for part in detail.split(";") if part.strip()]
    if not pairs or any(not equals for _, equals, _ in pairs):
        raise ValueError("detail reads OLD=NEW;OLD=NEW")
    codes = {old.strip(): new.strip() or None for old, _, new in pairs}

    def recode(cells: tuple[str | None, ...]) -> str | None:
        cell = cells[0]
        if cell is None:
            return None
        if cell in codes:
            return codes[cell]
        if "*" in codes:
            return codes["*"]
        raise UnreadCell("a code is listed in the recoding, or * is")

    return recode


def _arithmetic(detail: str, apply: Callable[[Decimal, Decimal], Decimal]) -> CellRule:
    try:
        operand = Decimal(detail)
    except InvalidOperation:
        raise ValueError("detail is a number") from None

    def compute(cells: tuple[str | None, ...]) -> str | None:
        if cells[0] is None:
            return None
        try:
            return plain_number(apply(Decimal(cells[0]), operand))
        except InvalidOperation:
            raise UnreadCell("the cell is a number") from None

    return compute


def scale_rule(detail: str) -> CellRule:
    return _arithmetic(detail, lambda cell, factor: cell * factor)


def add_rule(detail: str) -> CellRule:
    return _arithmetic(detail, lambda cell, term: cell + term)


def month_end_rule(detail: str) -> CellRule:
    """Last day of a month given as year and month; `detail` is put before a two-digit year (19)."""
    if detail and not detail.isdigit():
        raise ValueError("detail is the century put before the year, or nothing")

    def month_end(cells: tuple[str | None, ...]) -> str | None:
        year, month = cells
        if year is None:
            return None
        if month is None:
            raise UnreadCell("a year of an event comes with its month")
        try:
            whole = f"{detail}{int(year):02d}" if detail else year
            last = calendar.monthrange(int(whole), int(month))[1]
            return date(int(whole), int(month), last).isoformat()
        except (ValueError, calendar.IllegalMonthError):
            raise UnreadCell("year and month are whole numbers, the month 1 to 12") from None

    return month_end


MAKERS: dict[str, Callable[[str], CellRule]] = {
    "copy": copy_rule,
    "recode": recode_rule,
    "constant": constant_rule,
    "scale": scale_rule,
    "add": add_rule,
    "month_end": month_end_rule,
}
N_SOURCES = {"constant": 0, "absent": 0, "month_end": 2}
