"""No reference case of survival and mediation is forgotten: each result is compared, or it is said why not."""

import json
from pathlib import Path

from tests.reference.survival_case import CASES, needs_cases

pytestmark = needs_cases
HERE = Path(__file__).parent
# Results that no test reads by name, with the reason.
NOT_COMPARED = {
    ("a11_pathological", "monotone"): "R's warning and a coefficient that depends on when it gave up; ours is refused",
    ("b01_mgus2_competing", "finegray_efron_cluster"): "read as finegray_{ties}_cluster",
    ("b01_mgus2_competing", "finegray_breslow_cluster"): "read as finegray_{ties}_cluster",
    ("b01_mgus2_competing", "finegray_rows"): "the length of R's expanded data set; ours is not expanded",
    ("j02_joint_tests", "dact_efron"): "null: the reference gave no answer",
}


def others() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py") if path != Path(__file__)}


def test_every_case_is_read_by_a_test() -> None:
    tests = "\n".join(others().values())
    cases = sorted(path.stem for path in CASES.glob("*.json"))
    assert len(cases) >= 14
    assert [case for case in cases if f'"{case}' not in tests] == []


def test_every_result_is_compared_or_excused() -> None:
    left = set()
    for path in CASES.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))["results"]
        names = found if isinstance(found, dict) else found[0]
        reading = [text for text in others().values() if f'"{path.stem}' in text]
        left |= {(path.stem, name) for name in names if not any(f'"{name}"' in text for text in reading)}
    known = {key for key in left if key[0].startswith(("c01", "c02"))}
    # The rows of c01 and c02 describe their call; its estimates are read under est, se and the limits.
    assert {name for _, name in known} <= {"a0", "a1", "m_cde", "casecontrol", "cvar", "call", "file"}
    assert left - known == set(NOT_COMPARED)
