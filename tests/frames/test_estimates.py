"""Tables of results tell no count of 1 to 4 people, nor does a refusal."""

import pyarrow as pa

from python_models.frames.estimates import table_of, without_small_counts

SCHEMA = pa.schema(
    [("name", pa.string()), ("n_events", pa.int64()), ("hazard_ratio", pa.float64()), ("refusal", pa.string())]
)


def test_counts_of_1_to_4__are_null_and_not_told_by_the_refusal() -> None:
    rows = [
        {"name": "a", "n_events": 0, "refusal": "too few events: 0 of the 10 asked for"},
        {"name": "b", "n_events": 4, "refusal": "too few events: 4 of the 10 asked for"},
        {"name": "c", "n_events": 5, "refusal": "too few events: 5 of the 10 asked for"},
        {"name": "d", "n_events": 41, "hazard_ratio": 1.5},
        {"name": "e", "n_events": 3, "refusal": "too few events: 3 events for 20 parameters"},
    ]
    found = table_of(rows, SCHEMA, sort_by=["name"])
    assert found.schema == SCHEMA
    assert found["n_events"].to_pylist() == [0, None, 5, 41, None]
    assert found["refusal"].to_pylist() == [
        "too few events: 0 of the 10 asked for",
        "too few events: fewer than 5 of the 10 asked for",
        "too few events: 5 of the 10 asked for",
        None,
        "too few events: fewer than 5 events for 20 parameters",
    ]
    assert found["hazard_ratio"].to_pylist() == [None, None, None, 1.5, None]


def test_columns_that_count_no_people__stay_as_they_are() -> None:
    table = pa.table(
        {"n_biomarkers": [3], "discovery_n_events": [3], "n_participants": [3], "note": ["too few events: 3"]}
    )
    assert without_small_counts(table).to_pylist() == [
        {"n_biomarkers": 3, "discovery_n_events": None, "n_participants": None, "note": "too few events: 3"}
    ]
