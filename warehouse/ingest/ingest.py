"""Ingest: one call from a folder of raw files to a landing in place."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import pyarrow.parquet as pq

from warehouse.errors import IngestError
from warehouse.ingest.export import ExportLanding
from warehouse.ingest.faults import Faults, refuse
from warehouse.ingest.fields import known_fields
from warehouse.ingest.files import list_files
from warehouse.ingest.fingerprint import fingerprint
from warehouse.ingest.join import PARENTS
from warehouse.ingest.landing import Landing, recover
from warehouse.ingest.overrides import Overrides, parse_overrides, refuse_unknown_files
from warehouse.ingest.plan_export import ExportPlan, plan_export
from warehouse.ingest.profile import FileProfile, Profile, read_fingerprint
from warehouse.ingest.recognise import recognise_folder
from warehouse.ingest.tables_landed import columns_of_tables
from warehouse.progress import progress

STREAMED = "MB"
BYTES_PER_MB = 1_000_000
COLUMNS_SHOWN = 12

DECISIONS = {
    "skipped": "left out by override",
    "not_data": "not data: left out",
    "genotypes": "genotype file: left where it is",
    "unread": "a UK Biobank table the study does not read: left out",
    "ld_score_all_count": "left out: the study uses the count of common SNPs",
    "gwas_trait_table": "read beside the GWAS files",
    "gwas_sidecar": "read beside its GWAS file",
    "codings": "read for the meanings of codes",
    "data_dictionary": "read for the titles of columns",
    "entity_dictionary": "known; nothing is needed from it",
    "showcase_coding": "read for the meanings of codes",
    "coding_143": "read for the names of proteins",
    "showcase_encoding_values": "read for the meanings of codes",
    "showcase_schema": "known; nothing is needed from it",
    "showcase_fields": "read for the titles of fields",
    "showcase_codings": "read for the meanings of codes",
    "showcase_dictionary": "read for the titles of fields",
}


def ingest(folder: Path, *, cohort: str, to: Path, overrides: Sequence[str] = ()) -> tuple[Path, bool]:
    """Land the export in `folder` as `to/cohort`; returns the landing and whether anything was done.

    Raises IngestError with every fault; the last good landing then stays untouched.
    """
    target = to / cohort
    recover(target)
    chosen = parse_overrides(overrides)
    files = list(list_files(folder))
    if not files:
        raise refuse(
            str(folder.name), "an export folder holds files; this one is empty", "check the path given by --from"
        )
    key = fingerprint(files, folder=folder, choices=overrides)
    if read_fingerprint(target) == key:
        return target, False
    faults = Faults()
    refuse_unknown_files(chosen, {path.relative_to(folder).as_posix() for path in files}, faults)
    found = recognise_folder(folder, chosen, faults)
    plan = plan_export(found, where=folder.name, overrides=chosen, faults=faults)
    faults.stop()
    landing = Landing(target, key)
    try:
        landing.open()
        exporter = land_with_progress(plan, landing, chosen, cohort)
        finish(exporter, landing, cohort=cohort, key=key, overrides=overrides)
    except IngestError:
        landing.discard()
        raise
    except PermissionError as bad:
        raise refuse(
            str(to), f"landings can be written there; the system says: {bad.strerror}", "give another --to"
        ) from bad
    return target, True


def land_with_progress(plan: ExportPlan, landing: Landing, overrides: Overrides, cohort: str) -> ExportLanding:
    total = sum(one.shape.size for one in plan.found if one.shape is not None)
    with progress(f"ingest {cohort}", max(1, total // BYTES_PER_MB), STREAMED) as advance:
        pending = 0
        counting = Lock()  # files are read at the same time

        def advance_bytes(n_bytes: int) -> None:
            nonlocal pending
            with counting:
                pending += n_bytes
                if pending >= BYTES_PER_MB:
                    advance(pending // BYTES_PER_MB)
                    pending %= BYTES_PER_MB

        exporter = ExportLanding(plan, landing, overrides=overrides, advance=advance_bytes)
        exporter.land()
    return exporter


def _of_columns(exporter: ExportLanding) -> list[str]:
    """Fields of the study that the export lacks, or holds without a value at the first visit: one misspelt would be."""
    landed = {target.column for part in exporter.plan.parts for target in part.plan.targets}
    fields = [field for field in known_fields().values() if not field.is_nmr]
    lacking = [field.column(0) for field in fields if landed.isdisjoint(field.columns())]
    empty = [field.column(0) for field in fields if field.column(0) in landed.intersection(exporter.empty_columns)]
    notes = []
    for columns, said in ((lacking, "fields of the study not in the export"), (empty, "columns that hold nothing")):
        if columns:
            shown = ", ".join(columns[:COLUMNS_SHOWN]) + (" ..." if len(columns) > COLUMNS_SHOWN else "")
            notes.append(f"participant: {said}, {len(columns):,}: {shown}")
    return notes


def finish(exporter: ExportLanding, landing: Landing, *, cohort: str, key: str, overrides: Sequence[str]) -> None:
    """Write the profile, drop the working files and put the landing in place."""
    profile = Profile(cohort=cohort, fingerprint=key)
    rows_of: dict[str, int] = {}
    evidence_of: dict[str, list[str]] = {}
    for answer in exporter.answers.values():
        rows_of |= answer.get("rows", {})
        evidence_of |= answer.get("evidence", {})
    planned = {part.found.name: part for part in exporter.plan.parts}
    for one in exporter.plan.found:
        evidence = [one.evidence, *([one.shape.evidence] if one.shape else []), *evidence_of.get(one.name, [])]
        decision = DECISIONS.get(one.entity, "landed")
        if one.name in planned:
            part = planned[one.name]
            evidence += part.evidence
            decision = (
                f"landed {len(part.plan.targets):,} columns; {part.plan.n_other_columns:,} columns the study "
                "does not use were left out"
            )
        profile.files.append(
            FileProfile(
                file=one.name,
                entity=one.entity,
                evidence=[text for text in evidence if text],
                decision=decision,
                n_rows=rows_of.get(one.name),
                n_rejected=exporter.rejects.count(one.name),
            )
        )
    for table in columns_of_tables():
        profile.tables[table] = pq.read_metadata(landing.path(table)).num_rows
    profile.notes += _of_columns(exporter)
    for table, answer in exporter.answers.items():
        profile.notes += answer.get("notes", [])
        if "participants" in answer:
            listed, known = answer["participants"]
            if listed > known:
                profile.notes.append(
                    f"{table}: {listed - known:,} of {listed:,} people are not in the participant table"
                )
        if "orphans" in answer and answer["orphans"][0]:
            orphans, n_records = answer["orphans"]
            profile.notes.append(
                f"{table}: {orphans:,} of {n_records:,} records have no {PARENTS[table]} record (eid, ins_index), "
                "and so no date: they are not used"
            )
    profile.overrides = dict(line.split("=", 1) for line in overrides)
    profile.add_rejects(exporter.rejects)
    profile.write(landing.folder)
    for name in (".rejects", ".parts"):
        shutil.rmtree(landing.folder / name, ignore_errors=True)
    landing.put_in_place()
