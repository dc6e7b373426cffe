"""The header styles of a participant table, from the RAP, the legacy converter and the renames seen in the wild."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One header cell read as field, instance and array index; None where the name says none."""

    name: str
    field_id: int
    instance: int | None
    array: int | None


@dataclass(frozen=True, slots=True)
class Style:
    """One way to write a header."""

    name: str
    eid: re.Pattern[str]
    field: re.Pattern[str]


FIA = r"(?P<field>\d{1,6})"
STYLES = (
    Style(
        "RAP dotted (dx extract_dataset)",
        re.compile(r"^participant\.eid$", re.IGNORECASE),
        re.compile(rf"^participant\.p{FIA}(?:_i(?P<instance>\d+))?(?:_a(?P<array>\d+))?$", re.IGNORECASE),
    ),
    Style(
        "RAP plain (FIELD-NAME)",
        re.compile(r"^eid$", re.IGNORECASE),
        re.compile(rf"^p{FIA}(?:_i(?P<instance>\d+))?(?:_a(?P<array>\d+))?$", re.IGNORECASE),
    ),
    Style(
        "ukbconv csv (UKB-FORMAT)",
        re.compile(r"^eid$", re.IGNORECASE),
        re.compile(rf"^{FIA}-(?P<instance>\d+)\.(?P<array>\d+)$"),
    ),
    Style(
        "ukbconv tab (f.x.y.z)",
        re.compile(r"^f\.eid$", re.IGNORECASE),
        re.compile(rf"^f\.{FIA}\.(?P<instance>\d+)\.(?P<array>\d+)$", re.IGNORECASE),
    ),
    Style(
        "R data frame (X31.0.0)",
        re.compile(r"^eid$", re.IGNORECASE),
        re.compile(rf"^X{FIA}\.(?P<instance>\d+)\.(?P<array>\d+)$", re.IGNORECASE),
    ),
    Style(
        "Stata (n_31_0_0)",
        re.compile(r"^n_eid$", re.IGNORECASE),
        re.compile(rf"^(?:n|s|ts)_{FIA}_(?P<instance>\d+)_(?P<array>\d+)$", re.IGNORECASE),
    ),
    Style(
        "PHESANT (x31_0_0)",
        re.compile(r"^(?:x?eid|userId)$", re.IGNORECASE),
        re.compile(rf"^x{FIA}_(?P<instance>\d+)_(?P<array>\d+)$", re.IGNORECASE),
    ),
    Style(
        "ukbtools (sex_f31_0_0)",
        re.compile(r"^eid$", re.IGNORECASE),
        re.compile(rf"^[A-Za-z]\w*?_f{FIA}_(?P<instance>\d+)_(?P<array>\d+)$", re.IGNORECASE),
    ),
)

TITLE_EID = "Participant ID"
# Names of the id that tools and people give it whatever the style of the other columns. No field is called so.
EID_NAMES = frozenset({
    "eid", "participant.eid", "f.eid", "f_eid", "n_eid", "xeid", "userid",
    "participant id", "participant_id", "participantid",
})  # fmt: skip
# What a hand or a tool makes of a field's name, though no style; a project's own columns hold no field's number so.
RESEMBLANCE = re.compile(
    rf"^(?:participant[._ ])?(?:p|f|x|n|s|ts|v|field|ukb)?[._ -]?{FIA}(?:[._ -]i?\d+){{0,2}}(?:[._ -]a\d+)?$",
    re.IGNORECASE,
)
# Other columns (a project's own) are left out, but a header must be mostly of one style to be of it.
SHARE_OF_STYLE = 0.5


@dataclass(frozen=True, slots=True)
class Header:
    """A participant header read in one style."""

    style: str
    eid: str
    columns: tuple[Column, ...]
    unread: tuple[str, ...]
    in_other_styles: tuple[str, ...] = ()


def number(text: str | None) -> int | None:
    return None if text is None else int(text)


def is_eid_name(cell: str) -> bool:
    """Whether a header cell names the participant, in any style."""
    return cell.strip().strip('"').lower() in EID_NAMES


def _column(style: Style, cell: str) -> Column | None:
    found = style.field.match(cell)
    if found is None:
        return None
    parts = found.groupdict()
    return Column(cell, int(parts["field"]), number(parts["instance"]), number(parts["array"]))


def column_in_any_style(cell: str) -> Column | None:
    """A header cell as the first coded style that reads it; None where none does."""
    return next((column for style in STYLES if (column := _column(style, cell)) is not None), None)


def looks_like_field(cell: str, known: Container[int]) -> bool:
    """Whether a cell that no style reads is built around the number of a known field: f46_i0, p31.0, field_31."""
    found = RESEMBLANCE.match(cell)
    return found is not None and int(found["field"]) in known


def _read(style: Style, cells: Sequence[str]) -> Header | None:
    eids = [cell for cell in cells if style.eid.match(cell)] or [cell for cell in cells if is_eid_name(cell)][:1]
    columns, unread, foreign = [], [], []
    for cell in cells:
        if cell in eids:
            continue
        column = _column(style, cell)
        if column is None and (column := column_in_any_style(cell)) is not None:
            foreign.append(cell)
        if column is None:
            unread.append(cell)
        else:
            columns.append(column)
    if not eids or len(columns) == len(foreign) or len(columns) < SHARE_OF_STYLE * (len(cells) - 1):
        return None
    return Header(style.name, eids[0], tuple(columns), tuple(unread), tuple(foreign))


def read_header(cells: Sequence[str]) -> Header | None:
    """A participant header in one of the coded styles; None where it is in none of them.

    Tables merged by hand mix styles: single cells in another are read too.
    """
    readings = [header for style in STYLES if (header := _read(style, cells)) is not None]
    return min(readings, key=lambda header: len(header.in_other_styles), default=None)


def title_eid(cells: Sequence[str]) -> str | None:
    """The cell that a FIELD-TITLE header calls Participant ID, in any case."""
    return next((cell for cell in cells if cell.lower() == TITLE_EID.lower()), None)


def is_title_header(cells: Sequence[str]) -> bool:
    return title_eid(cells) is not None


VALUE = re.compile(r"^(?:-?\d+(?:\.\d+)?|\d{4}-\d{2}-\d{2}|\d{2}/\d{2}/\d{4}|)$")


def looks_headerless(cells: Sequence[str]) -> bool:
    """Whether the first line holds values: an id and numbers, dates or blanks."""
    return len(cells) > 1 and all(VALUE.match(cell) for cell in cells)
