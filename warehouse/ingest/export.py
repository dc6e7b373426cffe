"""Land a planned export: stream table by table into the new landing, then put it in place whole."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypedDict, cast

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import IngestError
from warehouse.ingest.faults import Faults
from warehouse.ingest.gene_locations import land_genes
from warehouse.ingest.gwas import (
    TRAIT_COLUMNS,
    AssociationReader,
    land_file,
    read_sidecar,
    read_trait_tables,
    sidecar_subject,
)
from warehouse.ingest.gwas_formats import NUMBER_COLUMNS
from warehouse.ingest.join import orphans, shared_participants
from warehouse.ingest.land_participants import land_participants
from warehouse.ingest.landing import Landing, TableWriter, write_empty
from warehouse.ingest.ld_scores import COUNT_COLUMNS, SCORE_COLUMNS, land_count, land_scores
from warehouse.ingest.olink import helper_columns, land_helper, land_long, land_wide, protein_coding
from warehouse.ingest.olink_keys import MeasuredKeys
from warehouse.ingest.olink_tables import HELPERS, LANDED_COLUMNS
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.plan import empty_columns, refuse_empty_required
from warehouse.ingest.plan_export import ExportPlan, instance_of
from warehouse.ingest.recognise import Found
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.ingest.records import RecordPlan, land_record, land_withdrawals
from warehouse.ingest.reject_limits import max_rejected_share, refuse_beyond
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks
from warehouse.ingest.tables_landed import TRUTH_COLUMNS, columns_of_tables


class Answer(TypedDict, total=False):
    """What one step says.

    rows, evidence : by file; counts : rejects by file, column and rule; n_filled : cells held to a rule, by file and
    column; participants : people listed and known; orphans : records without their parent, and records; notes : what
    else the user should know.
    """

    rows: dict[str, int]
    evidence: dict[str, list[str]]
    counts: list[tuple[str, str, str, int]]
    participants: tuple[int, int]
    orphans: tuple[int, int]
    n_filled: list[tuple[str, str, int]]
    notes: list[str]


Advance = Callable[[int], None]
ROWS_PER_LONG_GROUP = 1_000_000
LISTS_OF_PEOPLE = (*RECORD_TABLES, "olink_data")
# Unpacking, cutting and packing hold no interpreter lock; a file in work takes about 150 MB.
GWAS_FILES_AT_ONCE = min(4, os.cpu_count() or 1)


class ExportLanding:
    """Lands one planned export; every step says its rows and evidence by file."""

    def __init__(self, plan: ExportPlan, landing: Landing, *, overrides: Overrides, advance: Advance) -> None:
        self.plan, self.landing, self.overrides, self.advance = plan, landing, overrides, advance
        self.faults = Faults()
        self.answers: dict[str, Answer] = {}
        self.empty_columns: list[str] = []
        self.rejects = Rejects()

    def land(self) -> None:
        """Every table of the export.

        Raises IngestError with all faults that only reading to the end could show.
        """
        self._step("participant", self._participants)
        for name in RECORD_TABLES:
            if name in self.plan.records:
                self._step(name, partial(self._records, name))
        self._step("withdrawals", self._withdrawals)
        self._step("olink_data", self._olink)
        for helper in HELPERS:
            for one in self.plan.of(helper):
                self._step(helper, partial(self._helper, one))
        self._associations()
        self._step("ld_scores", self._ld_scores)
        self._step("ld_score_counts", self._ld_score_counts)
        self._step("gene_locations", self._gene_locations)
        self._step("planted_truth", self._truth)
        self.faults.stop()
        self.empty_columns = empty_columns(self.landing.path("participant"))
        refuse_empty_required(self.empty_columns, self.faults, where=self._names("participant"))
        self._same_people()
        self.faults.stop()
        self._write_the_rest()

    def _step(self, table: str, work: Callable[[Rejects], Answer]) -> None:
        """Run one restartable step, keeping its rejects beside the landing."""
        self._take(table, lambda: self._run(table, work))

    def _run(self, table: str, work: Callable[[Rejects], Answer]) -> Answer:
        """The step's answer; several steps may run at a time."""

        def run() -> Answer:
            rejects = Rejects()
            share_of = partial(max_rejected_share, self.overrides)
            try:
                answer = Answer(**work(rejects))
            except IngestError as error:
                refuse_beyond(rejects, share_of, also=error)
                raise
            refuse_beyond(rejects, share_of)
            ledger = self._ledger(table)
            ledger.parent.mkdir(exist_ok=True)
            rejects.write(ledger)
            answer["counts"] = [(*key, n) for key, n in sorted(rejects.counts.items())]
            answer["n_filled"] = [
                (*key, rejects.n_filled[key])
                for key in {(f, c) for f, c, _ in rejects.counts}
                if key in rejects.n_filled
            ]
            return answer

        return cast(Answer, self.landing.once(table, run))

    def _take(self, table: str, answer_of: Callable[[], Answer]) -> None:
        try:
            answer = answer_of()
        except IngestError as error:
            self.faults.absorb(error)
            return
        self.answers[table] = answer
        for file, column, rule, n in answer["counts"]:
            self.rejects.counts[file, column, rule] += n
        for file, column, n in answer["n_filled"]:
            self.rejects.n_filled[file, column] += n
        lines = pq.read_table(self._ledger(table)).to_pylist()
        self.rejects.lines += [(row["file"], int(row["line"]), row["column_name"], row["rule"]) for row in lines]

    def _ledger(self, table: str) -> Path:
        return self.landing.folder / ".rejects" / f"{table.replace('/', '_')}.parquet"

    def _writer(self, table: str, rows_per_group: int = ROWS_PER_LONG_GROUP) -> TableWriter:
        return TableWriter(self.landing.path(table), columns_of_tables()[table], rows_per_group=rows_per_group)

    def _participants(self, rejects: Rejects) -> Answer:
        return {"rows": land_participants(self.plan, self.landing, rejects=rejects, advance=self.advance)}

    def _records(self, name: str, rejects: Rejects) -> Answer:
        rows, evidence = {}, {}
        with self._writer(name) as writer:
            for one in self.plan.records[name]:
                before = writer.n_rows
                said = land_record(
                    one.plan,
                    writer=writer,
                    overrides=self.overrides,
                    rejects=rejects,
                    decoders=one.decoders,
                    advance=self.advance,
                )
                rows[one.found.name] = writer.n_rows - before
                evidence[one.found.name] = [one.evidence, f"dates: {said}", *_absent(one.plan)]
        return {"rows": rows, "evidence": evidence}

    def _withdrawals(self, rejects: Rejects) -> Answer:
        rows = {}
        with self._writer("withdrawals") as writer:
            for one in self.plan.of("withdrawals"):
                before = writer.n_rows
                if one.shape is not None:
                    land_withdrawals([(one.shape, one.detail == "header")], writer=writer, rejects=rejects)
                rows[one.name] = writer.n_rows - before
        return {"rows": rows}

    def _olink(self, rejects: Rejects) -> Answer:
        rows, evidence = {}, {}
        keys = MeasuredKeys()
        listed = self.plan.of("coding_143")
        coding = protein_coding(listed[0].shape if listed else None, rejects) if self.plan.of("olink_long") else {}
        with TableWriter(
            self.landing.path("olink_data"),
            LANDED_COLUMNS,
            rows_per_group=ROWS_PER_LONG_GROUP,
            repeated=("eid", "ins_index", "protein"),
        ) as writer:
            for one in self.plan.of("olink_wide", "olink_long"):
                assert one.shape is not None
                before = writer.n_rows
                if one.entity == "olink_wide":
                    instance = instance_of(one, self.overrides)
                    land_wide(
                        one.shape, instance=instance, writer=writer, rejects=rejects, keys=keys, advance=self.advance
                    )
                else:
                    evidence[one.name] = land_long(
                        one.shape, coding=coding, writer=writer, rejects=rejects, keys=keys, advance=self.advance
                    )
                rows[one.name] = writer.n_rows - before
        keys.refuse_repeated(", ".join(rows))
        return {"rows": rows, "evidence": {name: [said] for name, said in evidence.items() if said}}

    def _helper(self, one: Found, rejects: Rejects) -> Answer:
        assert one.shape is not None
        columns = helper_columns(one.entity, one.shape)
        with TableWriter(self.landing.path(one.entity), columns) as writer:
            said = land_helper(one.entity, one.shape, writer=writer, overrides=self.overrides, rejects=rejects)
        return {"rows": {one.name: writer.n_rows}, "evidence": {one.name: [f"dates: {said}"]}}

    def _associations(self) -> None:
        def work(rejects: Rejects, one: Found, reader: AssociationReader) -> Answer:
            path = self.landing.path(f"gwas/{reader.trait}")
            n_rows = land_file(reader, path, rejects=rejects, advance=self.advance)
            said = [f"{reader.n_other_tests:,} rows of other tests left out"] if reader.n_other_tests else []
            return {"rows": {one.name: n_rows}, "evidence": {one.name: said}}

        with ThreadPoolExecutor(GWAS_FILES_AT_ONCE) as pool:
            running = {
                f"gwas/{reader.trait}": pool.submit(
                    self._run, f"gwas/{reader.trait}", partial(work, one=one, reader=reader)
                )
                for one, reader in self.plan.associations
            }
            for table, answer in running.items():
                self._take(table, answer.result)
        self._step("gwas_traits", self._traits)

    def _traits(self, rejects: Rejects) -> Answer:
        sidecars = {sidecar_subject(one.name): one for one in self.plan.of("gwas_sidecar")}
        listed = read_trait_tables([one.shape for one in self.plan.of("gwas_trait_table") if one.shape], rejects)
        with self._writer("gwas_traits") as writer:
            for one, reader in self.plan.associations:
                said = listed.get(reader.trait) or listed.get(one.path.name) or {}
                for name, sidecar in sidecars.items():
                    if name in (one.name, one.name.removesuffix(".gz")):
                        said = said | read_sidecar(sidecar.path, sidecar.name)
                answer = self.answers.get(f"gwas/{reader.trait}", Answer())
                row = {
                    "trait": reader.trait,
                    "file": one.name,
                    "source_format": reader.format.name,
                    "n_rows": str(answer.get("rows", {}).get(one.name, 0)),
                } | said
                writer.write({name: pa.array([row.get(name) or None], pa.string()) for name in TRAIT_COLUMNS}, 1)
        return {"rows": {}, "notes": self._of_no_trait(listed, sidecars)}

    def _of_no_trait(self, listed: Mapping[str, Mapping[str, str]], sidecars: Mapping[str, Found]) -> list[str]:
        """What is said of GWAS files that are not there: sample sizes would be lost by a slip in a name."""
        names = {name for one, reader in self.plan.associations for name in (reader.trait, one.path.name)}
        files = {file for one, _ in self.plan.associations for file in (one.name, one.name.removesuffix(".gz"))}
        used = {id(facts) for name, facts in listed.items() if name in names}
        lost = {id(facts): name for name, facts in listed.items() if id(facts) not in used}
        lost_files = [one.name for name, one in sorted(sidecars.items()) if name not in files]
        return [
            *(f"{name}: a trait table speaks of it, and no GWAS file is called so" for name in sorted(lost.values())),
            *(f"{name}: metadata of a GWAS file that is not beside it: not used" for name in lost_files),
        ]

    def _ld_scores(self, rejects: Rejects) -> Answer:
        rows = {}
        with TableWriter(self.landing.path("ld_scores"), SCORE_COLUMNS) as writer:
            for one in self.plan.of("ld_scores"):
                assert one.shape is not None
                before = writer.n_rows
                land_scores(one.shape, writer=writer, rejects=rejects, advance=self.advance)
                rows[one.name] = writer.n_rows - before
        return {"rows": rows}

    def _ld_score_counts(self, rejects: Rejects) -> Answer:
        rows = {}
        with TableWriter(self.landing.path("ld_score_counts"), COUNT_COLUMNS) as writer:
            for one in self.plan.of("ld_score_count"):
                land_count(one.path, name=one.name, chromosome=one.detail, writer=writer)
                rows[one.name] = 1
        return {"rows": rows}

    def _gene_locations(self, rejects: Rejects) -> Answer:
        rows = {}
        with self._writer("gene_locations") as writer:
            for one in self.plan.of("gene_locations"):
                land_genes(one.path, name=one.name, writer=writer, rejects=rejects)
                rows[one.name] = writer.n_rows
        return {"rows": rows}

    def _truth(self, rejects: Rejects) -> Answer:
        rows = {}
        with self._writer("planted_truth") as writer:
            for one in self.plan.of("truth"):
                assert one.shape is not None
                own = [cell for cell in one.shape.header if cell in TRUTH_COLUMNS]
                for block in stream_blocks(one.shape, rejects=rejects, columns=own):
                    writer.write({name: block.rows.column(name) for name in own}, block.rows.num_rows)
                rows[one.name] = writer.n_rows
        return {"rows": rows}

    def _same_people(self) -> None:
        """A record table of another project shares no participant with this one."""
        landed = {table: self.landing.path(table) for table in LISTS_OF_PEOPLE if table in self.answers}
        landed = {table: path for table, path in landed.items() if pq.read_metadata(path).num_rows}
        shared = shared_participants(landed, participants=self.landing.path("participant"), spill=self.landing.folder)
        for table, (listed, known) in shared.items():
            if listed and not known:
                self.faults.add(
                    self._names(table),
                    "tables of one project share participants; nobody here is in the participant table",
                    "it comes from another application, whose ids differ: take it out",
                    listed,
                )
            self.answers[table]["participants"] = (listed, known)
        for table, found in orphans(landed, parents=self.landing.path, spill=self.landing.folder).items():
            self.answers[table]["orphans"] = found

    def _names(self, table: str) -> str:
        return ", ".join(self.answers[table]["rows"])

    def _write_the_rest(self) -> None:
        for table, columns in columns_of_tables().items():
            if not self.landing.path(table).exists():
                numbers = NUMBER_COLUMNS if table.startswith("gwas/") else ()
                write_empty(self.landing.path(table), columns, numbers=numbers)
        self.rejects.write(self.landing.path("rejects"))


def _absent(plan: RecordPlan) -> list[str]:
    said = [f"columns not in the file, landed empty: {', '.join(plan.missing)}"] if plan.missing else []
    return said + ([f"columns the table does not have, left out: {', '.join(plan.extra)}"] if plan.extra else [])
