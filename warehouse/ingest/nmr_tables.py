"""The NMR biomarkers by the names ukbnmr gives them."""

import functools

from warehouse.ingest.fields import read_seed
from warehouse.ingest.headers import is_eid_name

VISIT = "visit_index"


@functools.cache
def field_of_biomarker() -> dict[str, tuple[str, str]]:
    """Field and flag field (empty where there is none) by ukbnmr's name of the biomarker."""
    return {row["abbreviation"]: (row["field_id"], row["flag_field_id"]) for row in read_seed("nmr_biomarkers.csv")}


def is_corrected(header: tuple[str, ...]) -> bool:
    """Whether a header is one of ukbnmr's outputs."""
    known = sum(cell in field_of_biomarker() for cell in header)
    return any(map(is_eid_name, header)) and VISIT in map(str.lower, header) and known >= 1
