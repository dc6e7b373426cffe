"""The eligibility flow as Mermaid diagrams, written from the published study into a page of the docs.

python -m warehouse.publish.flow [--database warehouse/study.duckdb] [--page models/marts/_eligibility_flow.md]
"""

import argparse
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import duckdb

from warehouse.small_counts import Step, merged_steps, shown_count

DATABASE = Path("warehouse/study.duckdb")
PAGE = Path("models/marts/_eligibility_flow.md")
ROWS = """
select arms.title, flow.arm, exposures.title, flow.exposure, flow.reason, flow.n_in, flow.n_excluded, flow.n_out
from marts.eligibility_flow as flow
inner join seeds.arm_outcome_definitions as definitions
    on flow.study = definitions.study and flow.arm = definitions.arm
    and flow.outcome_definition = definitions.outcome_definition and definitions.is_primary
inner join seeds.arms as arms on flow.study = arms.study and flow.arm = arms.arm
inner join seeds.exposures as exposures on flow.study = exposures.study and flow.exposure = exposures.exposure
order by flow.study, flow.arm, flow.exposure, flow.step
"""
Row = tuple[str, str, str, str, str, int, int, int]
HEAD = """{% docs eligibility_flow_diagram %}
# Eligibility flow

Written by `make docs` from the published study (SYNTHETIC in the repository: nobody in it exists); a test keeps it
current. Each participant leaves once, at the first reason that holds, for the primary outcome definition of each arm.
"""


def _steps(rows: Sequence[Row]) -> list[Step]:
    return merged_steps((reason, excluded, out) for *_, reason, _, excluded, out in rows)


def _diagram(rows: Sequence[Row]) -> list[str]:
    """One arm: the steps that all its exposures share as a trunk, then a branch for each exposure."""
    by_exposure = {title: _steps(list(group)) for title, group in groupby(rows, key=lambda row: row[2])}
    landed = rows[0][5]
    lines = ["```mermaid", "flowchart TD", f'    start["Landed: {landed:,}"]']

    def walk(steps: Sequence[Step], here: str, name: str) -> str:
        for k, step in enumerate(steps):
            lines.append(f'    {here} --> {name}_out{k}["{" or ".join(step.reasons)}: {shown_count(step.n_excluded)}"]')
            lines.append(f'    {here} --> {name}_{k}["{step.words_out}"]')
            here = f"{name}_{k}"
        return here

    shared = 0
    for abreast in zip(*by_exposure.values(), strict=False):
        if len(set(abreast)) > 1:
            break
        shared += 1
    trunk = next(iter(by_exposure.values()))[:shared]
    here = walk(trunk, "start", "all")
    for k, (title, steps) in enumerate(by_exposure.items()):
        at = walk(steps[shared:], here, f"e{k}")
        left = steps[-1].words_out if steps else f"{landed:,}"
        lines.append(f'    {at} --> e{k}_end(["{title}: {left} analysed"])')
    return [*lines, "```"]


def flow_page(study: duckdb.DuckDBPyConnection) -> str:
    """The page, from the published study."""
    rows: list[Row] = study.execute(ROWS).fetchall()
    lines = [HEAD]
    for (title, _), steps in groupby(rows, key=lambda row: (row[0], row[1])):
        lines += [f"## {title}", "", *_diagram(list(steps)), ""]
    return "\n".join([*lines, "{% enddocs %}", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m warehouse.publish.flow", description=__doc__)
    parser.add_argument("--database", type=Path, default=DATABASE)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    with duckdb.connect(str(options.database), read_only=True) as study:
        options.page.write_text(flow_page(study), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
