"""The in-memory rules of visit_values.py against SQL on the written files, and the truth they measured."""

import duckdb
import numpy as np
import pytest

from tests.synthetic.small_cohort import SMALL
from warehouse.synthetic import dirt, export, truth, visit_values, visits

# Low grip and low lean mass, and low grip and slow pace, by hand from the text files; -1 where neither can be told.
STATUS_IN_SQL = """
with visit as (
    select rowid as position, p31 = '1' as is_male, p53_i{k}::date as visit_day,
        nullif(greatest(coalesce(l, r), coalesce(r, l)), 0) as grip,
        (0.958 * (p23113_i{k}::double + p23117_i{k}::double + p23121_i{k}::double + p23125_i{k}::double)
            - 0.166 * (p31 = '1')::int - 0.308) / (coalesce(height, height_0) / 100) ** 2 as mass,
        case when p924_i{k}::int between 1 and 3 then p924_i{k}::int end as pace
    from (
        select rowid, *,
            case when not {faulty} and p46_i{k}::int between 0 and 90 then p46_i{k}::int end as l,
            case when not {faulty} and p47_i{k}::int between 0 and 90 then p47_i{k}::int end as r,
            case when p50_i{k}::double between 120 and 220 then p50_i{k}::double end as height,
            case when p50_i0::double between 120 and 220 then p50_i0::double end as height_0
        from participant
    )
)
select visit_day is not null as came,
    case when visit_day is not null then
        coalesce((grip < if(is_male, 27, 16) and mass < if(is_male, 7.0, 5.5))::int, -1) end as ewgsop2,
    case when visit_day is not null then coalesce((grip < if(is_male, 35.5, 20) and pace <= 1)::int, -1) end as sdoc
from visit order by position
"""


@pytest.mark.parametrize("instance", visit_values.INSTANCES)
def test_status__equals_sql_on_the_files(tables: duckdb.DuckDBPyConnection, instance: int) -> None:
    block = export.draw_block(SMALL, 0)
    numbers = export._participant_cells(SMALL, block).numbers
    rng = export.stream(SMALL, 0, "answers")
    dirt.baseline_answers(rng, block.people, block.exposures)
    choices = dirt.baseline_choices(rng, block.people, block.outcomes)
    later = visits.draw_visits(
        export.stream(SMALL, 0, "visits"), block.people, block.exposures, block.outcomes, choices
    )
    measured = visit_values.measures(numbers, later.devices, instance, block.people.is_male)
    faulty = "false"
    if instance == 1:
        faulty = "coalesce(p38_i1 = '7336' and p53_i1 between '2013-01-01' and '2013-06-30', false)"
    rows = tables.execute(STATUS_IN_SQL.format(k=instance, faulty=faulty)).fetchnumpy()
    came = np.asarray(rows["came"])
    assert came.sum() > 50
    for name in ("ewgsop2", "sdoc"):
        criteria = visit_values.read_criteria()[f"{name}_at_visits"]
        found = visit_values.status(measured, criteria, block.people.is_male)
        assert np.array_equal(found[came], np.asarray(rows[name])[came].astype(int)), name


def test_every_definition_at_visits_has_its_truth() -> None:
    assert set(visit_values.read_criteria()) == set(truth.VISIT_DEFINITIONS)


def test_the_latent_onset_is_what_was_planted_and_visits_show_less_of_it() -> None:
    """Omitted causes attenuate a little; cut-offs on measured grip dilute and confound more."""
    values = truth.large_sample()
    latent, error = values["heel_bmd", "per_sex_sd", truth.LATENT_ONSET, "M2"]
    planted = truth.joint_coefficients()["heel_bmd"]
    assert latent == pytest.approx(planted, rel=0.08)
    assert error < 0.01
    for definition in truth.VISIT_DEFINITIONS:
        value, _ = values["heel_bmd", "per_sex_sd", definition, "M2"]
        assert planted - 0.05 < value < 0.05, definition
