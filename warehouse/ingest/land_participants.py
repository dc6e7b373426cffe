"""Land the participant table: one file as it is, several files and corrected NMR values joined by eid."""

from collections.abc import Callable
from pathlib import Path

from warehouse.ingest.fields import participant_columns
from warehouse.ingest.join import Part, join_parts
from warehouse.ingest.landing import Landing, TableWriter
from warehouse.ingest.nmr import land_corrected
from warehouse.ingest.participant import ROWS_PER_GROUP, ParticipantReader, land_part
from warehouse.ingest.plan_export import ExportPlan, PlannedMetabolites, PlannedPart
from warehouse.ingest.rejects import Rejects

Advance = Callable[[int], None]


def land_participants(plan: ExportPlan, landing: Landing, *, rejects: Rejects, advance: Advance) -> dict[str, int]:
    """Write participant.parquet; returns the rows of each file.

    Raises IngestError for repeated participants, and for parts that do not belong together.
    """
    target = landing.path("participant")
    if len(plan.parts) == 1 and not plan.metabolites:
        with TableWriter(target, participant_columns(), rows_per_group=ROWS_PER_GROUP) as writer:
            _land_file(plan.parts[0], writer, rejects, advance)
        return {plan.parts[0].found.name: writer.n_rows}
    rows: dict[str, int] = {}
    parts: list[Part] = []
    folder = landing.folder / ".parts"
    for k, part in enumerate(plan.parts):
        columns = tuple(target.column for target in part.plan.targets)
        with TableWriter(folder / f"{k}.parquet", ("eid", *columns), rows_per_group=ROWS_PER_GROUP) as writer:
            _land_file(part, writer, rejects, advance)
        rows[part.found.name] = writer.n_rows
        parts.append((part.found.name, folder / f"{k}.parquet", columns))
    for k, one in enumerate(plan.metabolites):
        parts += _land_metabolites(one, plan, folder / f"nmr_{k}", rows, rejects, advance)
    join_parts(parts, columns=participant_columns(), target=target, spill=folder)
    return rows


def _land_file(part: PlannedPart, writer: TableWriter, rejects: Rejects, advance: Advance) -> None:
    assert part.found.shape is not None
    reader = ParticipantReader(
        shape=part.found.shape,
        plan=part.plan,
        dates=part.dates,
        rejects=rejects,
        decoders=part.decoders,
        number_codes=part.number_codes,
    )
    land_part(reader, writer=writer, advance=advance)


def _land_metabolites(
    one: PlannedMetabolites,
    plan: ExportPlan,
    folder: Path,
    rows: dict[str, int],
    rejects: Rejects,
    advance: Advance,
) -> list[Part]:
    """One part per visit of a ukbnmr file, in a folder of its own: values of one study may come in several files."""
    folder.mkdir()
    paths = [folder / f"{instance}.parquet" for instance in (0, 1)]
    with (
        TableWriter(paths[0], ("eid", *one.plan.columns(0)), rows_per_group=ROWS_PER_GROUP) as baseline,
        TableWriter(paths[1], ("eid", *one.plan.columns(1)), rows_per_group=ROWS_PER_GROUP) as repeat,
    ):
        land_corrected(one.plan, writers=(baseline, repeat), codings=plan.codings, rejects=rejects, advance=advance)
    rows[one.found.name] = baseline.n_rows + repeat.n_rows
    visits = zip((baseline, repeat), paths, (0, 1), strict=True)
    return [(one.found.name, path, one.plan.columns(i)) for writer, path, i in visits if writer.n_rows]
