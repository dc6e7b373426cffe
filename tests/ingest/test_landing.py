"""A landing is put in place whole; a cut run continues; an unchanged second run does nothing."""

import json
import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tests.ingest.small_export import IDS, participant_rows, read, write_records, write_rows
from warehouse.ingest import export
from warehouse.ingest.ingest import ingest
from warehouse.ingest.landing import Landing, TableWriter, recover


def _export(folder: Path) -> Path:
    write_rows(folder / "participant.csv", participant_rows("dotted"))
    write_records(folder)
    return folder


def test_second_run__with_the_same_files_does_nothing(tmp_path: Path) -> None:
    folder = _export(tmp_path / "export")
    landing, is_new = ingest(folder, cohort="small", to=tmp_path / "raw")
    stamp = (landing / "participant.parquet").stat().st_mtime_ns
    assert is_new
    assert ingest(folder, cohort="small", to=tmp_path / "raw") == (landing, False)
    assert (landing / "participant.parquet").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("change", ["a file", "an override", "a file replaced in place"])
def test_second_run__lands_again_when_an_input_or_a_choice_changed(tmp_path: Path, change: str) -> None:
    folder = _export(tmp_path / "export")
    ingest(folder, cohort="small", to=tmp_path / "raw")
    overrides: list[str] = []
    if change == "a file":
        (folder / "w00000_20260101.csv").write_text(f"{IDS[0]}\n", encoding="utf-8")
    elif change == "an override":
        overrides = ["ignore_field:46=yes"]
    else:
        path = folder / "participant.csv"
        stat = path.stat()
        path.write_bytes(path.read_bytes().replace(b"2008-02-06", b"2008-02-07"))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    _, is_new = ingest(folder, cohort="small", to=tmp_path / "raw", overrides=overrides)
    assert is_new


def test_cut_run__leaves_the_last_good_landing_and_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _export(tmp_path / "export")
    landing, _ = ingest(folder, cohort="small", to=tmp_path / "raw")
    (folder / "w00000_20260101.csv").write_text(f"{IDS[0]}\n", encoding="utf-8")
    landed: list[str] = []
    real = export.land_record

    def cut_at_death(plan: object, **options: object) -> str:
        name = plan.table.name  # type: ignore[attr-defined]
        if name == "death" and "cut" not in landed:
            landed.append("cut")
            raise KeyboardInterrupt
        landed.append(name)
        return real(plan, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(export, "land_record", cut_at_death)
    with pytest.raises(KeyboardInterrupt):
        ingest(folder, cohort="small", to=tmp_path / "raw")
    assert read(landing, "withdrawals") == []
    assert len(read(landing, "hesin")) == 20
    before = landed.count("hesin")
    ingest(folder, cohort="small", to=tmp_path / "raw")
    assert landed.count("hesin") == before
    assert read(landing, "withdrawals") == [{"eid": IDS[0]}]
    assert len(read(landing, "death")) == 2
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["small"]


def test_cut_run__of_other_inputs_is_not_continued(tmp_path: Path) -> None:
    first = Landing(tmp_path / "small", "one")
    first.open()
    first.once("hesin", lambda: {"rows": {}})
    (first.folder / "hesin.parquet").write_bytes(b"half")
    second = Landing(tmp_path / "small", "two")
    second.open()
    assert not (second.folder / "hesin.parquet").exists()
    assert second.once("hesin", lambda: "done again") == "done again"


def test_put_in_place__a_reader_always_finds_a_whole_landing(tmp_path: Path) -> None:
    target = tmp_path / "small"
    for fingerprint in ("one", "two"):
        landing = Landing(target, fingerprint)
        landing.open()
        (landing.folder / "profile.json").write_text(json.dumps({"fingerprint": fingerprint}), encoding="utf-8")
        landing.put_in_place()
        assert json.loads((target / "profile.json").read_text(encoding="utf-8"))["fingerprint"] == fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_recover__brings_the_last_good_landing_back(tmp_path: Path) -> None:
    (tmp_path / ".small.old").mkdir()
    recover(tmp_path / "small")
    assert (tmp_path / "small").is_dir()


def test_table_writer__writes_absent_columns_as_null(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "t.parquet", ("a", "b"), rows_per_group=2) as writer:
        for k in range(5):
            writer.write({"a": pa.array([str(k)])}, 1)
    assert read(tmp_path, "t") == [{"a": str(k), "b": None} for k in range(5)]


def test_ingest__five_thousand_participants_stay_fast(tmp_path: Path) -> None:
    """A guard against per-cell Python: 5,000 x 46 cells in well under the time a slow path needs."""
    header, *rows = participant_rows("dotted")
    many = [[f"SYN{k:06d}", *rows[k % len(rows)][1:]] for k in range(5_000)]
    write_rows(tmp_path / "export" / "participant.csv", [header, *many])
    start = time.process_time()
    ingest(tmp_path / "export", cohort="small", to=tmp_path / "raw")
    assert time.process_time() - start < 10
