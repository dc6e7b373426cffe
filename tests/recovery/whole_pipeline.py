"""The whole pipeline on cohorts whose truth is known: raw files to results, over seeds, as a user would run it.

    python -m tests.recovery.whole_pipeline --seeds 20                    # both of these, one cohort of each in turn
    python -m tests.recovery.whole_pipeline --effects none --seeds 20     # null study: what is found where nothing is
    python -m tests.recovery.whole_pipeline --effects full --seeds 20     # coverage and power
    python -m tests.recovery.whole_pipeline --effects full --seeds 20 --only-doors     # false alarms up to the marts

Each seed writes a cohort, lands it and runs every model in a copy of the project; only shares and what the four doors
said are kept, one JSON line per seed, so that a run that was cut goes on. Estimates of one cohort are not independent
of each other, so the Monte-Carlo error is that of the mean over cohorts; where all cohorts give the same share it is
the binomial one.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import duckdb
from scipy import stats

from expectations.run_identity import spec_hash
from tests.pipeline.conftest import Project, copy_project
from warehouse.synthetic.effects import EFFECTS, Effects
from warehouse.synthetic.options import Options, stamp

STUDIES = Path("warehouse/quality/studies")
DOCS = Path("models/quality/_whole_pipeline.md")
SIZE = ("--participants=8000", "--proteins=80", "--proteomic-share=0.3", "--metabolomic-share=0.4", "--snps=20000")
REMARKS = "### Remarks\n"
FIRST_SEED = 1001  # apart from the default cohort's


@dataclass(frozen=True, slots=True)
class Question:
    """A share that one cohort gives: hits of n; `expected` of an honest pipeline, None where it is power."""

    name: str
    sql: str  # one row: hits, n
    expected: float | None
    is_of_found: bool = False


def _covered(where: str) -> str:
    return (
        "select count(*) filter (abs(standard_errors_from_truth) <= 1.959964), count(standard_errors_from_truth) "
        f"from results.{where}"
    )


def _share(hit: str, where: str) -> str:
    return f"select count(*) filter ({hit}), count(*) from results.{where}"


# Quantiles of t by degrees of freedom, which DuckDB does not have: one less than instruments.
OF_T = [round(float(q), 4) for q in stats.t.ppf(0.975, range(1, 401))]
IVW = "mendelian_randomisation where refusal is null and method = 'ivw'"
# What these shares are where nothing is causal and samples overlap as planted: python -m tests.recovery.mendelian_null.
IVW_NORMAL_SHARE, IVW_T_SHARE = 0.118, 0.063


def _of_mediators(measure: str) -> str:
    """Hits and n over the arms and platforms of a cohort."""
    return (
        "select coalesce(cast(round(sum(estimate * n)) as bigint), 0), coalesce(cast(sum(n) as bigint), 0) "
        f"from results.biomarker_truth_measures where measure = '{measure}'"
    )


PRIMARY = "truth_comparisons where large_sample_value is not null and refusal is null and adjustment_set in"
ESTIMATED = "refusal is null and adjustment_set = 'M2'"
OF_BIOMARKERS = "biomarker_truth_comparisons where refusal is null and quantity = "
NULL_QUESTIONS = (
    Question("hazard ratios of exposures, M2: P < 0.05", _share(
        "abs(log_hazard_ratio / standard_error) > 1.959964", f"{PRIMARY} ('M2')"), 0.05),
    Question("hazard ratios of exposures, M3: P < 0.05", _share(
        "abs(log_hazard_ratio / standard_error) > 1.959964", f"{PRIMARY} ('M3')"), 0.05),
    Question("hazard ratios of exposures, M2 and M3: interval covers 1", _covered(f"{PRIMARY} ('M2', 'M3')"), 0.95),
    Question("hazard ratios of biomarkers: P < 0.05", _share(
        "p_value < 0.05", f"biomarker_hazard_ratios where is_primary and {ESTIMATED}"), 0.05),
    Question("hazard ratios of biomarkers: found (q < 0.05)", _share(
        "q_value < 0.05", f"biomarker_hazard_ratios where is_primary and {ESTIMATED}"), 0.0),
    Question("panels of biomarkers with any found", _share(
        "any_found", "(select bool_or(q_value < 0.05) as any_found from results.biomarker_hazard_ratios "
        f"where is_primary and {ESTIMATED} group by arm, outcome, platform)").replace("results.(", "("), 0.05),
    Question("effects on biomarkers: interval covers 0", _covered(
        f"{OF_BIOMARKERS} 'exposure_effect_on_biomarker'"), 0.95),
    Question("effects on biomarkers: found (q < 0.05)", _share(
        "is_found", f"{OF_BIOMARKERS} 'exposure_effect_on_biomarker'"), 0.0),
    Question("mediators found", _share("is_mediator", f"mediation_effects where {ESTIMATED}"), 0.0),
    Question("shared biomarkers found", _share("is_shared", "shared_biomarkers"), 0.0),
    Question("genetic correlations: P < 0.05", _share(
        "p_value < 0.05", "genetic_correlations where refusal is null"), 0.05),
    Question("Mendelian randomisation, inverse variance, normal P as in TwoSampleMR: P < 0.05", _share(
        "p_value < 0.05", IVW), IVW_NORMAL_SHARE),
    Question("Mendelian randomisation, inverse variance, by t: P < 0.05", _share(
        f"abs(estimate / standard_error) > {OF_T}[least(n_instruments - 1, {len(OF_T)})]", IVW), IVW_T_SHARE),
)  # fmt: skip
FULL_QUESTIONS = (
    Question("hazard ratios of exposures, all sets: coverage", _covered(
        f"{PRIMARY} ('unadjusted', 'M1', 'M2', 'M3')"), 0.95),
    Question("hazard ratios of exposures, M2: power at P < 0.05", _share(
        "abs(log_hazard_ratio / standard_error) > 1.959964", f"{PRIMARY} ('M2')"), None),
    Question("effects on biomarkers: coverage", _covered(f"{OF_BIOMARKERS} 'exposure_effect_on_biomarker'"), 0.95),
    Question("effects on biomarkers: power (q < 0.05)", _share(
        "is_found", f"{OF_BIOMARKERS} 'exposure_effect_on_biomarker' and large_sample_value <> 0"), None),
    Question("hazard ratios of biomarkers: coverage", _covered(f"{OF_BIOMARKERS} 'biomarker_effect'"), 0.95),
    Question("hazard ratios of biomarkers: power (q < 0.05)", _share(
        "is_found", f"{OF_BIOMARKERS} 'biomarker_effect' and planted_coefficient <> 0"), None),
    Question("hazard ratios of null proteins: P < 0.05", _share(
        "abs(estimate / standard_error) > 1.959964",
        f"{OF_BIOMARKERS} 'biomarker_effect' and large_sample_value = 0 and platform = 'protein'"), 0.05),
    Question("hazard ratios of null metabolites: P < 0.05", _share(
        "abs(estimate / standard_error) > 1.959964",
        f"{OF_BIOMARKERS} 'biomarker_effect' and large_sample_value = 0 and platform = 'metabolite'"), 0.05),
    Question("panels whose null P values are not uniform: P < 0.05", _share("p_value < 0.05", (
        "biomarker_truth_measures where measure = 'null_uniformity' and refusal is null")), 0.05),
    Question("panels whose estimates are not spread about their truth as errors say: P < 0.05", _share(
        "p_value < 0.05", "biomarker_truth_measures where measure = 'truth_uniformity' and refusal is null"), 0.05),
    Question("hazard ratios of biomarkers: false among found", _share(
        "large_sample_value = 0", f"{OF_BIOMARKERS} 'biomarker_effect' and is_found"), 0.05, is_of_found=True),
    Question("indirect effects: coverage", _covered(f"{OF_BIOMARKERS} 'indirect_effect'"), 0.95),
    Question("indirect effects: power (q < 0.05)", _share("is_found", f"{OF_BIOMARKERS} 'indirect_effect'"), None),
    Question("mediators: truly null among found", _of_mediators("null_among_mediators"), 0.05, is_of_found=True),
    Question("mediators: without effect, following adiposity or an exposure", _of_mediators(
        "followers_among_mediators"), None, is_of_found=True),
    Question("mediators upheld with fat mass: without effect", _of_mediators(
        "without_effect_among_upheld"), 0.05, is_of_found=True),
    Question("genetic quantities: coverage", _covered("genetic_truth_comparisons where refusal is null"), 0.95),
    Question("genetic correlations: power at P < 0.05", _share("p_value < 0.05", (
        "genetic_correlations where refusal is null and trait_1 || trait_2 in ('osteoporosissarcopenia', "
        "'heel_bmdosteoporosis', 'osteoporosisheel_bmd', 'gripsarcopenia', 'sarcopeniagrip')")), None),
)  # fmt: skip
QUESTIONS: dict[Effects, tuple[Question, ...]] = {"none": NULL_QUESTIONS, "full": FULL_QUESTIONS}
MONTE_CARLO_ERRORS_ALLOWED = 3
# Where nothing is planted the known causes of the study's outcomes are none either: the door is right to miss them.
TRUE_UNDER_NULL = "results/control_analyses/positive_controls_are_found"
DOORS = ("raw", "staging", "marts", "results")


@dataclass(frozen=True, slots=True)
class Answer:
    """Mean share over cohorts, its Monte-Carlo error (None for one cohort), cohorts that had any, estimates in all."""

    name: str
    expected: float | None
    share: float | None
    error: float | None
    cohorts: int
    n: int

    @property
    def judged_error(self) -> float:
        """Error of the mean over cohorts; of the binomial (Wilson) where no cohort differs from another or is alone.

        Shares that are all 0 or all 1 have no spread to see and are not known exactly for that.
        """
        if self.error or self.share is None or not self.n:
            return self.error or 0.0
        # Wilson's interval of one error: its half width (Wilson 1927, J Am Stat Assoc 22:209, eq. 1, z = 1).
        p, n = self.share, self.n
        return sqrt(p * (1 - p) / n + 1 / (4 * n * n)) / (1 + 1 / n)

    @property
    def is_as_expected(self) -> bool:
        """Within three Monte-Carlo errors of what is expected, and never condemned for being better than nominal."""
        if self.expected is None or self.share is None:
            return True
        allowed = MONTE_CARLO_ERRORS_ALLOWED * self.judged_error + 1e-9
        if self.expected >= 0.5:
            return self.share >= self.expected - max(allowed, 0.01)
        return self.share <= self.expected + max(allowed, 0.002)


def run_seed(project: Project, *, effects: Effects, seed: int, only_doors: bool = False) -> dict[str, object]:
    """Build one cohort; shares by question, and every expectation that did not hold.

    only_doors : stop behind the marts door and answer no question, which takes a third of the time.

    Raises
    ------
    RuntimeError
        When a step fails, with the last of what it said.
    """
    export = "warehouse/export/synthetic"
    only = ("--select", "+marts_expectations") if only_doors else ()
    steps: list[tuple[str, ...]] = [
        ("-m", "warehouse.synthetic", f"--seed={seed}", f"--effects={effects}", f"--out={export}", *SIZE),
        ("-m", "warehouse.ingest", "--from", export, "--cohort", "synthetic", "--to", "warehouse/raw"),
        ("-m", "dbt.cli.main", "--quiet", "build", "--exclude-resource-type", "test", "unit_test", *only),
    ]  # fmt: skip
    for step in steps:
        finished = project.run(*step, OPENBLAS_NUM_THREADS="1", PYTHONPATH=str(project.folder), COHORT="synthetic")
        if finished.returncode:
            raise RuntimeError(f"seed {seed}, {step[1]} failed:\n{(finished.stdout + finished.stderr)[-3000:]}")
    with duckdb.connect(str(project.folder / "warehouse/build/study.duckdb"), read_only=True) as connection:
        questions = () if only_doors else QUESTIONS[effects]
        shares = {one.name: connection.execute(one.sql).fetchall()[0] for one in questions}
        alarms = [
            row
            for door in (DOORS[:3] if only_doors else DOORS)
            for row in connection.execute(
                f"select severity, expectation_id, message from quality.{door}_expectations where not is_success"
            ).fetchall()
        ]
    return {"effects": effects, "seed": seed, "size": list(SIZE), "shares": shares, "alarms": alarms}


def answers(runs: list[dict], effects: Effects) -> list[Answer]:
    """One row per question over the runs of one kind of study."""
    found = []
    for question in QUESTIONS[effects]:
        mine = [run["shares"] for run in runs if run["effects"] == effects]
        # Runs from before a question was asked do not answer it.
        pairs = [shares[question.name] for shares in mine if question.name in shares]
        # Of nothing found nothing is false: the false discovery rate is a mean over all cohorts.
        shares = [hits / n if n else 0.0 for hits, n in pairs if n or question.is_of_found]
        error = stdev(shares) / sqrt(len(shares)) if len(shares) > 1 else None
        n = sum(n for _, n in pairs)
        share = mean(shares) if shares else None
        found.append(Answer(question.name, question.expected, share, error, len(shares), n))
    return found


def as_markdown(runs: list[dict]) -> str:
    """The tables of both studies and what the doors said of clean cohorts."""
    lines = ["# The whole pipeline on cohorts whose truth is known", ""]
    titles = {"none": "Null study: nothing is planted", "full": "Full study: everything is planted"}
    for effects, title in titles.items():
        mine = [run for run in runs if run["effects"] == effects]
        if not mine:
            continue
        lines += [f"## {title}", "", f"{len(mine)} cohorts; {' '.join(mine[0]['size'])}.", ""]
        lines += ["| share | expected | found | Monte-Carlo error | estimates |", "|---|---:|---:|---:|---:|"]
        # A question that was written after these runs has no row.
        for one in (answer for answer in answers(mine, effects) if answer.share is not None):  # type: ignore[arg-type]
            expected, share, error = (_shown(value) for value in (one.expected, one.share, one.judged_error))
            lines.append(f"| {one.name} | {expected} | {share} | {error} | {one.n:,} |")
        lines += ["", *_alarms(mine), ""]
    return "\n".join(lines)


def false_alarms(run: dict) -> list[list[str]]:
    """What a door said against a cohort in which it is not so: severity, expectation, message."""
    return [alarm for alarm in run["alarms"] if not (run["effects"] == "none" and alarm[1] == TRUE_UNDER_NULL)]


def _alarms(runs: list[dict]) -> list[str]:
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        for severity, name, _ in false_alarms(run):
            counts[severity, name] = counts.get((severity, name), 0) + 1
    clean = sum(not false_alarms(run) for run in runs)
    lines = [f"Doors: {clean} of {len(runs)} clean cohorts raised no false alarm, of any severity, at any door."]
    return lines + [f"- {severity} `{name}` in {n}" for (severity, name), n in sorted(counts.items())]


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def study(*kinds: Effects, seeds: int, only_doors: bool = False, folder: Path = STUDIES) -> list[dict]:
    """Run what is not there yet, a cohort of each kind in turn; write ledgers and tables, give all runs."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = _specification()
    ledgers = {kind: folder / f"runs_{'doors' if only_doors else kind}.jsonl" for kind in kinds}
    runs = [run for ledger in ledgers.values() for run in _read(ledger) if run.get("spec") == spec]
    done = {(run["effects"], run["seed"]) for run in runs}
    with tempfile.TemporaryDirectory() as scratch:
        project = copy_project(Path(scratch))
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for kind, ledger in ledgers.items():
                if (kind, seed) in done:
                    continue
                found = run_seed(project, effects=kind, seed=seed, only_doors=only_doors)
                runs.append(json.loads(json.dumps({**found, "spec": spec})))
                with ledger.open("a") as out:
                    out.write(json.dumps(runs[-1]) + "\n")
                print(f"{kind}: seed {seed}, {len(runs)} cohorts in all", file=sys.stderr, flush=True)
    write_tables(folder)
    return runs


