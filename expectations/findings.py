"""One finding per expectation and run: what the table quality.expectation_results and the pages are made of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from expectations.run_identity import RunIdentity
from expectations.suite_files import Asset, Expectation

SCHEMA = pa.schema(
    [
        pa.field("expectation_id", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("run_kind", pa.string(), nullable=False),
        pa.field("run_at", pa.timestamp("us"), nullable=False),
        pa.field("landing_hash", pa.string(), nullable=False),
        pa.field("spec_hash", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("door", pa.string(), nullable=False),
        pa.field("asset", pa.string(), nullable=False),
        pa.field("expectation", pa.string(), nullable=False),
        pa.field("expectation_type", pa.string(), nullable=False),
        pa.field("column_name", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("bound", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("is_success", pa.bool_(), nullable=False),
        pa.field("is_error", pa.bool_(), nullable=False),
        pa.field("unexpected_count", pa.int64()),
        pa.field("element_count", pa.int64()),
        pa.field("observed_value", pa.string()),
        pa.field("observed_low", pa.float64()),
        pa.field("observed_median", pa.float64()),
        pa.field("observed_high", pa.float64()),
        pa.field("message", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("remedy", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)


# Rows are there, but in none of them a value to judge: nothing to compare with, or nothing measured.
NOTHING_TO_COMPARE = "Not yet comparable: no values to check."


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one expectation. Counts, shares and other aggregates only; never a participant's id or value."""

    run_at: datetime
    cohort: str
    door: str
    asset: str
    expectation: str
    expectation_type: str
    column_name: str
    rule: str
    bound: str
    severity: str
    is_success: bool
    is_error: bool
    unexpected_count: int | None
    element_count: int | None
    observed_value: str | None
    observed_low: float | None
    observed_median: float | None
    observed_high: float | None
    message: str
    reason: str
    remedy: str
    source: str

    @property
    def expectation_id(self) -> str:
        return f"{self.door}/{self.asset}/{self.expectation}"

    @property
    def outcome(self) -> str:
        """holds, incomparable (there was nothing to judge), or how grave: critical, warning, accepted."""
        if self.is_success:
            return "incomparable" if self.message == NOTHING_TO_COMPARE else "holds"
        return self.severity

    @classmethod
    def of(
        cls, *, run_at: datetime, cohort: str, door: str, asset: Asset, expectation: Expectation, **outcome: Any
    ) -> "Finding":
        """The finding of one expectation of a suite, with its outcome's fields given by keyword."""
        given: dict[str, Any] = {
            "run_at": run_at,
            "cohort": cohort,
            "door": door,
            "asset": asset.name,
            "expectation": expectation.name,
            "expectation_type": expectation.type,
            "column_name": ", ".join(expectation.columns),
            "rule": expectation.rule,
            "bound": bound_text(expectation.type, expectation.kwargs),
            "severity": expectation.severity,
            "is_error": False,
            "unexpected_count": None,
            "element_count": None,
            "observed_value": None,
            "observed_low": None,
            "observed_median": None,
            "observed_high": None,
            "message": "",
            "reason": expectation.reason,
            "remedy": expectation.remedy,
            "source": expectation.source,
        }
        return cls(**{**given, **outcome})

    def with_accepted(self, *, reason: str, accepted_by: str, until: str) -> "Finding":
        """The same failure, accepted: it no longer counts against the data."""
        note = f"Accepted by {accepted_by} until {until}: {reason}"
        return replace(self, severity="accepted", message=f"{self.message} {note}".strip())


def findings_table(findings: Sequence[Finding], *, identity: RunIdentity) -> pa.Table:
    """One row per finding, in order, with every column typed even where no row fills it."""
    of_run = {
        "run_id": identity.run_id,
        "run_kind": identity.kind,
        "landing_hash": identity.landing_hash,
        "spec_hash": identity.spec_hash,
    }
    arrays = [
        pa.array(
            [of_run[field.name] if field.name in of_run else getattr(finding, field.name) for finding in findings],
            type=field.type,
        )
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as JSON can hold it."""
    return {**asdict(finding), "run_at": finding.run_at.isoformat()}


def bound_text(expectation_type: str, kwargs: dict[str, Any]) -> str:
    """The bound of an expectation in words: "between 0 and 90, for at least 99 % of rows"."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        text = f"between {low} and {high}"
    elif low is not None:
        text = f"{'more than' if kwargs.get('strict_min') else 'at least'} {low}"
    elif high is not None:
        text = f"{'less than' if kwargs.get('strict_max') else 'at most'} {high}"
    elif "value_set" in kwargs:
        values = [str(value) for value in kwargs["value_set"]]
        values = ["true"] if values == ["True"] else values
        shown = ", ".join(values[:12]) + (f" and {len(values) - 12} more" if len(values) > 12 else "")
        word = "none of " if "_not_be_" in expectation_type else "one of " if len(values) > 1 else ""
        text = f"{word}{shown}"
    elif "value" in kwargs:
        text = f"equal to {kwargs['value']}"
    elif "sum_total" in kwargs:
        text = f"summing to {kwargs['sum_total']}"
    elif "column_A" in kwargs:
        relation = "equal to" if expectation_type.endswith("equal") else "greater than"
        relation += " or equal to" if kwargs.get("or_equal") else ""
        text = f"{kwargs['column_A']} {relation} {kwargs['column_B']}"
    else:
        words = expectation_type.rsplit("_to_", maxsplit=1)[-1].removeprefix("be_").replace("_", " ")
        text = {"not be null": "present", "null": "empty"}.get(words, words)
    mostly = float(kwargs.get("mostly", 1))
    return text if mostly == 1 else f"{text}, for at least {100 * mostly:.4g} % of rows"
