"""The ledger of what was not landed: file, line, column and rule; never a value."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# A file that breaks one rule everywhere would fill the disk with its ledger: counts go on, lines stop.
MAX_LINES_PER_RULE = 100_000
COLUMNS = ("file", "line", "column_name", "rule")


@dataclass(slots=True)
class Rejects:
    """Rejected rows and cells, and how many each (file, column, rule) has."""

    lines: list[tuple[str, int, str, str]] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, file: str, line: int, column: str, rule: str) -> None:
        key = (file, column, rule)
        self.counts[key] += 1
        if self.counts[key] <= MAX_LINES_PER_RULE:
            self.lines.append((file, line, column, rule))

    def count(self, file: str) -> int:
        return sum(n for (of, _, _), n in self.counts.items() if of == file)

    def extend(self, other: "Rejects") -> None:
        self.lines.extend(other.lines)
        self.counts.update(other.counts)

    def table(self) -> pa.Table:
        lines = sorted(self.lines)
        texts = [[str(row[k]) for row in lines] for k in range(len(COLUMNS))]
        return pa.table({name: pa.array(values, pa.string()) for name, values in zip(COLUMNS, texts, strict=True)})

    def write(self, path: Path) -> None:
        pq.write_table(self.table(), path, compression="zstd")
