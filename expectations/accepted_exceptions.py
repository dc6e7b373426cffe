"""Faults of the data that someone has looked at and accepted: rows of a seed with a reason and an end date."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from expectations.suite_columns import columns_told_wrong
from expectations.suite_files import (
    DOORS,
    SEEDS_FOLDER,
    SUITES_FOLDER,
    Asset,
    ExpectationSuiteError,
    Suite,
    load_suites,
)
from warehouse.errors import Fault

SEED = SEEDS_FOLDER / "accepted_exceptions.csv"
COLUMNS = ("door", "asset", "expectation", "column_name", "reason", "accepted_by", "until_date")
# An acceptance is for a time: what is accepted for longer is a rule, and belongs into the suite.
MOST_YEARS = 2


@dataclass(frozen=True, slots=True)
class AcceptedException:
    """One accepted failure. It holds through `until_date`; `column_name` may be empty, any column then."""

    door: str
    asset: str
    expectation: str
    column_name: str
    reason: str
    accepted_by: str
    until_date: date
    where: str

    def covers(self, *, asset: str, expectation: str, column_name: str) -> bool:
        return (self.asset, self.expectation) == (asset, expectation) and self.column_name in ("", column_name)

    @property
    def ended_words(self) -> str:
        return (
            f"{self.where}: the exception for {self.door}/{self.asset}/{self.expectation} ended on {self.until_date}; "
            "what it excused counts again"
        )

    def is_expired(self, today: date) -> bool:
        return today > self.until_date


def load_accepted_exceptions(
    suite: Suite, *, seed: Path = SEED, today: date | None = None
) -> tuple[AcceptedException, ...]:
    """The seed's rows for the door of `suite`.

    Raises
    ------
    ExpectationSuiteError
        With every fault: a missing column, an empty cell, a date that is none or lies more than two years after
        `today` (the run's date), a door, asset or expectation that the suites do not have, a row that excuses what
        another one does.
    """
    if not seed.exists():
        return ()
    file = f"{seed.parent.parent.name}/{seed.parent.name}/{seed.name}"
    with seed.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            rule, remedy = f"the header names {', '.join(missing)}", f"write {','.join(COLUMNS)}"
            raise ExpectationSuiteError([Fault(where=f"{file}, line 1", rule=rule, remedy=remedy)])
        numbered = [(rows.line_num, {key: (row.get(key) or "").strip() for key in COLUMNS}) for row in rows]
    faults: list[Fault] = []
    accepted = []
    sound: list[tuple[int, dict[str, str]]] = []
    for line, row in numbered:
        where = f"{file}, line {line}"
        row_faults = _row_faults(row, where=where, suite=suite, today=today or date.today())
        row_faults = row_faults or _repeats(row, where=where, earlier=sound)
        if not row_faults:
            sound.append((line, row))
        faults += row_faults
        if not row_faults and row["door"] == suite.door:
            until = date.fromisoformat(row["until_date"])
            accepted.append(AcceptedException(**{**row, "until_date": until}, where=where))  # type: ignore[arg-type]
    if faults:
        raise ExpectationSuiteError(faults)
    return tuple(accepted)


def check_suites(
    *, folder: Path = SUITES_FOLDER, seed: Path = SEED, today: date | None = None
) -> tuple[AcceptedException, ...]:
    """Read every suite and every accepted exception before anything is built; the exceptions that have ended.

    What these excused counts again, each at its door, so they are told and stop nothing.

    Raises
    ------
    ExpectationSuiteError
        With every fault of every suite; of the exceptions where the suites are sound.
    """
    suites = load_suites(folder)
    faults = columns_told_wrong(suites)
    ended: list[AcceptedException] = []
    for suite in suites:
        try:
            accepted = load_accepted_exceptions(suite, seed=seed, today=today)
        except ExpectationSuiteError as error:
            faults += [fault for fault in error.faults if fault not in faults]
            continue
        ended += [one for one in accepted if one.is_expired(today or date.today())]
    if faults:
        raise ExpectationSuiteError(faults)
    return tuple(ended)


def _row_faults(row: dict[str, str], *, where: str, suite: Suite, today: date) -> list[Fault]:
    faults = []
    if row["door"] not in DOORS:
        faults.append(Fault(where, f"the door {row['door']!r} exists", f"use one of {', '.join(DOORS)}"))
    elif row["door"] == suite.door:
        faults += _unknown_names(row, where=where, assets=suite.assets, file=suite.file)
    for column in ("reason", "accepted_by"):
        if not row[column]:
            faults.append(Fault(where, f"an accepted exception has its {column}", f"fill in {column}"))
    try:
        until = date.fromisoformat(row["until_date"])
    except ValueError:
        faults.append(Fault(where, "an accepted exception ends on a date", "write until_date as YYYY-MM-DD"))
    else:
        if (until.year - MOST_YEARS, until.month, until.day) > (today.year, today.month, today.day):
            rule = f"an accepted exception ends within {MOST_YEARS} years; until_date is {until}"
            remedy = "write an earlier until_date; what is right for good is a bound of the suite"
            faults.append(Fault(where, rule, remedy))
    return faults


def _repeats(row: dict[str, str], *, where: str, earlier: list[tuple[int, dict[str, str]]]) -> list[Fault]:
    """A fault where an earlier row accepts the same failure; no column is any column."""
    for line, other in earlier:
        is_one = all(row[column] == other[column] for column in ("door", "asset", "expectation"))
        if is_one and (row["column_name"] == other["column_name"] or "" in (row["column_name"], other["column_name"])):
            what = "/".join(row[column] for column in ("door", "asset", "expectation"))
            rule = f"a failure is accepted in one row; line {line} accepts {what} too"
            return [Fault(where, rule, "leave one of the two rows out")]
    return []


def _unknown_names(row: dict[str, str], *, where: str, assets: tuple[Asset, ...], file: str) -> list[Fault]:
    by_name = {asset.name: asset for asset in assets}
    asset = by_name.get(row["asset"])
    if asset is None:
        return [Fault(where, f"{file} has the asset {row['asset']!r}", f"use one of {', '.join(sorted(by_name))}")]
    by_expectation = {expectation.name: expectation for expectation in asset.expectations}
    if row["expectation"] not in by_expectation:
        rule = f"asset {asset.name} has the expectation {row['expectation']!r}"
        return [Fault(where, rule, f"use one of {', '.join(sorted(by_expectation))}")]
    columns = by_expectation[row["expectation"]].columns
    if row["column_name"] and row["column_name"] not in columns:
        rule = f"the expectation {row['expectation']} looks at the column {row['column_name']!r}"
        return [Fault(where, rule, f"use {' or '.join(columns) or 'none'}, or leave column_name empty")]
    return []
