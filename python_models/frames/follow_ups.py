"""Participants and their follow-ups as arrays, read once for all the analyses of a table."""

from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Exits:
    """Of those at risk, (n,) each: whether a death ended follow-up, and the day of entry since 1970-01-01."""

    is_death: npt.NDArray[np.bool_]
    entry_day: F8


class StudyData:
    """Participants and follow-ups of the build, read once.

    more_columns, definitions: further columns of marts.participants and outcome definitions than the analyses name.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        analyses: list[CoxAnalysis],
        *,
        more_columns: Iterable[str] = (),
        definitions: Iterable[str] = (),
    ) -> None:
        wanted = {"sex", *more_columns}
        for analysis in analyses:
            wanted |= {analysis.column_name, *analysis.covariates}
        relation = session.sql("select * from marts.participants order by participant_id")
        self.columns: Columns = read_columns(relation, sorted(wanted))
        self.definitions = {analysis.outcome_definition for analysis in analyses} | set(definitions)
        self.exits: dict[str, Exits] = {}
        self.follow_ups = {name: self._follow_up(session, name) for name in sorted(self.definitions)}

    def _follow_up(self, session: duckdb.DuckDBPyConnection, definition: str) -> FollowUp:
        table = session.execute(
            """
            with numbered as (
                select participant_id, row_number() over (order by participant_id) - 1 as position
                from marts.participants
            )
            select
                numbered.position, follow_ups.follow_up_days, follow_ups.is_event,
                follow_ups.exit_kind = 'death' as is_death,
                date_diff('day', date '1970-01-01', follow_ups.entry_date) as entry_day
            from marts.follow_ups as follow_ups
            inner join numbered on follow_ups.participant_id = numbered.participant_id
            where follow_ups.outcome_definition = $definition
            order by numbered.position
            """,
            {"definition": definition},
        ).fetchnumpy()
        self.exits[definition] = Exits(
            is_death=np.asarray(table["is_death"], dtype=bool), entry_day=np.asarray(table["entry_day"], np.float64)
        )
        return (
            np.asarray(table["position"], dtype=np.intp),
            np.asarray(table["follow_up_days"], dtype=np.float64),
            np.asarray(table["is_event"], dtype=bool),
        )
