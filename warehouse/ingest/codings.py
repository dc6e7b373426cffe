"""What codes mean: the export's own codings file, the Showcase's tables, or the seed of labels.

`warehouse/seeds/value_labels.csv` and `treatment_labels.csv` hold Showcase facts (codings 1 to 100700 of the study's
fields, and coding 4). The latter writes its ten-digit codes with underscores, which audits for participant ids ignore.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.errors import IngestError
from warehouse.ingest.cells import Decoder
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import known_fields, read_seed
from warehouse.ingest.recognise import Found
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks

TREATMENT_LABELS = Path(__file__).with_name("treatment_labels.csv")
TREATMENTS = 4
# The labels of these codings begin with the code itself: `M81.0 Postmenopausal osteoporosis` is M810.
CODINGS_SPELT_IN_LABEL = (19, 87)
SPELT_CODE = re.compile(r"^([A-Z]?\d{2,5}(?:\.\d{1,2})?X?) \S")

CODING_NAME = re.compile(r"(?:data_coding_|coding_?)?(?P<encoding>\d+)$", re.IGNORECASE)
PARTICIPANT_COLUMN = re.compile(r"^p(?P<field>\d+)(?:_i\d+)?(?:_a\d+)?$")


@dataclass(slots=True)
class Codings:
    """Meanings of codes by encoding, encodings of record columns and titles of fields, as far as anything tells."""

    code_of: dict[int, dict[str, str]] = field(default_factory=dict)
    codes: dict[int, set[str]] = field(default_factory=dict)
    encoding_of_record: dict[tuple[str, str], int] = field(default_factory=dict)
    fields_of_title: dict[str, set[int]] = field(default_factory=dict)
    has_dictionary: bool = False

    def add(self, encoding: int, code: str, meaning: str) -> None:
        # Two codes with one meaning (the future dates of coding 819) cannot be told apart: the first stands.
        self.code_of.setdefault(encoding, {}).setdefault(meaning, code)
        self.codes.setdefault(encoding, set()).add(code)

    def add_title(self, title: str, field_id: int) -> None:
        self.fields_of_title.setdefault(title, set()).add(field_id)

    def knows(self, encoding: int) -> bool:
        return encoding in self.code_of or encoding in CODINGS_SPELT_IN_LABEL

    def decoder(self, encoding: int) -> Decoder:
        if encoding in self.code_of:
            return self.code_of[encoding].get
        return spelt_code

    def is_code(self, encoding: int, cell: str) -> bool:
        if encoding in self.codes:
            return re.sub(r"^(-?\d+)\.0+$", r"\1", cell) in self.codes[encoding]
        return bool(re.fullmatch(r"[A-Z]?[0-9]{2,5}[A-Z0-9]{0,2}", cell))

    def is_meaning(self, encoding: int, cell: str) -> bool:
        return self.decoder(encoding)(cell) is not None


def spelt_code(meaning: str) -> str | None:
    """The code an ICD label begins with, without its point."""
    spelt = SPELT_CODE.match(meaning)
    return spelt[1].replace(".", "") if spelt else None


def _rows(shape: Shape) -> list[dict[str, str]]:
    cells = {cell.lower(): cell for cell in shape.header}
    rows: list[dict[str, str]] = []
    for block in stream_blocks(shape, rejects=Rejects(), missing=()):
        columns = {name: block.rows.column(cell).to_pylist() for name, cell in cells.items()}
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return rows


def _plain_title(title: str) -> str:
    """`Standing height | Instance 0 | Array 1` without its visit and index."""
    return re.sub(r" \| (Instance|Array) \d+", "", title)


def read_codings(found: Sequence[Found], faults: Faults) -> Codings:
    """Codings of the export, filled from the seeds where it is silent."""
    codings = Codings()
    for one in found:
        if one.shape is None:
            continue
        try:
            if one.entity == "codings":
                _read_export_codings(_rows(one.shape), codings)
            elif one.entity == "showcase_encoding_values":
                _read_showcase_values(_rows(one.shape), codings)
            elif one.entity == "showcase_codings":
                for row in _rows(one.shape):
                    codings.add(int(row["coding"]), row["value"], row["meaning"])
            elif one.entity in ("showcase_coding", "coding_143"):
                for row in _rows(one.shape):
                    codings.add(int(one.detail or 143), row["coding"], row["meaning"])
            elif one.entity == "data_dictionary":
                _read_dictionary(_rows(one.shape), codings)
            elif one.entity == "showcase_fields":
                codings.has_dictionary = True
                for row in _rows(one.shape):
                    codings.add_title(row["title"], int(row["field_id"]))
            elif one.entity == "showcase_dictionary":
                codings.has_dictionary = True
                for row in _rows(one.shape):
                    codings.add_title(row["field"], int(row["fieldid"]))
        except IngestError as error:
            faults.absorb(error)
        except ValueError:
            faults.add(one.name, "a codings file names its codings by number", "export it again or move it away")
    fill_from_seeds(codings)
    return codings


def _read_export_codings(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    for row in rows:
        named = CODING_NAME.search(row["coding_name"] or "")
        if named:
            codings.add(int(named["encoding"]), row["code"], row["meaning"])


def _read_showcase_values(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    for row in rows:
        if (row.get("selectable") or "1") != "0":
            codings.add(int(row["encoding_id"]), row["value"], row["meaning"])


def _read_dictionary(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    codings.has_dictionary = True
    for row in rows:
        entity = row.get("entity") or "participant"
        column = PARTICIPANT_COLUMN.match(row["name"] or "")
        if entity == "participant" and column:
            codings.add_title(_plain_title(row["title"]), int(column["field"]))
        named = CODING_NAME.search(row.get("coding_name") or "")
        if entity != "participant" and named:
            codings.encoding_of_record[entity, row["name"]] = int(named["encoding"])


def fill_from_seeds(codings: Codings) -> None:
    """Add the seeds' labels of codings, and the study's titles, that nothing else told."""
    told = set(codings.codes)
    for row in read_seed("value_labels.csv"):
        if int(row["encoding_id"]) not in told:
            codings.add(int(row["encoding_id"]), row["code"], row["label"])
    if TREATMENTS not in told:
        with TREATMENT_LABELS.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                codings.add(TREATMENTS, row["code"].replace("_", ""), row["label"])
    for field_id, known in known_fields().items():
        codings.add_title(known.title, field_id)


__all__ = ["Codings", "Decoder", "read_codings", "spelt_code"]
