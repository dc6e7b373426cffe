"""Options: every fault at once, nothing half written."""

from pathlib import Path

import pytest

from warehouse.errors import SyntheticError
from warehouse.synthetic.__main__ import main
from warehouse.synthetic.options import Options, refuse_faults


def test_refuse_faults__all_faults_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not yours")
    wrong = Options(5, -1, 1.5, 7, -0.1, 10, effects="some")  # type: ignore[arg-type]
    with pytest.raises(SyntheticError) as refusal:
        refuse_faults(wrong, tmp_path)
    assert [fault.where for fault in refusal.value.faults] == [
        "--participants", "--seed", "--proteomic-share", "--metabolomic-share", "--proteins", "--snps", "--effects",
        "--out",
    ]  # fmt: skip


def test_main__refuses_with_its_exit_code_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "export"
    assert main(["--participants", "5", "--proteins", "7", "--out", str(out)]) == SyntheticError.exit_code
    message = capsys.readouterr().err
    assert "2 faults" in message
    assert "--proteins" in message
    assert list(tmp_path.iterdir()) == []


def test_refuse_faults__a_folder_with_other_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(SyntheticError, match="--out"):
        refuse_faults(Options(), tmp_path)
