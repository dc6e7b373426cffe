"""Land another cohort through its mapping: participant and record tables in UK Biobank's vocabulary, the rest empty."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.arrays import to_json
from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import field_of_column
from warehouse.ingest.fingerprint import fingerprint
from warehouse.ingest.landing import Landing, TableWriter, recover, write_empty
from warehouse.ingest.mapping import Mapped, read_mapping
from warehouse.ingest.mapping_rules import UnreadCell
from warehouse.ingest.mapping_sources import read_table, source_path
from warehouse.ingest.overrides import parse_overrides
from warehouse.ingest.profile import FileProfile, Profile, read_fingerprint
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables_landed import columns_of_tables

ROW_DIGITS = 6


def ingest_mapped(
    source: str, *, mapping: Path, cohort: str, to: Path, overrides: Sequence[str] = ()
) -> tuple[Path, bool]:
    """Land the table `source` through `mapping`; returns the landing and whether anything was done.

    Raises IngestError with every fault; the last good landing then stays untouched.
    """
    target = to / cohort
    recover(target)
    chosen = parse_overrides(overrides)
    path = source_path(source)
    mapped = read_mapping(mapping)
    choices = [*overrides, f"mapping={mapping.read_text(encoding='utf-8')}"]
    key = fingerprint([path], folder=path.parent, choices=choices)
    if read_fingerprint(target) == key:
        return target, False
    rejects = Rejects()
    table = read_table(path, overrides=chosen, rejects=rejects)
    tables = map_table(table, mapped, cohort=cohort, where=path.name)
    landing = Landing(target, key)
    landing.open()
    for name, columns in columns_of_tables().items():
        if name in tables:
            with TableWriter(landing.path(name), columns) as writer:
                writer.write(tables[name], len(tables[name]["eid"]))
        else:
            write_empty(landing.path(name), columns)
    rejects.write(landing.path("rejects"))
    profile = _profile(mapped, tables, table, cohort, key, path.name, mapping.name, overrides)
    profile.add_rejects(rejects)
    profile.files[0].n_rejected = rejects.count(path.name)
    profile.write(landing.folder)
    landing.put_in_place()
    return target, True


def map_table(table: pa.Table, mapped: Sequence[Mapped], *, cohort: str, where: str) -> dict[str, dict[str, pa.Array]]:
    """Landing tables by column; a record table has the rows where any of its mapped columns is filled.

    Participants are numbered in row order, with the cohort's name before: NHEFS000001.

    Raises IngestError naming source columns that are not there and cells a rule has no answer for, by count.
    """
    faults = Faults()
    n_rows = table.num_rows
    lacking = sorted({name for one in mapped for name in one.sources} - set(table.column_names))
    if lacking:
        faults.add(
            where, f"the table has the columns {', '.join(lacking)}", "correct source in the mapping", len(lacking)
        )
    if not n_rows:
        faults.add(where, "the table has rows; it has a header only", "check the file")
    faults.stop()
    eids = pa.array([f"{cohort.upper()}{k:0{ROW_DIGITS}d}" for k in range(1, n_rows + 1)])
    made: dict[str, dict[str, pa.Array]] = {"participant": {"eid": eids}}
    constants: dict[str, set[str]] = {}
    for one in mapped:
        if one.make is None or one.column == "eid":
            continue
        made.setdefault(one.table, {"eid": eids})[one.column] = _cells(table, one, where=where, faults=faults)
        if not one.sources:
            constants.setdefault(one.table, set()).add(one.column)
    faults.stop()
    for name, columns in made.items():
        if name == "participant":
            continue
        telling = [
            cells for column, cells in columns.items() if column != "eid" and column not in constants.get(name, ())
        ]
        keep = pa.array([False] * n_rows)
        for cells in telling:
            keep = pc.or_(keep, pc.is_valid(cells))
        made[name] = {column: cells.filter(keep) for column, cells in columns.items()}
    return made


def _cells(table: pa.Table, one: Mapped, *, where: str, faults: Faults) -> pa.Array:
    assert one.make is not None
    if not one.sources:
        return pa.array([_as_landed(one, one.make(()))] * table.num_rows, pa.string())
    answers: dict[tuple[str | None, ...], str | None] = {}
    unread: dict[tuple[str | None, ...], str] = {}
    rows = list(zip(*(table.column(name).to_pylist() for name in one.sources), strict=True))
    for cells in set(rows):
        try:
            answers[cells] = _as_landed(one, one.make(cells))
        except UnreadCell as unanswered:
            unread[cells] = str(unanswered)
    for why in sorted(set(unread.values())):
        n_rows = sum(unread.get(cells) == why for cells in rows)
        faults.add(where, f"{'+'.join(one.sources)} for {one.column}: {why}", "correct the rule in the mapping", n_rows)
    return pa.array([answers.get(cells) for cells in rows], pa.string())


def _as_landed(one: Mapped, text: str | None) -> str | None:
    """A field that is an array lands as a list, of one item here."""
    if text is None or one.table != "participant":
        return text
    return to_json([text]) if field_of_column()[one.column].is_list else text


def _profile(
    mapped: Sequence[Mapped],
    tables: dict[str, dict[str, pa.Array]],
    table: pa.Table,
    cohort: str,
    key: str,
    file: str,
    mapping: str,
    overrides: Sequence[str],
) -> Profile:
    profile = Profile(cohort=cohort, fingerprint=key, overrides=dict(line.split("=", 1) for line in overrides))
    n_absent = sum(one.make is None for one in mapped)
    profile.files.append(
        FileProfile(
            file=file,
            entity="mapped cohort",
            evidence=[f"mapping {mapping}"],
            decision=f"landed {len(mapped) - n_absent:,} columns; {n_absent:,} deliberately absent",
            n_rows=table.num_rows,
        )
    )
    profile.tables = {name: len(tables[name]["eid"]) if name in tables else 0 for name in columns_of_tables()}
    profile.notes = [f"{one.column}: {one.note}" for one in mapped if one.note]
    return profile
