"""The columns that say which analysis a row is about."""

from typing import Any

import pyarrow as pa

from python_models.frames.study import CoxAnalysis
from python_models.frames.survival.cox_problems import CoxProblem

ANALYSIS = ("study", "arm", "exposure", "scaling", "outcome", "outcome_definition", "adjustment_set")
TEXT = pa.string()


def analysis_columns(analysis: CoxAnalysis) -> dict[str, Any]:
    """The cells of ANALYSIS."""
    return {name: getattr(analysis, name) for name in ANALYSIS}


def count_columns(problem: CoxProblem) -> dict[str, Any]:
    """Participants, events and person-years of a model."""
    counts = problem.counts
    return {name: counts[name] for name in ("n_participants", "n_events", "person_years")}
