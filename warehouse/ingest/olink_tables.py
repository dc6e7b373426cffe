"""The Olink tables: the wide RAP entity, the long portal table, and the helper files beside them."""

import functools
import re

from warehouse.ingest.fields import read_seed

WIDE = re.compile(r"olink_instance_(?P<instance>[0-3])(?:_\d{4})?")
LONG_COLUMNS = ("eid", "ins_index", "protein_id", "result")
LANDED_COLUMNS = ("eid", "ins_index", "protein", "result")

# Each helper's own columns, lower case; the required ones first told by name, the rest landed as they come.
HELPERS: dict[str, tuple[str, ...]] = {
    "olink_assay": ("assay", "uniprot", "panel"),
    "olink_assay_version": ("assay", "panel_lot_nr", "version"),
    "olink_assay_warning": ("plateid", "panel", "assay", "assay_warning"),
    "olink_batch_number": ("plateid", "batch"),
    "olink_limit_of_detection": ("plateid", "instance", "assay", "lod"),
    "olink_panel_lot_number": ("batch", "panel", "panel_lot_nr"),
    "olink_processing_start_date": ("plateid", "panel", "processing_startdate"),
}
HELPER_DATES = {"olink_processing_start_date": ("processing_startdate",)}


def rap_column(assay: str) -> str:
    """The RAP column of an assay: lower case, hyphen to underscore (HLA-DRA is hla_dra)."""
    return assay.lower().replace("-", "_")


@functools.cache
def protein_of_id() -> dict[str, str]:
    """Protein column by protein_id (coding 143)."""
    return {row["protein_id"]: row["protein"] for row in read_seed("olink_assays.csv")}


@functools.cache
def proteins() -> frozenset[str]:
    return frozenset(protein_of_id().values())
