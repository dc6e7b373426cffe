"""Sets of biomarkers: Olink's panels and the groups of NMR biomarkers from the seeds, and a user's own GMT file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True, slots=True)
class BiomarkerSet:
    """A named set of biomarkers of one platform; n_listed: members as its source lists them, measured or not."""

    collection: str
    name: str
    platform: str
    members: frozenset[str]
    n_listed: int


class GeneSetFault(ValueError):
    """A GMT file that is none: every fault found, in one message."""


def seed_sets(session: duckdb.DuckDBPyConnection) -> list[BiomarkerSet]:
    """Olink's panels without their halves (Oncology and Oncology_II are one), and NMR groups."""
    listed = session.execute(
        """
        select
            'olink_panel' as collection, replace(panel, '_II', '') as name, 'protein' as platform, protein as biomarker
        from seeds.olink_assays where panel is not null
        union all
        select 'nmr_group', biomarker_group, 'metabolite', name
        from seeds.nmr_biomarkers where biomarker_group is not null
        order by all
        """
    ).fetchall()
    sets: dict[tuple[str, str, str], set[str]] = {}
    for collection, name, platform, biomarker in listed:
        sets.setdefault((collection, name, platform), set()).add(biomarker)
    return [BiomarkerSet(*key, frozenset(members), len(members)) for key, members in sets.items()]


def proteins_by_gene(session: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Proteins that each gene symbol names; a compound assay (DEFA1_DEFA1B) is named by each of its genes."""
    found: dict[str, set[str]] = {}
    for protein, assay in session.execute("select protein, assay from seeds.olink_assays").fetchall():
        for gene in {assay, *assay.split("_")}:
            found.setdefault(gene.upper(), set()).add(protein)
    return found


def read_gmt(path: Path, proteins: Mapping[str, set[str]]) -> list[BiomarkerSet]:
    """Sets of a GMT file (name, description, gene symbols; tabs) as proteins of the panel.

    Raises
    ------
    GeneSetFault: no such file, lines without genes, names used twice, or no symbol that is a measured protein's.
    """
    if not path.is_file():
        raise GeneSetFault(f"{path}: no such file (dbt var gene_sets_file, relative to the project)")
    sets: list[BiomarkerSet] = []
    faults, seen = [], set()
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        name, *rest = line.rstrip("\n").split("\t")
        genes = {gene.strip().upper() for gene in rest[1:] if gene.strip()}
        if not name.strip() or not genes:
            faults.append(f"line {number}: a set is a name, a description and gene symbols, parted by tabs")
            continue
        if name in seen:
            faults.append(f"line {number}: {name} is named twice")
        seen.add(name)
        members = frozenset(protein for gene in genes for protein in proteins.get(gene, ()))
        sets.append(BiomarkerSet(path.stem, name.strip(), "protein", members, len(genes)))
    if not faults and not any(one.members for one in sets):
        faults.append("none of its symbols is a protein of seeds/olink_assays.csv (HGNC symbols are needed, not ids)")
    if faults:
        more = f"; and {len(faults) - 10} more" if len(faults) > 10 else ""
        raise GeneSetFault(f"{path}: {'; '.join(faults[:10])}{more}")
    return sets


def sets_of_build(session: duckdb.DuckDBPyConnection, *, gene_sets_file: str) -> list[BiomarkerSet]:
    """The seeds' sets, and those of the study's GMT file where it names one."""
    sets = seed_sets(session)
    return sets + (
        read_gmt(Path(os.path.expanduser(gene_sets_file)), proteins_by_gene(session)) if gene_sets_file else []
    )
