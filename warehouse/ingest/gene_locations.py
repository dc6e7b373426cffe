"""Read gene locations in the shape of MAGMA's gene.loc: gene id, chromosome, first and last base pair, strand, symbol.

The file has no header and is cut by any white space; strand and symbol may be missing.
"""

import re
from pathlib import Path

import pyarrow as pa

from warehouse.ingest.faults import refuse
from warehouse.ingest.gwas import CHROMOSOME_NAMES
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.rejects import Rejects

GENE_COLUMNS = ("gene_id", "chromosome", "start_bp", "stop_bp", "strand", "symbol")
GENE_LOCATIONS = re.compile(r".*\.(gene\.loc|genes\.loc)$", re.IGNORECASE)
FEWEST_CELLS = 4
STRANDS = frozenset("+-")
RULE = "a gene has an id, a chromosome and a first base pair not behind its last"


def land_genes(path: Path, *, name: str, writer: TableWriter, rejects: Rejects) -> None:
    """One row per gene; lines that are none go to the ledger.

    Raises IngestError for a file that is no UTF-8 text or in which no line is a gene.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as bad:
        raise refuse(name, "gene locations are UTF-8 text", "download or unpack the file again") from bad
    genes: list[tuple[str | None, ...]] = []
    n_bad = 0
    for number, line in enumerate(lines, start=1):
        cells = line.split()
        if not cells or line.startswith("#"):
            continue
        if (
            len(cells) < FEWEST_CELLS
            or not (cells[2].isdigit() and cells[3].isdigit())
            or int(cells[2]) > int(cells[3])
        ):
            rejects.add(name, number, "", RULE)
            n_bad += 1
            continue
        plain = re.sub(r"^chr", "", cells[1], flags=re.IGNORECASE).upper()
        strand = cells[4] if len(cells) > FEWEST_CELLS and cells[4] in STRANDS else None
        symbol = cells[5] if len(cells) > FEWEST_CELLS + 1 else cells[0]
        genes.append((cells[0], CHROMOSOME_NAMES.get(plain, plain), cells[2], cells[3], strand, symbol))
    rejects.n_rows[name] += len(genes) + n_bad
    if not genes:
        raise refuse(
            name,
            "gene locations have lines of gene id, chromosome, first and last base pair, strand, symbol; none is such",
            "use the gene.loc of MAGMA for the build of your GWAS files (NCBI37.3.gene.loc for GRCh37)",
            n_bad or None,
        )
    columns = dict(zip(GENE_COLUMNS, zip(*genes, strict=True), strict=True))
    writer.write({column: pa.array(values, pa.string()) for column, values in columns.items()}, len(genes))
