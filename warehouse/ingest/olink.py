"""Read Olink: the wide RAP entity, the long portal table and the helper files; all land long."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.cells import CellReader, participant_ids, whole_numbers
from warehouse.ingest.date_order import date_reader
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.headers import is_eid_name
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.olink_keys import MeasuredKeys
from warehouse.ingest.olink_tables import HELPER_DATES, HELPERS, WIDE, protein_of_id, proteins, rap_column
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.records import NO_EID
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks

WIDE_BLOCK_BYTES = 32 << 20
# Columns of row numbers as R and pandas head them: no assay.
ROW_NUMBERS = ("", "unnamed: 0")
INSTANCES = pa.array(["0", "1", "2", "3"])
NOT_A_PROTEIN = "a protein id is listed in coding 143"
NOT_AN_INSTANCE = "a visit of Olink samples is 0, 1, 2 or 3"


def wide_columns(shape: Shape) -> tuple[str, dict[str, str]]:
    """The eid cell and protein -> header cell of a wide file.

    Raises IngestError for columns that are no Olink assay of the seed, or the same assay twice (A1BG and a1bg).
    """
    protein_cells: dict[str, str] = {}
    eid, strange = "", []
    for cell in shape.header:
        name = rap_column(WIDE.sub("", cell.lower(), count=1).lstrip(".") if "." in cell else cell)
        if cell.lower() in ROW_NUMBERS:
            continue
        if is_eid_name(name) or is_eid_name(cell):
            eid = cell
        elif name in protein_cells:
            strange.append(f"{name} (a second time)")
        elif name in proteins():
            protein_cells[name] = cell
        else:
            strange.append(name)
    if not eid or strange:
        raise refuse(
            shape.name,
            "a wide Olink table has eid and columns named by assay; "
            + (f"unknown or repeated: {', '.join(strange[:5])}" if strange else "eid is not there"),
            "check the export, or add the assay to warehouse/seeds/olink_assays.csv",
            len(strange) or None,
        )
    return eid, protein_cells


def land_wide(
    shape: Shape,
    *,
    instance: str,
    writer: TableWriter,
    rejects: Rejects,
    keys: MeasuredKeys,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Stream a wide file into (eid, ins_index, protein, result), one row per measured value."""
    eid_cell, cells = wide_columns(shape)
    reader = CellReader(shape.name, DateReader(), rejects)
    for block in stream_blocks(shape, rejects=rejects, advance=advance, block_bytes=WIDE_BLOCK_BYTES):
        eids = participant_ids(block.rows.column(eid_cell), where=shape.name)
        for index in pc.indices_nonzero(pc.is_null(eids)).to_pylist():
            rejects.add(shape.name, block.line(index), "eid", NO_EID)
        has_eid = eids.is_valid().to_numpy(zero_copy_only=False)
        samples = keys.samples(eids, pa.repeat(pa.scalar(instance), len(eids)))
        names, values, takes, lengths = [], [], [], []
        for protein, cell in cells.items():
            reader.count(protein, block.rows.column(cell))
            column = reader.numbers(block, protein, block.rows.column(cell))
            rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False) & has_eid)
            if rows.size:
                keys.add(protein, samples[rows])
                names.append(protein)
                values.append(column.take(pa.array(rows)))
                takes.append(rows)
                lengths.append(rows.size)
        if not names:
            continue
        n_rows = int(sum(lengths))
        who = np.concatenate(takes).astype(np.int32)
        which = np.repeat(np.arange(len(names), dtype=np.int32), lengths)
        visit = np.zeros(n_rows, dtype=np.int32)
        writer.write(
            {
                "eid": pa.DictionaryArray.from_arrays(pa.array(who), eids.fill_null("")),
                "ins_index": pa.DictionaryArray.from_arrays(pa.array(visit), pa.array([instance])),
                "protein": pa.DictionaryArray.from_arrays(pa.array(which), pa.array(names)),
                "result": pa.concat_arrays(values),
            },
            n_rows,
        )


