"""The ledger of what was not landed: file, line, column and rule; never a value."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# A file that breaks one rule everywhere would fill the disk with its ledger: counts go on, lines stop.
MAX_LINES_PER_RULE = 100_000
COLUMNS = ("file", "line", "column_name", "rule")

# File, column (empty: the row as a whole), rule.
Key = tuple[str, str, str]


@dataclass(slots=True)
class Rejects:
    """Rejected rows and cells, and how many each (file, column, rule) has, beside how many there were.

    n_rows : rows of each file, landed or not.
    n_filled : cells that hold something, by file and column, where each was held to a rule; the other rejects are rows.
    remedies : what to do about a rule, where the rejected cells themselves tell.
    """

    lines: list[tuple[str, int, str, str]] = field(default_factory=list)
    counts: Counter[Key] = field(default_factory=Counter)
    n_rows: Counter[str] = field(default_factory=Counter)
    n_filled: Counter[tuple[str, str]] = field(default_factory=Counter)
    remedies: dict[Key, str] = field(default_factory=dict)

    def add(self, file: str, line: int, column: str, rule: str, *, n_lines: int = 1) -> None:
        """One rejected row or cell; a row may have swallowed the lines behind it."""
        key = (file, column, rule)
        self.counts[key] += n_lines
        if self.counts[key] <= MAX_LINES_PER_RULE:
            self.lines += [(file, line + k, column, rule) for k in range(n_lines)]

    def add_cells(self, file: str, column: str, rule: str, lines: Iterable[int]) -> None:
        for line in lines:
            self.add(file, line, column, rule)

    def count(self, file: str) -> int:
        return sum(n for (of, _, _), n in self.counts.items() if of == file)

    def is_of_rows(self, key: Key) -> bool:
        """Whether a key counts rows that were left out, not cells that landed empty."""
        return (key[0], key[1]) not in self.n_filled

    def extend(self, other: "Rejects") -> None:
        self.lines.extend(other.lines)
        self.counts.update(other.counts)
        self.n_rows.update(other.n_rows)
        self.n_filled.update(other.n_filled)
        self.remedies |= other.remedies

    def table(self) -> pa.Table:
        lines = sorted(self.lines)
        texts = [[str(row[k]) for row in lines] for k in range(len(COLUMNS))]
        return pa.table({name: pa.array(values, pa.string()) for name, values in zip(COLUMNS, texts, strict=True)})

    def write(self, path: Path) -> None:
        pq.write_table(self.table(), path, compression="zstd")
