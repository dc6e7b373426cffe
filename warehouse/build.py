"""make build: from nothing to a published study, in one command.

    python -m warehouse.build [--cohort NAME] [--participants N] [--seed N] ...

Each step says what it does, repeats nothing that is already done, and leaves the last good study file in place when it
fails.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from warehouse.cohorts import Cohort, check_landing, find_cohort
from warehouse.errors import BuildError, Fault, StudyError
from warehouse.seeds_check import check_seeds

RAW = Path("warehouse/raw")
EXPORTS = Path("warehouse/export")
SECONDS_BETWEEN_LINES = 5.0
# Cohorts that are made or shipped here are landed by the build; any other landing is the user's, by make ingest.
SHIPPED = {"nhefs": ["--from", "causaldata:nhefs", "--mapping", "warehouse/ingest/mappings/nhefs.csv"]}


def _run(module: str, *arguments: str) -> None:
    """Run a module in a process of its own, so that its memory is given back; its error text is already printed."""
    finished = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
    if finished.returncode:
        raise SystemExit(finished.returncode)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def land(cohort: Cohort, options: argparse.Namespace) -> None:
    """Bring the cohort to warehouse/raw where the build can do so itself."""
    generator = [
        f"--{name.replace('_', '-')}={value}" for name, value in vars(options).items() if name in GENERATOR and value
    ]
    if cohort.name == "synthetic":
        export = EXPORTS / cohort.name
        _run("warehouse.synthetic", *generator, "--out", str(export))
        _run("warehouse.ingest", "--from", str(export), "--cohort", cohort.name, "--to", str(RAW))
    elif generator:
        rule = f"options of the synthetic cohort do not change another; {cohort.name} is as it was collected"
        raise BuildError([Fault(" ".join(generator), rule, "leave them out, or build COHORT=synthetic")])
    elif cohort.name in SHIPPED:
        _run("warehouse.ingest", *SHIPPED[cohort.name], "--cohort", cohort.name, "--to", str(RAW))
    check_landing(cohort.name, raw=RAW)


class _Progress:
    """Counts dbt's nodes as they finish; the time left is their mean time so far."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()
        self.done = self.total = 0

    def __call__(self, event: Any) -> None:
        name = event.info.name
        if name in ("LogStartLine", "LogModelResult", "LogTestResult", "LogSeedResult", "LogNodeNoOpResult"):
            self.total = max(self.total, getattr(event.data, "total", 0))
        if name != "NodeFinished":
            return
        self.done += 1
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES and self.done > 10:
            self.last = now
            left = (now - self.start) * max(self.total - self.done, 0) / self.done
            name = event.data.node_info.node_name
            _say(f"dbt build: {self.done} of {self.total} nodes ({name}), about {left:.0f} s left")


def _rule_and_remedy(result: Any, cohort: Cohort) -> tuple[str, str]:
    """What a failed node should have done, and where to look."""
    if result.node.name.endswith("_door_is_critical"):
        rule = "no critical expectation of the door is broken (each is named above with its count and remedy)"
        return (
            rule,
            f"open warehouse/quality/{cohort.name}/index.html, or read warehouse/quality/{cohort.name}/summary.md",
        )
    return (result.node.description or "runs without an error").strip(), _cause(str(result.message))


def _cause(message: str) -> str:
    """What a failed node says; of a traceback the error at its end, the rest being in dbt's log.

    A Python model's error reaches dbt as its traceback in words.
    """
    _, found, traceback = message.rpartition("Traceback (most recent call last):\n")
    if not found:
        return message.strip()
    lines = traceback.splitlines()
    at = next((i for i, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
    kind, _, text = "\n".join(lines[at:]).strip().partition(": ")
    is_told = kind.rpartition(".")[0].partition(".")[0] in ("warehouse", "expectations", "python_models")
    return f"{text if is_told else f'{kind}: {text}'}\n(traceback: logs/dbt.log)"


def run_dbt(cohort: Cohort) -> None:
    """dbt build over the landing.

    Raises
    ------
    BuildError
        With one fault per failed node; nothing has been published then.
    """
    os.environ["COHORT"] = cohort.name
    # dbt is imported late: the checks before it answer at once.
    from dbt.cli.main import dbtRunner

    progress = _Progress()
    started = time.monotonic()
    outcome = dbtRunner(callbacks=[progress]).invoke(["build", "--log-level", "error", "--log-level-file", "info"])
    results = getattr(outcome.result, "results", None) or []
    failed = [result for result in results if str(result.status) in ("error", "fail", "runtime error")]
    if outcome.exception is not None and not failed:
        raise BuildError([Fault("dbt build", "runs to its end", str(outcome.exception).strip())])
    if failed:
        skipped = sum(str(result.status) == "skipped" for result in results)
        faults = [Fault(result.node.name, *_rule_and_remedy(result, cohort)) for result in failed]
        rule = f"is as it was: nothing was published, and {skipped} nodes behind the failures were not run"
        raise BuildError(
            [*faults, Fault(f"warehouse/{cohort.database}.duckdb", rule, "mend them and run make build again")]
        )
    warned = sum(str(result.status) == "warn" for result in results)
    pages = f"warehouse/quality/{cohort.name}/index.html"
    _say(f"dbt build: {len(results)} nodes in {time.monotonic() - started:.0f} s, {warned} warnings ({pages})")


GENERATOR = ("participants", "seed", "proteomic_share", "proteins", "metabolomic_share")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m warehouse.build", description="Build and publish a study.")
    parser.add_argument("--cohort", default=os.environ.get("COHORT", "synthetic"), help="a row of seeds/cohorts.csv")
    for name in GENERATOR:
        parser.add_argument(f"--{name.replace('_', '-')}", default="", help="of the synthetic cohort")
    options = parser.parse_args(arguments)
    try:
        check_seeds(Path("warehouse/seeds"))
        # Imported late: Great Expectations takes seconds, and a wrong seed is told at once.
        from expectations.accepted_exceptions import check_suites

        for ended in check_suites():
            _say(ended.ended_words)
        cohort = find_cohort(options.cohort)
        land(cohort, options)
        run_dbt(cohort)
    except StudyError as error:
        _say(str(error))
        return error.exit_code
    from warehouse.publish.summary import print_summary

    print_summary(cohort)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
