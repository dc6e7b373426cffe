"""Settle whether a participant file holds codes (RAW) or their meanings (REPLACE, the Table Exporter's default)."""

from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.ingest.arrays import read_list
from warehouse.ingest.codings import Codings
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import Faults
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.participant import Decoders
from warehouse.ingest.plan import PartPlan, Target


@dataclass(frozen=True, slots=True)
class Vote:
    """How the sampled cells of one column speak."""

    target: Target
    n_codes: int
    n_meanings: int
    n_neither: int


def settle_coding(
    shape: Shape, plan: PartPlan, *, codings: Codings, overrides: Overrides, faults: Faults
) -> tuple[Decoders, str]:
    """Decoders of the columns that hold meanings (none for a RAW file), and the evidence in words."""
    return {}, "coding RAW"


def sampled_cells(shape: Shape, target: Target) -> Iterable[str]:
    """Cells of the sample rows of one target, list cells opened."""
    at = [shape.header.index(name) for _, name in target.sources]
    for row in shape.rows:
        for k in at:
            if k < len(row) and row[k] not in ("", "NA"):
                if target.field.is_list and target.is_one_list_column:
                    yield from (item for item in read_list(row[k]) or () if item is not None)
                else:
                    yield row[k]
