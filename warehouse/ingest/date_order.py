"""Settle the order of day and month of a file from its own cells, or refuse with the override that does."""

from collections.abc import Sequence
from typing import cast

from warehouse.ingest.dates import DateReader, Order, OrderEvidence
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks


def date_reader(shape: Shape, columns: Sequence[str], overrides: Overrides) -> tuple[DateReader, str]:
    """A reader for the date columns of `shape`, and the evidence in words.

    Raises IngestError where nothing proves the order, or the month stands first.
    """
    evidence = OrderEvidence()
    at = [shape.header.index(column) for column in columns]
    evidence.add(row[k] for row in shape.rows for k in at if k < len(row))
    chosen = overrides.get("date_order", shape.name)
    if chosen:
        return DateReader(order=cast(Order, chosen)), f"{evidence}; override {chosen}"
    if not evidence.is_settled:
        evidence = _whole_file(shape, columns)
    if not evidence.needs_order:
        return DateReader(order=None), str(evidence)
    if evidence.day_first and evidence.month_first:
        raise refuse(
            shape.name,
            "all dates of a file have one order; some can only have the day first, others the month",
            "export the file again: a spreadsheet has rewritten part of its dates",
            min(evidence.day_first, evidence.month_first),
        )
    if evidence.month_first:
        raise refuse(
            shape.name,
            "UK Biobank writes the day before the month; these dates are only possible with the month first",
            f"export the file again, or say --override date_order:{shape.name}=mdy",
            evidence.month_first,
        )
    if not evidence.day_first:
        raise refuse(
            shape.name,
            "some date has a day above 12, which proves the order of day and month; none has",
            f"say --override date_order:{shape.name}=dmy (UK Biobank's order)",
            evidence.either,
        )
    return DateReader(order="dmy"), str(evidence)


def _whole_file(shape: Shape, columns: Sequence[str]) -> OrderEvidence:
    evidence = OrderEvidence()
    for block in stream_blocks(shape, rejects=Rejects(), columns=columns):
        for column in block.rows.columns:
            evidence.add(column.unique().to_pylist())
        if evidence.day_first or evidence.month_first:
            break
    return evidence


def refuse_other_order(shape: Shape, reader: DateReader) -> None:
    """Raises IngestError when cells were met that only the other order of day and month reads."""
    if reader.other_order:
        raise refuse(
            shape.name,
            "all dates of a file have one order; some are dates only when day and month are exchanged",
            "export the file again: a spreadsheet has rewritten part of its dates",
            reader.other_order,
        )
