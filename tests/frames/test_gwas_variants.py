"""Variants of many traits in the memory of two, under names that are numbers."""

import numpy as np
import pytest

from python_models.frames.genetics import gwas_variants
from python_models.frames.genetics.gwas_variants import read_genome
from python_models.frames.genetics.shared_locus_rows import shared_locus_rows
from python_models.frames.genetics.variant_names import VariantNames
from tests.frames.genetic_tables import database, with_hits

NAMES = VariantNames.of(key=[12, -7, 3, 0], other={-7: "1:100:A:C"})


def test_variant_names__keys_are_told_as_the_names_they_stand_for() -> None:
    assert NAMES.names([0, 1, 2, 3]) == ["rs12", "1:100:A:C", "rs3", "rs0"]
    assert NAMES.name(2) == "rs3"


def test_variant_names__only_the_very_name_is_found() -> None:
    asked = ["rs3", "1:100:A:C", "rs003", "rs4", "RS12", "rs12", "1:100:A:G", "rs0", "rs-7"]
    assert NAMES.positions(asked).tolist() == [2, 1, -1, -1, -1, 0, -1, 3, -1]
    assert VariantNames.of(key=[], other={}).positions(["rs1"]).tolist() == [-1]


def test_genome__holds_two_traits_where_more_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    traits = {name: with_hits({1_000: 8.0, 2_000 + k: 8.0}, k) for k, name in enumerate("abcd")}
    whole = shared_locus_rows(database(traits=traits))
    monkeypatch.setattr(gwas_variants, "TRAIT_BYTES", 0)
    connection = database(traits=traits)
    genome = read_genome(connection, strand="known")
    for trait in genome.traits():
        assert len(genome._held) <= 2
        np.testing.assert_array_equal(trait.z, traits[trait.name]["z"])
    first = genome.trait("a")
    genome.trait("b")
    assert genome.trait("a") is first
    genome.trait("c")
    assert list(genome._held) == ["a", "c"]
    assert shared_locus_rows(connection).equals(whole)
