"""Which field a column title stands for, and which titles several fields bear."""

from warehouse.ingest.codings import Codings
from warehouse.ingest.fields import known_fields
from warehouse.ingest.overrides import Overrides

# Titles of the study's fields that other Showcase fields bear too (Showcase schema, 2025-09). Without the export's own
# dictionary such a title does not tell which field it is.
SHARED_TITLES = {
    "Year of birth": (22200,),
    "Townsend deprivation index at recruitment": (189,),
    "Qualifications": (28056,),
    "Weight": (23098,),
    "Body mass index (BMI)": (23104,),
    "Oily fish intake": (103160,),
    "Vitamin D": (100021,),
    "Albumin": (23479,),
    "Calcium": (100024,),
    "Creatinine": (23478,),
    "Apolipoprotein B": (30640,),
    "Glucose": (30740,),
}


def title_lookup(
    codings: Codings, overrides: Overrides
) -> tuple[dict[str, tuple[int, ...]], frozenset[int], dict[str, int]]:
    """Fields by title, the fields the study needs, and the titles settled by override."""
    titles = {title: set(fields) for title, fields in codings.fields_of_title.items()}
    if not codings.has_dictionary:
        for title, others in SHARED_TITLES.items():
            titles.setdefault(title, set()).update(others)
    chosen = {title: int(value) for title, value in overrides.subjects("title").items() if value.isdigit()}
    return {title: tuple(sorted(fields)) for title, fields in titles.items()}, frozenset(known_fields()), chosen
