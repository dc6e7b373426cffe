"""The export, block by block: draw, record, write. Memory is bounded by the block, not by the cohort."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.progress import progress
from warehouse.synthetic import (
    dirt,
    estimand,
    genes,
    gwas,
    gwas_tables,
    hospital,
    mediators,
    metabolite_cells,
    metabolites,
    participant_table,
    protein_tables,
    proteins,
    record_tables,
    records,
    truth,
    visits,
    write,
)
from warehouse.synthetic import parameters as p
from warehouse.synthetic.exposures import Exposures, draw_exposures
from warehouse.synthetic.further_answers import further_cells
from warehouse.synthetic.genotype import genotype_cells
from warehouse.synthetic.laboratory import blood_cells
from warehouse.synthetic.options import STAMP, Options, is_current, refuse_faults, stamp
from warehouse.synthetic.outcomes import NEVER, Outcomes, draw_outcomes
from warehouse.synthetic.population import Floats, Population, covariate_scores, draw_population

README = """SYNTHETIC DATA. Nobody in this folder exists.

A made-up UK Biobank export in the raw shapes of the real one, written by `python -m warehouse.synthetic`. Participant
ids look like SYN000001; rows with a negative id stand for people who withdrew, as in real files. truth.csv says what
was planted and what a correct analysis finds in a very large sample. Nothing here may be reported as a finding.
"""
# Rows with a negative id, as genotype and record files of real applications have for people who withdrew [choice].
NEGATIVE_IDS = 4
WITHDRAWAL_FILE = "w00000_20260101.csv"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of participants, truth only."""

    number: int
    first: int  # index of its first participant in the cohort
    people: Population
    covariates: dict[str, Floats]
    exposures: Exposures
    residuals: Floats  # (planted biomarkers, n)
    outcomes: Outcomes

    @property
    def n(self) -> int:
        return len(self.people)


def stream(options: Options, block: int, purpose: str) -> np.random.Generator:
    """An own random stream per block and purpose, so that one part may change without moving the others."""
    purposes = ("truth", "answers", "visits", "hospital", "records", "tables", "laboratory", "genotype", "proteins",
                "metabolites", "withdrawals", "further_answers")  # fmt: skip
    return np.random.default_rng([options.seed, block, purposes.index(purpose)])


def shared_stream(options: Options, purpose: str) -> np.random.Generator:
    """A random stream for what all blocks have in common; no block reaches its number."""
    purposes = ("panel", "machines", "gwas", "causal_variants", "genes")
    return np.random.default_rng([options.seed, 1_000_000_007, purposes.index(purpose)])


def draw_block(options: Options, number: int) -> Block:
    """Draw the truth of one block."""
    first = number * p.BLOCK
    n = min(p.BLOCK, options.participants - first)
    rng = stream(options, number, "truth")
    people = draw_population(rng, n)
    covariates = covariate_scores(people)
    exposures = draw_exposures(rng, people, covariates)
    residuals = mediators.draw_residuals(rng, n)
    effects = (mediators.B_OSTEOPOROSIS @ residuals, mediators.B_SARCOPENIA @ residuals)
    outcomes = draw_outcomes(rng, people, exposures, covariates, effects, effects=options.effects)
    return Block(number, first, people, covariates, exposures, residuals, outcomes)


def participant_ids(block: Block) -> pa.Array:
    """SYN000001 ...; in the first block a handful of negative ids, spread over it."""
    numbers = block.first + 1 + np.arange(block.n)
    ids = np.char.add("SYN", np.char.zfill(numbers.astype(str), 6)).astype(object)
    if block.number == 0:
        ids[np.linspace(10, block.n - 1, NEGATIVE_IDS).astype(int)] = [str(-k) for k in range(1, NEGATIVE_IDS + 1)]
    return pa.array(ids, pa.string())


