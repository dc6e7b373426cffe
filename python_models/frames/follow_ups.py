"""Participants and their follow-ups as arrays, read once for all the analyses of a table."""

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.columns import Columns, read_columns
from python_models.frames.study import CoxAnalysis

F8 = npt.NDArray[np.float64]
# Time is whole days inside; years appear in tables only.
DAYS_PER_YEAR = 365.25

# Row positions in participants, days and events of those at risk, (n,) each.
FollowUp = tuple[npt.NDArray[np.intp], F8, npt.NDArray[np.bool_]]


class StudyData:
    """Participants and follow-ups of the build, read once."""

    def __init__(
        self, session: duckdb.DuckDBPyConnection, analyses: list[CoxAnalysis], *, more_columns: Sequence[str] = ()
    ) -> None:
        wanted = {"sex", *more_columns}
        for analysis in analyses:
            wanted |= {analysis.column_name, *analysis.covariates}
        relation = session.sql("select * from marts.participants order by participant_id")
        self.columns: Columns = read_columns(relation, sorted(wanted))
        self.definitions = {analysis.outcome_definition for analysis in analyses}
        self.follow_ups = {name: self._follow_up(session, name) for name in sorted(self.definitions)}

    @staticmethod
    def _follow_up(
        session: duckdb.DuckDBPyConnection, definition: str
    ) -> tuple[npt.NDArray[np.intp], F8, npt.NDArray[np.bool_]]:
        table = session.execute(
            """
            with numbered as (
                select participant_id, row_number() over (order by participant_id) - 1 as position
                from marts.participants
            )
            select numbered.position, follow_ups.follow_up_days, follow_ups.is_event
            from marts.follow_ups as follow_ups
            inner join numbered on follow_ups.participant_id = numbered.participant_id
            where follow_ups.outcome_definition = $definition
            order by numbered.position
            """,
            {"definition": definition},
        ).fetchnumpy()
        return (
            np.asarray(table["position"], dtype=np.intp),
            np.asarray(table["follow_up_days"], dtype=np.float64),
            np.asarray(table["is_event"], dtype=bool),
        )
