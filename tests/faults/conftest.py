"""One small export that all faults are put into, a copy at a time."""

from pathlib import Path

import pytest

from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options

SMALL = Options(
    participants=1_500, seed=11, proteomic_share=0.4, proteins=60, metabolomic_share=0.5, snps=12_000
)  # fmt: skip


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "export"
    write_export(SMALL, folder)
    return folder
