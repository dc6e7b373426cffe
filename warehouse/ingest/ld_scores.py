"""Read LDSC's LD scores (`<chromosome>.l2.ldscore.gz`) and their SNP counts (`<chromosome>.l2.M_5_50`)."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks

SCORE_COLUMNS = ("chromosome", "rsid", "base_pair_location", "cm", "maf", "l2")
COUNT_COLUMNS = ("chromosome", "m_5_50")
CANONICAL = {"chr": "chromosome", "snp": "rsid", "bp": "base_pair_location", "cm": "cm", "maf": "maf", "l2": "l2"}


def score_cells(shape: Shape) -> dict[str, str]:
    """Canonical column -> header cell.

    Raises IngestError for partitioned scores: several L2 columns cannot be one.
    """
    cells = {CANONICAL[cell.lower()]: cell for cell in shape.header if cell.lower() in CANONICAL}
    if "l2" not in cells:
        raise refuse(
            shape.name,
            "the study uses one LD score per SNP, column L2; these are partitioned by annotation",
            "use the unpartitioned scores (eur_w_ld_chr)",
        )
    return cells


def land_scores(
    shape: Shape, *, writer: TableWriter, rejects: Rejects, advance: Callable[[int], None] | None = None
) -> None:
    cells = score_cells(shape)
    for block in stream_blocks(shape, rejects=rejects, columns=list(cells.values()), advance=advance):
        writer.write({name: block.rows.column(cell) for name, cell in cells.items()}, block.rows.num_rows)


def land_count(path: Path, *, name: str, chromosome: str, writer: TableWriter) -> None:
    """One count per file; several (partitioned) are refused.

    Raises IngestError for anything but one number.
    """
    cells = path.read_text(encoding="utf-8", errors="replace").split()
    if len(cells) != 1 or not cells[0].replace(".", "", 1).isdigit():
        raise refuse(
            name, "an M_5_50 file holds one number of SNPs", "use the counts beside the unpartitioned LD scores"
        )
    writer.write({"chromosome": pa.array([chromosome or None]), "m_5_50": pa.array([cells[0]])}, 1)
