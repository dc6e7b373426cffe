"""How much of a file, or of a column, may be unreadable before the landing is refused."""

from collections import Counter
from collections.abc import Callable

from warehouse.errors import IngestError
from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import field_of_column
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.ingest.rejects import Rejects

# What is rejected is a ledger of accidents; more than this share and the file is not what it seems.
MAX_REJECTED_SHARE = 0.01
MISREAD = "the file is cut by another delimiter or quoted otherwise than it seems, or was damaged: export it again"
AS_EXPORTED = "export the column again as UK Biobank gives it"


def max_rejected_share(overrides: Overrides, file: str) -> float:
    """The share of a file's rows, and of each column's cells, that may be left out."""
    return float(overrides.get("unreadable", file) or MAX_REJECTED_SHARE)


def is_beyond(n_rejected: int, n_read: int, share: float) -> bool:
    """Whether more than accidents were rejected: one is one, unless it is all there was."""
    return n_rejected > share * n_read and (n_rejected > 1 or n_rejected >= n_read)


def _or_ignore(column: str) -> str:
    can_be = column in field_of_column() or any(column in table.columns for table in RECORD_TABLES.values())
    return f", or leave the column out: --override ignore_column:{column}=yes" if can_be else ""


def refuse_beyond(rejects: Rejects, share_of: Callable[[str], float], *, also: IngestError | None = None) -> None:
    """Raises IngestError with every file that lost more rows, and every column that lost more cells, than it may.

    also : what stopped the reading; what was lost until then may be the reason. Rows it was about are not told twice.
    """
    faults = Faults()
    rows: Counter[str] = Counter()
    rules: dict[str, list[str]] = {}
    for key, n in sorted(rejects.counts.items()):
        file, column, rule = key
        if rejects.is_of_rows(key):
            rows[file] += n
            rules.setdefault(file, []).append(rule)
            continue
        n_filled = rejects.n_filled[file, column]
        if is_beyond(n, n_filled, share_of(file)):
            faults.add(
                file,
                f"{rule}, in all but {share_of(file):.1%} of the {n_filled:,} filled cells of {column}",
                f"{rejects.remedies.get(key, AS_EXPORTED)}; to go on without these cells: "
                f"--override unreadable:{file}=SHARE" + _or_ignore(column),
                n,
            )
    for file, n in rows.items():
        n_read = rejects.n_rows[file]
        if also is None and is_beyond(n, n_read, share_of(file)):
            faults.add(
                file,
                f"at most {share_of(file):.1%} of the {n_read:,} rows are left out; broken: {'; '.join(rules[file])}",
                f"{MISREAD}; to go on without these rows: --override unreadable:{file}=SHARE",
                n,
            )
    if also is not None:
        faults.absorb(also)
    faults.stop()