def land_long(
    shape: Shape,
    *,
    coding: Mapping[str, str],
    writer: TableWriter,
    rejects: Rejects,
    keys: MeasuredKeys,
    advance: Callable[[int], None] | None = None,
) -> str:
    """Stream `olink_data.txt`; protein ids become RAP column names. Returns the rows without a result, in words.

    coding : protein_id -> protein, from the export's coding 143 or the seed.
    """
    cell_of = {"eid" if is_eid_name(cell) else cell.lower(): cell for cell in shape.header}
    reader = CellReader(shape.name, DateReader(), rejects)
    n_without = 0
    for block in stream_blocks(shape, rejects=rejects, columns=list(cell_of.values()), advance=advance):
        ids = whole_numbers(block.rows.column(cell_of["protein_id"])).dictionary_encode()
        names = pa.array([coding.get(text) for text in ids.dictionary.to_pylist()], pa.string()).take(ids.indices)
        visits = whole_numbers(block.rows.column(cell_of["ins_index"]))
        eids = participant_ids(block.rows.column(cell_of["eid"]), where=shape.name)
        is_visit = pc.is_in(visits, INSTANCES)
        for column, is_good, rule in (
            ("protein_id", pc.is_valid(names), NOT_A_PROTEIN),
            ("ins_index", is_visit, NOT_AN_INSTANCE),
            ("eid", pc.is_valid(eids), NO_EID),
        ):
            for index in pc.indices_nonzero(pc.invert(is_good)).to_pylist():
                rejects.add(shape.name, block.line(index), column, rule)
        results = block.rows.column(cell_of["result"])
        n_without += results.null_count
        reader.count("result", results)
        results = reader.numbers(block, "result", results)
        keep = pc.and_(pc.and_(pc.is_valid(names), pc.is_valid(results)), pc.and_(pc.is_valid(eids), is_visit))
        made = {"eid": eids, "ins_index": visits, "protein": names, "result": results}
        made = {name: column.filter(keep) for name, column in made.items()}
        keys.add_rows(made["eid"], made["ins_index"], made["protein"])
        writer.write(made, len(made["eid"]))
    return f"{n_without:,} rows without a result left out" if n_without else ""


def protein_coding(shape: Shape | None, rejects: Rejects) -> dict[str, str]:
    """protein_id -> protein, from `coding143.tsv` (`1 <tab> A1BG;Alpha-1B-glycoprotein`) or the seed."""
    if shape is None:
        return protein_of_id()
    coding: dict[str, str] = {}
    for block in stream_blocks(shape, rejects=rejects):
        rows = {cell.lower(): block.rows.column(cell).to_pylist() for cell in shape.header}
        for code, meaning in zip(rows["coding"], rows["meaning"], strict=True):
            if code and meaning:
                coding[code] = rap_column(meaning.partition(";")[0])
    return coding


def helper_columns(helper: str, shape: Shape | None) -> tuple[str, ...]:
    """The columns a helper lands with: its known ones, then any other it has."""
    known = HELPERS[helper]
    if shape is None:
        return known
    return (*known, *(cell.lower() for cell in shape.header if cell.lower() not in known))


def land_helper(helper: str, shape: Shape, *, writer: TableWriter, overrides: Overrides, rejects: Rejects) -> str:
    """Stream one helper file; returns the evidence for its dates."""
    dated = [cell for cell in shape.header if cell.lower() in HELPER_DATES.get(helper, ())]
    dates, evidence = date_reader(shape, dated, overrides)
    reader = CellReader(shape.name, dates, rejects)
    for block in stream_blocks(shape, rejects=rejects):
        made = {}
        for cell in shape.header:
            column = block.rows.column(cell)
            if cell in dated:
                reader.count(cell.lower(), column)
                column = reader.days(block, cell.lower(), column)
            made[cell.lower()] = column
        writer.write(made, block.rows.num_rows)
    return evidence
