"""Clinical biomarkers are columns of the participants, or named as wrong, all at once."""

import duckdb
import pytest

from python_models.frames.mediation.mediation_study import ClinicalBiomarker, refuse_unknown_columns


@pytest.fixture
def session() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute("create table marts.participants (participant_id varchar, cystatin_c_mg_per_l double)")
    return connection


def test_known_columns_pass(session: duckdb.DuckDBPyConnection) -> None:
    refuse_unknown_columns(session, [ClinicalBiomarker("study", "cystatin_c", "cystatin_c_mg_per_l", 0.0)])


def test_unknown_columns_are_named_with_the_nearest(session: duckdb.DuckDBPyConnection) -> None:
    listed = [
        ClinicalBiomarker("study", "cystatin_c", "cystatin_c_mg_per_dl", 0.0),
        ClinicalBiomarker("study", "weight", "zzz", 0.0),
    ]
    with pytest.raises(ValueError, match=r"2 columns .*did you mean cystatin_c_mg_per_l.*; zzz"):
        refuse_unknown_columns(session, listed)