def write_export(options: Options, out: Path) -> bool:
    """Write the export beside `out` and move it into place whole; False if it was already there.

    Raises
    ------
    SyntheticError
        With every fault of the options.
    """
    refuse_faults(options, out)
    if is_current(options, out):
        return False
    beside = out.with_name(out.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    _write_all(options, beside)
    (beside / STAMP).write_text(stamp(options))
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    beside.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    return True


def _write_all(options: Options, folder: Path) -> None:
    (folder / "README.txt").write_text(README)
    blocks = -(-options.participants // p.BLOCK)
    panel = None
    if options.proteins > 0 and options.proteomic_share > 0:
        panel = proteins.draw_panel(shared_stream(options, "panel"), options.proteins)
    metabolite_columns = metabolites.column_names() if options.metabolomic_share > 0 else ()
    with ExitStack() as stack:
        entities: dict[str, list[str]] = {"participant": participant_table.header(metabolite_columns)}
        entities |= {name: list(columns) for name, columns in record_tables.HEADERS.items()}
        files = {
            name: stack.enter_context(
                write.TextFile(folder / f"{name}.csv", [f"{name}.{column}" for column in columns])
            )
            for name, columns in entities.items()
        }
        withdrawals = stack.enter_context(write.TextFile(folder / WITHDRAWAL_FILE, None))
        protein_files = None
        if panel is not None:
            protein_files = stack.enter_context(protein_tables.ProteinFiles(folder, panel))
        advance = stack.enter_context(progress("Synthetic cohort", options.participants, "participants"))
        for number in range(blocks):
            block = draw_block(options, number)
            _write_block(options, block, files, withdrawals, protein_files)
            advance(block.n)
    planted = None
    if options.snps:
        with progress("Synthetic GWAS", len(gwas.TRAITS), "traits") as advance:
            rng = shared_stream(options, "gwas")
            snps = gwas.draw_snps(rng, options.snps)
            causal = gwas.draw_causal(shared_stream(options, "causal_variants"), snps, options.effects)
            planted = genes.Planted(snps, causal, genes.draw_genes(shared_stream(options, "genes"), snps, causal))
            gwas_tables.write_gwas(rng, folder, snps, gwas.draw_z(rng, snps, causal, options.effects), advance)
            genes.write_gene_locations(folder, planted.genes)
    rows = truth.truth_rows(panel, options.metabolomic_share > 0, planted, options.effects)
    truth.write_truth(folder / "truth.csv", rows)


def _add_proteins(
    options: Options,
    block: Block,
    cells: participant_table.Cells,
    eid: pa.Array,
    files: protein_tables.ProteinFiles,
) -> None:
    rng = stream(options, block.number, "proteins")
    sample = proteins.draw_sample(rng, block.people, options.proteomic_share, with_batch_0=block.number == 0)
    npx, limit = proteins.draw_levels(
        rng, files.panel, sample, block.covariates, block.exposures, block.residuals, options.effects
    )
    files.add_block(rng, block.number, eid, sample, npx, limit)
    protein_tables.add_cells(cells, block.number, sample, npx)


def _add_metabolites(options: Options, block: Block, cells: participant_table.Cells) -> None:
    rng = stream(options, block.number, "metabolites")
    run = metabolites.draw_run(rng, rng.random(block.n) < options.metabolomic_share, block.number)
    statin = estimand.statin_use(cells.choices)
    values = metabolites.draw_levels(
        rng, shared_stream(options, "machines"), run, block.covariates, block.exposures, block.residuals, statin,
        options.effects,
    )  # fmt: skip
    metabolite_cells.add_cells(cells, rng, block.number, run, values)


def _write_block(
    options: Options,
    block: Block,
    files: dict[str, write.TextFile],
    withdrawals: write.TextFile,
    protein_files: protein_tables.ProteinFiles | None,
) -> None:
    eid = participant_ids(block)
    people, outcomes = block.people, block.outcomes
    episodes, diagnoses = hospital.draw_hospital(stream(options, block.number, "hospital"), people, outcomes)
    records_rng = stream(options, block.number, "records")
    deaths = records.draw_deaths(records_rng, people, outcomes)
    occurrences = records.first_occurrences(records_rng, people, outcomes, episodes, diagnoses, deaths.certified_day)
    care = records.draw_primary_care(records_rng, people, outcomes)
    tables_rng = stream(options, block.number, "tables")
    files["hesin"].append(record_tables.hesin_rows(tables_rng, eid, episodes))
    files["hesin_diag"].append(record_tables.hesin_diag_rows(eid, episodes, diagnoses))
    files["hesin_oper"].append(record_tables.hesin_oper_rows(eid, episodes))
    files["death"].append(record_tables.death_rows(eid, deaths))
    files["death_cause"].append(record_tables.death_cause_rows(eid, deaths))
    for name, columns in record_tables.gp_rows(tables_rng, eid, outcomes, care).items():
        files[name].append(columns)

    cells = _participant_cells(options, block)
    _add_record_cells(cells, block, episodes, diagnoses, deaths, occurrences)
    if protein_files is not None:
        _add_proteins(options, block, cells, eid, protein_files)
    extra: tuple[str, ...] = ()
    if options.metabolomic_share > 0:
        _add_metabolites(options, block, cells)
        extra = metabolites.column_names()
    files["participant"].append(participant_table.columns(cells, eid, extra))
    rng = stream(options, block.number, "withdrawals")
    gone = rng.random(block.n) < p.ASCERTAINMENT.withdrawn_share
    if block.number == 0:
        gone[5] = True  # at least one in any cohort
    withdrawals.append([eid.filter(pa.array(gone))])


def _participant_cells(options: Options, block: Block) -> participant_table.Cells:
    """Answers and measurements of all visits, blood and genotype summaries."""
    answers_rng = stream(options, block.number, "answers")
    people, outcomes = block.people, block.outcomes
    numbers = dirt.baseline_answers(answers_rng, people, block.exposures)
    choices = dirt.baseline_choices(answers_rng, people, outcomes)
    visits_rng = stream(options, block.number, "visits")
    later = visits.draw_visits(visits_rng, people, block.exposures, outcomes, choices)
    cells = participant_table.Cells(block.n, numbers | later.answers, {}, choices | later.choices, {})
    device = np.where(answers_rng.random(block.n) < 0.008, -1, answers_rng.integers(0, dirt.DYNAMOMETERS, block.n))
    for name, index in ({"p38_i0": device} | later.devices).items():
        cells.text[name] = write.labels(index, participant_table.DEVICE_NAMES)
    recalled = visits.recalled_years(visits_rng, people, outcomes)
    n_years = participant_table.ARRAY_COLUMNS[20008]
    for instance in (0, 1, 2, 3):
        at_visit = participant_table.aligned_to_list(recalled, cells.choices[f"p20002_i{instance}"], n_years)
        cells.numbers |= {f"p20008_i{instance}_a{k}": year for k, year in enumerate(at_visit)}
    cells.numbers |= blood_cells(stream(options, block.number, "laboratory"), people, block.exposures, numbers)
    cells.numbers |= further_cells(stream(options, block.number, "further_answers"), people, numbers, choices)
    cells.numbers |= genotype_cells(stream(options, block.number, "genotype"), people, block.exposures)
    return cells


def _add_record_cells(
    cells: participant_table.Cells,
    block: Block,
    episodes: hospital.Episodes,
    diagnoses: hospital.Diagnoses,
    deaths: records.Deaths,
    occurrences: records.FirstOccurrences,
) -> None:
    """Fields that UK Biobank derives from the record tables."""
    for code, field_id in (("M80", 131962), ("M81", 131964), ("M82", 131966), ("M62", 131934)):
        cells.days[f"p{field_id}"] = occurrences.day[code]
        source = occurrences.source[code].astype(np.float64)
        cells.numbers[f"p{field_id + 1}"] = np.where(source == 0, np.nan, source)
    cells.days["p191"] = block.outcomes.lost_day
    lost = block.outcomes.lost_day < NEVER
    cells.numbers["p190"] = np.where(lost, 1.0 + (np.arange(block.n) % 5), np.nan)
    _add_distinct_codes(cells, episodes, diagnoses, is_icd9=False, list_field=41270, names=hospital.CODES)
    _add_distinct_codes(cells, episodes, diagnoses, is_icd9=True, list_field=41271, names=hospital.ICD9_CODES)
    for instance in (0, 1):
        mine = deaths.ins_index == instance
        when = np.full(block.n, NEVER)
        when[deaths.person[mine]] = deaths.day[mine]
        cells.days[f"p40000_i{instance}"] = when
        of_mine = mine[deaths.cause_certificate]
        owner = deaths.person[deaths.cause_certificate]
        primary = np.full(block.n, -1)
        first = of_mine & (deaths.cause_level == 1)
        primary[owner[first]] = deaths.cause[first]
        cells.text[f"p40001_i{instance}"] = write.labels(primary, records.CAUSES)
        further = of_mine & (deaths.cause_level == 2)
        width = participant_table.ARRAY_COLUMNS[40002]
        table, _ = participant_table.ranked(owner[further], deaths.cause[further], block.n, width)
        for k in range(width):
            cells.text[f"p40002_i{instance}_a{k}"] = write.labels(
                np.where(table[k] >= NEVER, -1, table[k]), records.CAUSES
            )


def _add_distinct_codes(
    cells: participant_table.Cells,
    episodes: hospital.Episodes,
    diagnoses: hospital.Diagnoses,
    *,
    is_icd9: bool,
    list_field: int,
    names: tuple[str, ...],
) -> None:
    """Each distinct code once, alphabetically, as one list; its first date at the same array index ten fields on."""
    mine = diagnoses.is_icd9 == is_icd9
    person = episodes.person[diagnoses.episode[mine]]
    when = episodes.day[diagnoses.episode[mine]]
    rank = np.argsort(np.argsort(np.array(names)))[diagnoses.code[mine]]
    order = np.lexsort((when, rank, person))
    person, when, rank = person[order], when[order], rank[order]
    is_first = np.r_[True, (person[1:] != person[:-1]) | (rank[1:] != rank[:-1])][: len(person)]
    person, when, rank = person[is_first], when[is_first], rank[is_first]
    width = participant_table.ARRAY_COLUMNS[list_field + 10]
    dates, fits = participant_table.ranked(person, when, cells.n, width)
    texts = pa.array(sorted(names), pa.string()).take(pa.array(rank[fits]))
    cells.text[f"p{list_field}"] = write.json_lists(person[fits], texts, cells.n)
    cells.days |= {f"p{list_field + 10}_a{k}": dates[k] for k in range(width)}
