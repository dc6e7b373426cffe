"""The short table at the end of a build: each primary hazard ratio beside the truth and the published reference."""

import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.cohorts import Cohort

WIDTH_OF_A_LOG = 170
# The estimate that answers the arm beside the crude one, or beside a confounder-adjusted one where it is crude itself.
PRIMARY = """
select
    found.arm, found.exposure, found.level, found.adjustment_set, found.n_participants, found.n_events,
    found.hazard_ratio, found.hazard_ratio_lower, found.hazard_ratio_upper, exp(found.target_log_hazard_ratio),
    found.standard_errors_from_target, found.reference_hazard_ratio, found.refusal
from results.truth_comparisons as found
inner join seeds.arms as arms on found.study = arms.study and found.arm = arms.arm
where found.is_primary_adjustment or found.adjustment_set in ('unadjusted', arms.mediation_adjustment_set)
order by found.arm desc, found.exposure, found.adjustment_set desc
"""


def _number(value: float | None, form: str = ".3f") -> str:
    return "" if value is None else format(value, form)


def print_summary(cohort: Cohort, *, folder: Path = Path("warehouse")) -> None:
    """Print the primary hazard ratios of the published study and what to do next."""
    database = folder / f"{cohort.database}.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(PRIMARY).fetchall()
    table = Table(title=cohort.title, title_justify="left", header_style="bold")
    for name in ("arm", "exposure", "adjusted", "people", "events", "hazard ratio (95 % interval)"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("people", "events") else "left")
    if cohort.is_synthetic:
        table.add_column("planted truth", justify="right")
        table.add_column("SE off", justify="right")
    table.add_column("published", justify="right")
    for arm, exposure, level, adjusted, n, events, hr, lower, upper, truth, off, reference, refusal in rows:
        estimate = refusal or f"{hr:.3f} ({lower:.3f} to {upper:.3f})"
        planted = [_number(truth), _number(off, "+.1f")] if cohort.is_synthetic else []
        what = f"{exposure}, {level}"
        table.add_row(arm, what, adjusted, f"{n:,}", f"{events:,}", estimate, *planted, _number(reference))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_LOG)
    console.print()
    console.print(table)
    console.print("Next:")
    console.print(f"  query it        .venv/bin/python -m warehouse.sql --cohort {cohort.name}", highlight=False)
    console.print(f"  data quality    open warehouse/quality/{cohort.name}/index.html in a browser", highlight=False)
    console.print("  your own data   make ingest FROM=folder && make build COHORT=export", highlight=False)
