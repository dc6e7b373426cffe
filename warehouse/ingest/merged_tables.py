"""Files that hold more than one table of UK Biobank, or records under titles: read as one they would lose the other."""

import re

from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.headers import column_in_any_style, is_eid_name
from warehouse.ingest.olink_tables import WIDE
from warehouse.ingest.record_tables import RECORD_TABLES, UNREAD_ENTITIES

ONE_BY_ONE = "write each table into a file of its own (dx extract_dataset, one entity at a time)"
OR_ONE = "or name the one to read, and lose the others: --override entity:{name}={held}"
# Titles of record tables that no field of a participant bears, and of proteins: `A1BG;Alpha-1B-glycoprotein`.
RECORD_TITLES = frozenset({
    "instance index", "array index", "data source", "date of death", "data provider", "diagnosis level",
    "record position", "date clinical event recorded", "date prescription issued",
})  # fmt: skip
PROTEIN_TITLE = re.compile(r"^[A-Z0-9][A-Z0-9_-]*;\S")


def refuse_several_entities(shape: Shape) -> None:
    """Raises IngestError for a header with the columns of several tables."""
    cells = [cell.lower() for cell in shape.header if not is_eid_name(cell)]
    dotted = {cell.partition(".")[0] for cell in cells if "." in cell}
    held = sorted(one for one in dotted if one == "participant" or _is_record_entity(one))
    if len(held) < 2:
        plain = {"eid", *cells}
        held = sorted(table.name for table in RECORD_TABLES.values() if table.signature <= plain)
        if held and any(column_in_any_style(cell) for cell in shape.header):
            held.append("participant")
    if len(held) > 1:
        remedy = f"{ONE_BY_ONE}, {OR_ONE.format(name=shape.name, held=held[-1])}"
        raise refuse(shape.name, f"a file holds one table; this one holds {', '.join(held)}", remedy, len(held))


def refuse_records_in_titles(shape: Shape) -> None:
    """Raises IngestError for records or proteins under titles: only participants are read so."""
    titles = [cell.strip() for cell in shape.header]
    stem = shape.path.name.lower().partition(".")[0]
    n_telling = sum(title.lower() in RECORD_TITLES or bool(PROTEIN_TITLE.match(title)) for title in titles)
    if n_telling or _is_record_entity(stem):
        raise refuse(
            shape.name,
            "records and proteins have columns named by code; these are titles (header_style FIELD-TITLE)",
            "export this entity with header_style FIELD-NAME",
            len(titles),
        )


def _is_record_entity(name: str) -> bool:
    return name in RECORD_TABLES or WIDE.match(name) is not None or name.startswith(UNREAD_ENTITIES)
