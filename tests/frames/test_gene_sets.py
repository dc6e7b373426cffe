"""GMT files as sets of proteins, with every fault named; enrichment by hand."""

from pathlib import Path

import pytest
from scipy import stats

from python_models.estimators.scans.set_enrichment import set_enrichment
from python_models.frames.biomarkers.gene_sets import GeneSetFault, read_gmt

PROTEINS = {"IL6": {"il6"}, "DEFA1": {"defa1_defa1b"}, "DEFA1B": {"defa1_defa1b"}, "HLA-A": {"hla_a"}}


def test_read_gmt__finds_proteins_by_symbol_whatever_the_case(tmp_path: Path) -> None:
    path = tmp_path / "hallmark.gmt"
    path.write_text("A\thttp://a\til6\tDEFA1\tNOTMEASURED\n\nB\t\tHLA-A\n")
    first, second = read_gmt(path, PROTEINS)
    assert (first.collection, first.name, first.members, first.n_listed) == (
        "hallmark",
        "A",
        {"il6", "defa1_defa1b"},
        3,
    )
    assert second.members == {"hla_a"}


def test_read_gmt__names_every_fault(tmp_path: Path) -> None:
    path = tmp_path / "broken.gmt"
    path.write_text("A\tno genes\nB\tx\tIL6\nB\tx\tIL6\n")
    with pytest.raises(GeneSetFault, match=r"line 1: a set is a name.*; line 3: B is named twice"):
        read_gmt(path, PROTEINS)
    path.write_text("A\tx\tENSG00000136244\n")
    with pytest.raises(GeneSetFault, match="HGNC symbols are needed"):
        read_gmt(path, PROTEINS)
    with pytest.raises(GeneSetFault, match="no such file"):
        read_gmt(tmp_path / "absent.gmt", PROTEINS)


def test_set_enrichment__is_fishers_test_within_the_background() -> None:
    background = {f"p{k}" for k in range(20)}
    members = {f"p{k}" for k in range(5)} | {"not measured"}
    hits = {"p0", "p1", "p2", "p10", "not tested"}
    found = set_enrichment(background, members, hits)
    assert (found.n_in_set, found.n_hits, found.n_hits_in_set, found.expected) == (5, 4, 3, 1.0)
    assert found.p == pytest.approx(stats.fisher_exact([[3, 2], [1, 14]], alternative="greater").pvalue, rel=1e-12)
    # Choose 3 or 4 of the 5 and the rest of the 15: (10 * 15 + 5) / 4845.
    assert found.p == pytest.approx(155 / 4845, rel=1e-12)
    assert found.odds_ratio is not None
    assert found.lower is not None
    assert found.lower < found.odds_ratio


def test_set_enrichment__without_hits_or_members() -> None:
    assert set_enrichment({"a", "b"}, set(), {"a"}).p == 1.0
    assert set_enrichment({"a", "b"}, {"a"}, set()).odds_ratio is None
    assert set_enrichment({"a", "b"}, {"a"}, {"a"}).odds_ratio is None
