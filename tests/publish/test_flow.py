"""The flow diagram, from the smallest study that has a trunk, branches and a count too small to show."""

import duckdb

from warehouse.publish.flow import flow_page

STEPS = (  # reason, excluded for grip, excluded for pace
    ("negative id", 3, 3),
    ("withdrew consent", 10, 10),
    ("no baseline visit date", 0, 0),
    ("exposure not measured", 20, 30),
)


def test_flow_page__shares_the_trunk_and_never_shows_a_small_count() -> None:
    with duckdb.connect() as study:
        study.execute("create schema marts; create schema seeds")
        study.execute("create table seeds.arms as select 's' as study, 'a' as arm, 'Arm' as title")
        study.execute(
            "create table seeds.arm_outcome_definitions as "
            "select 's' as study, 'a' as arm, 'd' as outcome_definition, true as is_primary"
        )
        study.execute(
            "create table seeds.exposures as select 's' as study, 'a' as arm, 'grip' as exposure, 'Grip' as title "
            "union all select 's', 'a', 'pace', 'Pace'"
        )
        study.execute(
            "create table marts.eligibility_flow (study text, arm text, exposure text, outcome_definition text, "
            "step int, reason text, n_in bigint, n_excluded bigint, n_out bigint)"
        )
        for exposure, column in (("grip", 1), ("pace", 2)):
            left = 100
            for step, row in enumerate(STEPS, start=1):
                values = ("s", "a", exposure, "d", step, row[0], left, row[column], left - row[column])
                study.execute("insert into marts.eligibility_flow values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
                left -= row[column]
        page = flow_page(study)
    lines = page.splitlines()
    assert [line.strip() for line in lines[lines.index("flowchart TD") + 1 : lines.index("```")]] == [
        'start["Landed: 100"]',
        'start --> all_out0["negative id or withdrew consent: 13"]',
        'start --> all_0["87"]',
        'all_0 --> e0_out0["exposure not measured: 20"]',
        'all_0 --> e0_0["67"]',
        'e0_0 --> e0_end(["Grip: 67 analysed"])',
        'all_0 --> e1_out0["exposure not measured: 30"]',
        'all_0 --> e1_0["57"]',
        'e1_0 --> e1_end(["Pace: 57 analysed"])',
    ]
