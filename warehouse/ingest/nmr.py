"""Read the output of ukbnmr: technically corrected NMR biomarkers, one row per participant and visit.

`remove_technical_variation()` gives `eid, visit_index, <biomarker>...` (0 baseline, 1 first repeat), and beside it the
same columns holding quality flags in words. They land in the fields of the values they stand for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.arrays import to_json
from warehouse.ingest.cells import NOT_A_MEANING, CellReader, participant_ids, whole_numbers
from warehouse.ingest.codings import Codings
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.fields import NMR_LAST_INSTANCE
from warehouse.ingest.headers import is_eid_name
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.nmr_tables import VISIT, field_of_biomarker
from warehouse.ingest.records import NO_EID
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import MISSING, stream_blocks

QUALITY_FLAGS = 2310
NOT_A_VISIT = "a visit of NMR samples is 0 (baseline) or 1 (first repeat)"


@dataclass(frozen=True, slots=True)
class CorrectedPlan:
    """Canonical columns of one ukbnmr file, without the visit: p23400 <- Total_C."""

    shape: Shape
    eid: str
    visit: str
    is_flags: bool
    source: dict[str, str]
    n_other_columns: int

    def columns(self, instance: int) -> list[str]:
        return [f"{column}_i{instance}" for column in self.source]


def plan_corrected(shape: Shape, *, content: str | None = None) -> CorrectedPlan:
    """Columns of one ukbnmr file; more words than numbers make it the file of flags.

    content : values or flags, where the user says which.

    Raises IngestError where nobody says and the first rows hold neither.
    """
    cells = [cell for cell in shape.header if cell in field_of_biomarker()]
    at = [shape.header.index(cell) for cell in cells]
    texts = [row[k] for row in shape.rows for k in at if row[k] not in MISSING]
    if not texts and content is None:
        raise refuse(
            shape.name,
            "a ukbnmr file holds values or flags; no cell of its first rows holds either",
            f"say --override nmr_content:{shape.name}=flags (or values)",
        )
    n_words = sum(text[:1].isalpha() for text in texts)
    is_flags = content == "flags" if content else 2 * n_words > len(texts)
    source = {}
    for cell in cells:
        value, flag = field_of_biomarker()[cell]
        field_id = flag if is_flags else value
        if field_id:
            source[f"p{field_id}"] = cell
    return CorrectedPlan(
        shape=shape,
        eid=next(cell for cell in shape.header if is_eid_name(cell)),
        visit=next(cell for cell in shape.header if cell.lower() == VISIT),
        is_flags=is_flags,
        source=source,
        n_other_columns=len(shape.header) - 2 - len(source),
    )


def land_corrected(
    plan: CorrectedPlan,
    *,
    writers: tuple[TableWriter, ...],
    codings: Codings,
    rejects: Rejects,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Stream one ukbnmr file into one table per visit.

    Raises IngestError for a participant with two rows of one visit.
    """
    wanted = [plan.eid, plan.visit, *plan.source.values()]
    reader = CellReader(plan.shape.name, DateReader(), rejects)
    seen: list[list[pa.Array]] = [[] for _ in writers]
    for block in stream_blocks(plan.shape, rejects=rejects, columns=wanted, advance=advance):
        eids = participant_ids(block.rows.column(plan.eid), where=plan.shape.name)
        visits = pc.fill_null(whole_numbers(block.rows.column(plan.visit)), "")
        for index in pc.indices_nonzero(pc.is_null(eids)).to_pylist():
            rejects.add(plan.shape.name, block.line(index), "eid", NO_EID)
        strange = pc.invert(pc.is_in(visits, pa.array([str(k) for k in range(NMR_LAST_INSTANCE + 1)])))
        for index in pc.indices_nonzero(strange).to_pylist():
            rejects.add(plan.shape.name, block.line(index), "visit_index", NOT_A_VISIT)
        columns = {}
        for canonical, cell in plan.source.items():
            cells = block.rows.column(cell)
            reader.count(canonical, cells)
            if plan.is_flags:
                flags, bad = _flag_codes(cells, codings)
                reader.reject(block, canonical, cells, bad, NOT_A_MEANING)
            columns[canonical] = flags if plan.is_flags else reader.numbers(block, canonical, cells)
        for instance, writer in enumerate(writers):
            keep = pc.and_(pc.equal(visits, str(instance)), pc.is_valid(eids))
            kept = eids.filter(keep)
            seen[instance].append(kept)
            rows = {f"{canonical}_i{instance}": cells.filter(keep) for canonical, cells in columns.items()}
            writer.write({"eid": kept, **rows}, len(kept))
    for kept_of_visit in seen:
        every = pa.concat_arrays(kept_of_visit) if kept_of_visit else pa.array([], pa.string())
        every = every.filter(pc.invert(pc.starts_with(every, "-")))  # the withdrawn, masked, may repeat
        n_twice = len(every) - pc.count_distinct(every).as_py()
        if n_twice:
            raise refuse(
                plan.shape.name,
                "a participant has one row per visit",
                "average or drop repeated measurements first (ukbnmr does, from version 2 on)",
                n_twice,
            )


def _flag_codes(cells: pa.Array, codings: Codings) -> tuple[pa.Array, pa.Array]:
    """Codes of flags in words, several parted by `; `: one code, or a list of codes."""
    decode = codings.decoder(QUALITY_FLAGS)
    coded = cells.dictionary_encode()
    texts: list[str | None] = []
    for text in coded.dictionary.to_pylist():
        codes = [decode(part.strip()) for part in text.split(";")]
        known = [code for code in codes if code is not None]
        texts.append(None if len(known) < len(codes) else known[0] if len(known) == 1 else to_json(known))
    read = pa.array(texts, pa.string()).take(coded.indices)
    return read, pc.indices_nonzero(pc.and_(pc.is_valid(cells), pc.is_null(read)))
