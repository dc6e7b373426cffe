"""Third-party files in raw formats land, or are refused with the right reason; skipped where the files are not."""

import shutil
from pathlib import Path

import pytest

from tests.ingest.small_export import read, write_export
from warehouse.errors import IngestError
from warehouse.ingest.detect import look_at
from warehouse.ingest.headers import read_header
from warehouse.ingest.ingest import ingest
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.recognise import recognise

SHARED = Path("../shared/data")
SAMPLES = SHARED / "raw_samples"
NMR = SAMPLES / "ukbnmr_test"
LD_SCORES = SHARED / "genetics" / "eur_w_ld_chr"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the third-party raw samples are not beside the project"
)


def _export_with(tmp_path: Path, *files: Path) -> Path:
    folder = write_export(tmp_path / "export")
    for file in files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return ingest(folder, cohort="small", to=tmp_path / "raw")[0]


@needs_samples
@pytest.mark.parametrize(
    ("file", "trait", "n_rows", "source_format"),
    [
        ("bolt.sumstats.txt.gz", "bolt", 82_448, "bolt_lmm"),
        ("regenie_example/test_bin_out_firth_Y1.regenie", "test_bin_out_firth_y1", 1_000, "regenie"),
        ("regenie_example/example.test_bin_out_firth_Y1.regenie", "example_test_bin_out_firth_y1", 1_000, "regenie"),
        ("gwas_ssf/0000123.tsv", "0000123", 5, "gwas_ssf"),
    ],
)
def test_gwas_sample__lands(tmp_path: Path, file: str, trait: str, n_rows: int, source_format: str) -> None:
    sidecar = SAMPLES / f"{file}-meta.yaml"
    landing = _export_with(tmp_path, SAMPLES / file, *([sidecar] if sidecar.exists() else []))
    rows = read(landing, f"gwas/{trait}")
    assert len(rows) == n_rows
    assert {row["source_format"] for row in rows} == {source_format}
    assert all(row["effect_allele"] and row["chromosome"] for row in rows)
    (told,) = [row for row in read(landing, "gwas_traits") if row["trait"] == trait]
    if sidecar.exists():
        assert (told["genome_assembly"], told["n"], told["trait_description"]) == (
            "GRCh37",
            "12345",
            "breast carcinoma",
        )
        assert [row["rsid"] for row in rows][:2] == [None, "rs74143855"]
        assert [row["chromosome"] for row in rows] == ["1", "1", "2", "7", "23"]


@needs_samples
@pytest.mark.parametrize("file", ["test_data.csv", "test_data_50x747_commit78824eb.csv"])
def test_nmr_sample__alone_is_refused_by_the_required_fields_it_lacks(tmp_path: Path, file: str) -> None:
    (tmp_path / "export").mkdir()
    shutil.copy(NMR / file, tmp_path / "export" / file)
    with pytest.raises(IngestError) as error:
        ingest(tmp_path / "export", cohort="small", to=tmp_path / "raw")
    for field in (31, 53, 54):
        assert f"field {field}," in str(error.value)


@needs_samples
@pytest.mark.parametrize(("file", "n_targets"), [("test_data.csv", 37), ("test_data_50x747_commit78824eb.csv", 700)])
def test_nmr_sample__columns_are_read_as_fields(file: str, n_targets: int) -> None:
    shape = look_at(NMR / file, name=file, overrides=Overrides())
    header = read_header(shape.header)
    assert header is not None
    assert not header.unread
    assert len(header.columns) >= n_targets


@needs_samples
def test_nmr_sample__of_another_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="tables of one project share participants"):
        _export_with(tmp_path, NMR / "test_data.csv")


@needs_samples
@pytest.mark.parametrize("file", ["regenie_example/LICENSE", "ukbnmr_test/LICENSE.md"])
def test_licence__is_no_data(file: str) -> None:
    assert recognise(SAMPLES / file, name=file, overrides=Overrides()).entity == "not_data"


@pytest.mark.skipif(not LD_SCORES.is_dir(), reason="the reference LD scores are not beside the project")
def test_ld_scores__of_the_reference_land(tmp_path: Path) -> None:
    landing = _export_with(tmp_path, LD_SCORES / "21.l2.ldscore.gz", LD_SCORES / "21.l2.M_5_50")
    rows = [row for row in read(landing, "ld_scores") if row["chromosome"] == "21"]
    assert len(rows) == 18_512
    assert {"chromosome": "21", "m_5_50": "17091"} in read(landing, "ld_score_counts")