def _read(ledger: Path) -> list[dict]:
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def _specification() -> str:
    """What decides a run: models, seeds, suites, generator. Runs of another are not counted with this one's."""
    return spec_hash(options=stamp(Options()))


def write_tables(folder: Path = STUDIES) -> str:
    """study.md and study.json from the runs of the newest specification; the quality pages show the latter."""
    by_kind = {}
    for kind in (*EFFECTS, "doors"):
        every = _read(folder / f"runs_{kind}.jsonl")
        by_kind[kind] = [run for run in every if run.get("spec") == every[-1].get("spec")]
    runs = [run for kind in EFFECTS for run in by_kind[kind]]
    text = as_markdown(runs)
    if by_kind["doors"]:
        text += "\n".join(["## Doors on clean cohorts, raw to marts", "", *_alarms(by_kind["doors"]), ""])
    (folder / "study.md").write_text(text, encoding="utf-8")
    tables = {
        one: [{**asdict(answer), "error": answer.judged_error} for answer in answers(runs, one)] for one in EFFECTS
    }
    (folder / "study.json").write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
    return text


def as_docs(text: str, *, remarks: str = "") -> str:
    """A docs block of dbt: the tables, dated, since a build does not run them again; what people wrote below stays."""
    title, _, rest = text.partition("\n")
    note = (
        f"Run on {date.today():%Y-%m-%d}; at 8,000 people power is small and coverage is what is shown. "
        "Where every cohort gives the same share its error is the binomial one (Wilson). "
        "Again: `make test ARGS='-m recovery'`."
    )
    heading = f"{{% docs whole_pipeline %}}\n{title.replace('# ', '## ')}\n\n{note}\n{rest}"
    return f"{heading.rstrip()}\n\n{REMARKS}\n{remarks.strip()}\n{{% enddocs %}}\n"


def remarks_of(docs: str) -> str:
    """What people wrote below the tables of a docs block."""
    return docs.partition(REMARKS)[2].partition("{% enddocs %}")[0].strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recovery.whole_pipeline")
    parser.add_argument("--effects", choices=EFFECTS, help="only this kind of study; both by default")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only-doors", action="store_true", help="raw to marts: which clean cohorts raise an alarm")
    parser.add_argument("--write-docs", action="store_true", help="write what is there into dbt's docs and run nothing")
    given = parser.parse_args()
    if given.write_docs:
        remarks = remarks_of(DOCS.read_text(encoding="utf-8"))
        DOCS.write_text(as_docs(write_tables(), remarks=remarks), encoding="utf-8")
        return 0
    kinds = (given.effects,) if given.effects else ("full",) if given.only_doors else EFFECTS
    study(*kinds, seeds=given.seeds, only_doors=given.only_doors)
    print(write_tables())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
