"""Look at a whole export before anything is written: every file gets a plan, every fault is collected."""

from dataclasses import dataclass, field, replace

from warehouse.errors import IngestError
from warehouse.ingest.arrays import encodings_seen
from warehouse.ingest.codings import Codings, read_codings
from warehouse.ingest.date_order import date_reader
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import Faults, refuse
from warehouse.ingest.fields import known_fields
from warehouse.ingest.gwas import AssociationReader, trait_of
from warehouse.ingest.headers import Header, is_title_header, looks_like_field, read_header
from warehouse.ingest.ld_scores import score_cells
from warehouse.ingest.nmr import CorrectedPlan, plan_corrected
from warehouse.ingest.olink import wide_columns
from warehouse.ingest.olink_tables import HELPERS
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.plan import PartPlan, plan_part, refuse_missing_required
from warehouse.ingest.recognise import Found
from warehouse.ingest.record_tables import RECORD_TABLES
from warehouse.ingest.records import RecordPlan, plan_record
from warehouse.ingest.replace_coding import Decoders, number_codes, settle_coding, settle_record_coding
from warehouse.ingest.tables import MISSING
from warehouse.ingest.titles import Titles, read_title_header, read_titled, read_titles

# An export of one of these with no row is an export that failed.
TABLES_WITH_ROWS = ("participant", *RECORD_TABLES, "olink_wide", "olink_long", "nmr_corrected", "gwas", "ld_scores")


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One participant file, ready to stream."""

    found: Found
    header: Header
    plan: PartPlan
    dates: DateReader
    decoders: Decoders
    number_codes: frozenset[str]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """One record file, ready to stream."""

    found: Found
    plan: RecordPlan
    decoders: Decoders
    evidence: str


@dataclass(frozen=True, slots=True)
class PlannedMetabolites:
    """One ukbnmr file, ready to stream."""

    found: Found
    plan: CorrectedPlan


@dataclass(slots=True)
class ExportPlan:
    """All files of an export by what is to be done with them."""

    found: list[Found]
    codings: Codings
    parts: list[PlannedPart] = field(default_factory=list)
    metabolites: list[PlannedMetabolites] = field(default_factory=list)
    records: dict[str, list[PlannedRecord]] = field(default_factory=dict)
    associations: list[tuple[Found, AssociationReader]] = field(default_factory=list)

    def of(self, *entities: str) -> list[Found]:
        return [one for one in self.found if one.entity in entities]


def plan_export(found: list[Found], *, where: str, overrides: Overrides, faults: Faults) -> ExportPlan:
    """A plan for every file; what breaks a rule is added to `faults`."""
    codings = read_codings(found, faults)
    plan = ExportPlan(found=found, codings=codings)
    for one in found:
        try:
            _plan_one(one, plan, codings, overrides, faults)
        except IngestError as error:
            faults.absorb(error)
    if not plan.of("participant") and not faults.seen:
        faults.add(where, "an export holds a participant table", "add it: the study begins with its participants")
    elif plan.parts and len(plan.parts) == len(plan.of("participant")):
        refuse_missing_required((part.plan for part in plan.parts), faults, where=_names(plan))
    _choose_metabolites(plan, overrides, faults)
    _refuse_same_trait(plan, faults)
    for helper in (*HELPERS, "gene_locations"):
        if len(plan.of(helper)) > 1:
            faults.add(
                ", ".join(one.name for one in plan.of(helper)), f"{helper} is one file", "take the others out",
                len(plan.of(helper)),
            )  # fmt: skip
    return plan


def _names(plan: ExportPlan) -> str:
    return ", ".join(one.name for one in plan.of("participant"))


def _plan_one(one: Found, plan: ExportPlan, codings: Codings, overrides: Overrides, faults: Faults) -> None:
    if one.entity in TABLES_WITH_ROWS and one.shape is not None and one.shape.is_header_only:
        faults.add(
            one.name,
            "a table has rows; it has a header only",
            f"export it again; if it is truly empty, say --override skip:{one.name}=yes",
        )
    if one.entity == "participant":
        plan.parts.append(_plan_participant(one, codings, overrides, faults))
    elif one.entity == "nmr_corrected" and one.shape is not None:
        plan.metabolites.append(
            PlannedMetabolites(one, plan_corrected(one.shape, content=overrides.get("nmr_content", one.name)))
        )
    elif one.entity in RECORD_TABLES and one.shape is not None:
        table = RECORD_TABLES[one.entity]
        record = plan_record(one.shape, table, ignored=overrides.subjects("ignore_column"))
        decoders, said = settle_record_coding(one.shape, table, record.source, codings=codings, faults=faults)
        plan.records.setdefault(one.entity, []).append(PlannedRecord(one, record, decoders, said))
    elif one.entity == "olink_wide" and one.shape is not None:
        wide_columns(one.shape)
        if not instance_of(one, overrides):
            faults.add(
                one.name,
                "a wide Olink file says its visit in its columns or its name (olink_instance_0)",
                f"say --override instance:{one.name}=0 (or 2, 3)",
            )
    elif one.entity == "gwas" and one.shape is not None:
        trait = overrides.get("trait", one.name) or trait_of(one.path)
        ignored = overrides.subjects("ignore_column")
        plan.associations.append((one, AssociationReader(one.shape, trait, ignored=ignored)))
    elif one.entity == "ld_scores" and one.shape is not None:
        score_cells(one.shape)


def instance_of(one: Found, overrides: Overrides) -> str:
    return overrides.get("instance", one.name) or one.detail


def _plan_participant(one: Found, codings: Codings, overrides: Overrides, faults: Faults) -> PlannedPart:
    assert one.shape is not None
    header = read_header(one.shape.header)
    if header is None and not is_title_header(one.shape.header):
        raise refuse(
            one.name,
            "a participant table has an eid column and columns named by field, in one of the known styles",
            "export it again with header_style FIELD-NAME",
        )
    titles = read_titles(codings, overrides)
    if header is None:
        header = read_title_header(one.shape.header, where=one.name, titles=titles, needed=known_fields())
        if not header.columns:
            raise refuse(
                one.name,
                "a participant table in titles (FIELD-TITLE) bears the title of at least one field of the study",
                f"export it with header_style FIELD-NAME, or leave it out: --override skip:{one.name}=yes",
            )
    else:
        header = _with_titles(header, titles, where=one.name)
    _refuse_doubtful(header, overrides, where=one.name, faults=faults)
    part = plan_part(header, where=one.name, overrides=overrides, faults=faults)
    decoders, coding_evidence = settle_coding(one.shape, part, codings=codings, overrides=overrides, faults=faults)
    dated = [
        name
        for target in part.targets
        if target.field.kind in ("date", "time") and target.column not in decoders
        for _, name in target.sources
    ]
    dates, date_evidence = date_reader(one.shape, dated, overrides)
    return PlannedPart(
        found=one,
        header=header,
        plan=part,
        dates=dates,
        decoders=decoders,
        number_codes=number_codes(part, codings),
        evidence=(
            f"header style {header.style}" + _also_read(header),
            coding_evidence,
            f"dates: {date_evidence}",
            f"arrays: {_array_evidence(one.shape, part)}",
        ),
    )


def _with_titles(header: Header, titles: Titles, *, where: str) -> Header:
    """A coded header with the cells that are titles read too, where no code names their column.

    A project may call a column of its own Sex; none is called `Sex | Instance 0` but by UK Biobank.
    """
    have = {column.field_id for column in header.columns}
    marked = [
        cell
        for cell in header.unread
        if " | Instance " in cell or ((of := titles.of(cell, names_instance=False)) and have.isdisjoint(of))
    ]
    columns, _ = read_titled(marked, where=where, titles=titles, needed=known_fields())
    read = [column for column in columns if column.instance is not None or column.field_id not in have]
    names = {column.name for column in read}
    return replace(
        header,
        columns=(*header.columns, *read),
        unread=tuple(cell for cell in header.unread if cell not in names),
        in_other_styles=(*header.in_other_styles, *sorted(names)),
    )


def _refuse_doubtful(header: Header, overrides: Overrides, *, where: str, faults: Faults) -> None:
    """A cell that is built like the name of a field of the study, in no known style, is lost or read: never guessed."""
    ignored = overrides.subjects("ignore_column")
    doubtful = [cell for cell in header.unread if cell not in ignored and looks_like_field(cell, known_fields())]
    if doubtful:
        faults.add(
            where,
            "a column named by a field is named in a known style; in none, though built of a field's number: "
            f"{', '.join(doubtful[:5])}{' ...' if len(doubtful) > 5 else ''}",
            f"rename it (p31, p46_i0), or leave it out: --override ignore_column:{doubtful[0]}=yes",
            len(doubtful),
        )


def _also_read(header: Header) -> str:
    others = header.in_other_styles
    return f"; columns in other styles, {len(others):,}: {', '.join(others[:5])}" if others else ""


def _array_evidence(shape: Shape, part: PartPlan) -> str:
    """Which array encodings the sampled list cells show, and how many arrays come as one column per index."""
    lists = [target for target in part.targets if target.is_one_list_column]
    at = [shape.header.index(target.sources[0][1]) for target in lists]
    seen = encodings_seen(row[k] for row in shape.rows for k in at if row[k] not in MISSING)
    n_spread = sum(target.field.is_list and not target.is_one_list_column for target in part.targets)
    said = [f"{n:,} {encoding} cells" for encoding, n in seen.items()]
    return ", ".join([*said, f"{n_spread:,} as one column per index"])


def _choose_metabolites(plan: ExportPlan, overrides: Overrides, faults: Faults) -> None:
    """Raw and corrected NMR values cannot both land in one field: one of them is chosen, by the user."""
    corrected = {column for one in plan.metabolites for i in (0, 1) for column in one.plan.columns(i)}
    chosen = overrides.get("nmr")
    if chosen == "raw":
        plan.metabolites = []
        return
    for k, part in enumerate(plan.parts):
        both = [target for target in part.plan.targets if target.column in corrected]
        if both and chosen != "corrected":
            faults.add(
                f"{part.found.name}, {', '.join(one.found.name for one in plan.metabolites)}",
                "an NMR value stands in one file; raw and corrected values are both here",
                "say --override nmr=corrected (or raw)",
                len(both),
            )
        kept = tuple(target for target in part.plan.targets if target not in both)
        plan.parts[k] = replace(part, plan=replace(part.plan, targets=kept))


def _refuse_same_trait(plan: ExportPlan, faults: Faults) -> None:
    files: dict[str, list[str]] = {}
    for one, reader in plan.associations:
        files.setdefault(reader.trait, []).append(one.name)
    for trait, names in files.items():
        if len(names) > 1:
            faults.add(
                ", ".join(names),
                f"a trait has one GWAS file; these are all called {trait}",
                f"rename one, or say --override trait:{names[0]}=NAME",
                len(names),
            )
