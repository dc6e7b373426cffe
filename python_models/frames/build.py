"""Which cohort this build is of."""

import os


def cohort_of_build() -> str:
    """The cohort named by the environment variable COHORT, the embedded one without it."""
    return os.environ.get("COHORT", "synthetic")
