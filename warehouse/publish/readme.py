"""The README's table of results, written from the published synthetic study.

python -m warehouse.publish.readme
"""

from pathlib import Path

import duckdb

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEADER = """| hazard ratio of | per | unadjusted | adjusted (M2) | planted | published |
|---|---|---|---|---|---|
"""
ROWS = """
with titled as (
    select exposures.arm, exposures.exposure, exposures.title as exposure_title, arms.outcome
    from seeds.exposures as exposures
    inner join seeds.arms as arms on exposures.study = arms.study and exposures.arm = arms.arm
)
select titled.exposure_title, titled.outcome, adjusted.level,
    unadjusted.hazard_ratio, unadjusted.hazard_ratio_lower, unadjusted.hazard_ratio_upper,
    adjusted.hazard_ratio, adjusted.hazard_ratio_lower, adjusted.hazard_ratio_upper,
    exp(adjusted.target_log_hazard_ratio), adjusted.reference_hazard_ratio
from results.truth_comparisons as adjusted
inner join results.truth_comparisons as unadjusted
    on adjusted.arm = unadjusted.arm and adjusted.exposure = unadjusted.exposure
    and unadjusted.adjustment_set = 'unadjusted'
inner join titled on adjusted.arm = titled.arm and adjusted.exposure = titled.exposure
where adjusted.is_primary_adjustment
order by titled.arm desc, titled.exposure
"""


def results_table(study: duckdb.DuckDBPyConnection) -> str:
    """The table in Markdown, from the published study."""
    rows = study.execute(ROWS).fetchall()
    return HEADER + "\n".join(
        f"| {title} on {outcome} | {level.removeprefix('per ')} | {raw:.2f} ({low:.2f} to {high:.2f}) "
        f"| **{hr:.2f}** ({lower:.2f} to {upper:.2f}) | {truth:.2f} | {reference:.2f} |"
        for title, outcome, level, raw, low, high, hr, lower, upper, truth, reference in rows
    )


def with_results(readme: str, table: str) -> str:
    """The README with the table between its marks."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}"


if __name__ == "__main__":
    path = Path("README.md")
    with duckdb.connect("warehouse/study.duckdb", read_only=True) as connection:
        table = results_table(connection)
    path.write_text(with_results(path.read_text(encoding="utf-8"), table), encoding="utf-8")
