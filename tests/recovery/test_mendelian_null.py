"""What Mendelian randomisation finds where nothing is causal, and that the whole pipeline's table says the same."""

import pytest

from tests.recovery.mendelian_null import SAMPLES, NullShare, null_shares
from tests.recovery.whole_pipeline import IVW_NORMAL_SHARE, IVW_T_SHARE

ERRORS_ALLOWED = 3.5  # Monte-Carlo errors


@pytest.fixture(scope="module")
def shares() -> dict[tuple[str, str], NullShare]:
    return {(one.samples, one.instruments): one for one in null_shares(120)}


@pytest.mark.recovery
def test_samples_apart__t_holds_its_level_and_the_normal_does_not(shares: dict[tuple[str, str], NullShare]) -> None:
    all_of_them = shares[SAMPLES[0], "all"]
    assert all_of_them.by_t <= 0.05 + ERRORS_ALLOWED * all_of_them.by_t_error
    assert all_of_them.by_normal > 0.05 + ERRORS_ALLOWED * all_of_them.by_normal_error
    assert shares[SAMPLES[0], "2 to 9"].by_normal > 1.5 * shares[SAMPLES[0], "10 or more"].by_normal


@pytest.mark.recovery
def test_instruments_chosen_in_the_overlap__add_to_what_is_found(shares: dict[tuple[str, str], NullShare]) -> None:
    apart, overlapping, chosen_elsewhere = (shares[samples, "10 or more"].by_t for samples in SAMPLES)
    assert overlapping > chosen_elsewhere
    assert overlapping > 1.3 * apart


@pytest.mark.recovery
def test_shares_that_the_whole_pipeline_expects_are_these(shares: dict[tuple[str, str], NullShare]) -> None:
    found = shares[SAMPLES[1], "all"]
    assert abs(found.by_normal - IVW_NORMAL_SHARE) <= ERRORS_ALLOWED * found.by_normal_error
    assert abs(found.by_t - IVW_T_SHARE) <= ERRORS_ALLOWED * found.by_t_error
