"""FIELD-TITLE headers: which field a column title stands for, and which titles several fields bear."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from warehouse.ingest.codings import Codings
from warehouse.ingest.faults import refuse
from warehouse.ingest.fields import known_fields
from warehouse.ingest.headers import Column, Header, column_in_any_style, number, title_eid
from warehouse.ingest.overrides import Overrides

TITLE = re.compile(r"^(?P<title>.+?)(?: \| Instance (?P<instance>\d+))?(?: \| Array (?P<array>\d+))?$", re.IGNORECASE)
TITLE_STYLE = "RAP title (FIELD-TITLE)"

# Titles of the study's fields that other Showcase fields bear too, by whether those are repeated at visits (Showcase
# schema, 2025-09; withdrawn fields left out). Without the export's dictionary such a title does not tell its field.
SHARED_TITLES: dict[tuple[str, bool], int] = {
    ("Year of birth", False): 22200,
    ("Qualifications", False): 28056,
    ("Weight", True): 23098,
    ("Body mass index (BMI)", True): 23104,
    ("Oily fish intake", True): 103160,
    ("Vitamin D", True): 100021,
    ("Albumin", True): 23479,
    ("Calcium", True): 100024,
    ("Creatinine", True): 23478,
    ("Apolipoprotein B", True): 30640,
    ("Glucose", True): 30740,
}


@dataclass(frozen=True)
class Titles:
    """Fields by title; `is_repeated` tells those repeated at visits, whose columns name an instance."""

    fields: Mapping[str, frozenset[int]]
    is_repeated: Mapping[int, bool]
    chosen: Mapping[str, int]

    @cached_property
    def in_capitals(self) -> Mapping[str, frozenset[int]]:
        """Fields by title in capitals, as databases fold names; titles that become one share their fields."""
        made: dict[str, frozenset[int]] = {}
        for title, fields in self.fields.items():
            made[title.upper()] = made.get(title.upper(), frozenset()) | fields
        return made

    def of(self, title: str, *, names_instance: bool) -> tuple[int, ...]:
        """Every field the column may be."""
        if title in self.chosen:
            return (self.chosen[title],)
        found = self.fields.get(title) or self.in_capitals.get(title, frozenset())
        return tuple(sorted(f for f in found if self.is_repeated.get(f, names_instance) == names_instance))


def read_titles(codings: Codings, overrides: Overrides) -> Titles:
    """What the export's dictionary, the seeds and the overrides say of titles."""
    fields = {title: set(found) for title, found in codings.fields_of_title.items()}
    is_repeated = {known.field_id: known.is_instanced for known in known_fields().values()}
    if not codings.has_dictionary and overrides.get("titles") != "study":
        for (title, repeated), other in SHARED_TITLES.items():
            fields.setdefault(title, set()).add(other)
            is_repeated.setdefault(other, repeated)
    chosen = {title: int(value) for title, value in overrides.subjects("title").items() if value.isdigit()}
    return Titles(
        fields={title: frozenset(found) for title, found in fields.items()}, is_repeated=is_repeated, chosen=chosen
    )


def read_title_header(cells: Sequence[str], *, where: str, titles: Titles, needed: Container[int]) -> Header:
    """A FIELD-TITLE header, its titles looked up.

    needed : fields the study wants; a title that is none of them is left out.

    Raises IngestError where one title stands for several fields and one of them is needed.
    """
    eid = title_eid(cells)
    assert eid is not None
    columns, unread = read_titled([cell for cell in cells if cell != eid], where=where, titles=titles, needed=needed)
    named = [column for cell in unread if (column := column_in_any_style(cell)) is not None]
    foreign = tuple(column.name for column in named)
    unread = [cell for cell in unread if cell not in foreign]
    return Header(TITLE_STYLE, eid, (*columns, *named), tuple(unread), foreign)


def read_titled(
    cells: Sequence[str], *, where: str, titles: Titles, needed: Container[int]
) -> tuple[list[Column], list[str]]:
    """Columns of the cells that are titles, and the cells that are none.

    Raises IngestError where one title stands for several fields and one of them is needed.
    """
    columns, unread, unclear = [], [], set()
    for cell in cells:
        found = TITLE.match(cell)
        fields = titles.of(found["title"], names_instance=found["instance"] is not None) if found else ()
        if not found or not any(field in needed for field in fields):
            unread.append(cell)
        elif len(fields) == 1:
            columns.append(Column(cell, fields[0], number(found["instance"]), number(found["array"])))
        else:
            unclear.add(f"{found['title']} ({' or '.join(str(field) for field in fields)})")
    if unclear:
        raise refuse(
            where,
            f"a column title stands for one field; several bear: {'; '.join(sorted(unclear))}",
            "put the export's data_dictionary.csv beside it, export with header_style FIELD-NAME, or, where they are "
            "the study's fields, say --override titles=study",
            len(unclear),
        )
    return columns, unread
