"""What a failed node says on the terminal: the error, not the traceback of the engine around it."""

import pytest

from warehouse.build import _cause, main

OF_THE_ENGINE = """Python model failed:
Traceback (most recent call last):
  File "environments/__init__.py", line 286, in run_python_job
    df = module.model(dbt, con)
  File "model.py", line 9, in model
    return run(session)
{error}
"""
TOLD = """expectations.suite_files.ExpectationSuiteError: The expectation suites cannot be run: 1 fault.
  1. expectations/suites/raw.json, line 12: severity is critical or warning. Did you mean critical?"""


def test_cause__an_error_of_the_project_is_told_whole_and_without_its_class() -> None:
    told = _cause(OF_THE_ENGINE.format(error=TOLD))
    assert told.startswith("The expectation suites cannot be run: 1 fault.\n  1. expectations/suites/raw.json, line 12")
    assert "Traceback (most" not in told
    assert told.endswith("(traceback: logs/dbt.log)")


def test_cause__any_other_error_keeps_its_class() -> None:
    assert _cause(OF_THE_ENGINE.format(error="ValueError: 3 rows")).splitlines()[0] == "ValueError: 3 rows"


def test_cause__the_last_of_chained_errors_is_told() -> None:
    first = OF_THE_ENGINE.format(error="KeyError: 'a'")
    chained = f"{first}\nDuring handling of the above exception, another exception occurred:\n\n{first}"
    assert _cause(chained.replace("'a'", "'b'", 2)).splitlines()[0] == "KeyError: 'b'"


def test_cause__a_message_without_a_traceback_stays_as_it_is() -> None:
    assert _cause(" 3 rows fail the test \n") == "3 rows fail the test"


def test_options_of_the_generator__with_another_cohort_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cohort", "nhefs", "--participants", "4000"]) != 0
    said = capsys.readouterr().err
    assert "--participants=4000: options of the synthetic cohort do not change another; nhefs" in said
    assert "COHORT=synthetic" in said
