"""Genotypes of a reference sample in PLINK files, read where they lie: LD for clumping and for gene tests.

The folder is the user's (LD_REFERENCE); nothing in it is copied. Genotypes are read a few SNPs at a time. Variants are
matched by rs number, as in MAGMA, whatever their alleles: r squared and the eigenvalues of a correlation matrix are the
same whichever allele is counted, on either strand.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bed_reader import open_bed

from python_models.frames.genetics.gwas_variants import Genome

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
# r squared is known to 1 / sqrt(people) there, and a gene's genotypes stay small.
MOST_PEOPLE = 5_000
LEAST_PEOPLE = 100
SAME_POSITION_SHARE = 0.5
REMEDY = "give LD_REFERENCE a folder of PLINK files (.bed, .bim, .fam) of the ancestry and genome build of the GWAS"


class LdReferenceError(ValueError):
    """PLINK files that cannot serve as LD reference: what is wrong and what to do."""


@dataclass(slots=True)
class LdReference:
    """PLINK files beside the variants of a genome.

    file, column : (n,) where each variant's genotypes lie, -1 where the reference lacks it.
    people : rows of the files that are read.
    """

    beds: tuple[Path, ...]
    file: I8
    column: I8
    people: I8
    n_people: int
    _open: dict[int, open_bed] = field(default_factory=dict)

    @property
    def n_variants(self) -> int:
        return int((self.file >= 0).sum())

    @property
    def description(self) -> str:
        """One sentence for the note of a result."""
        return f"LD of {self.people.size:,} people, {self.n_variants:,} of {self.file.size:,} variants"

    def dosage_of(self, positions: I8) -> F8:
        """(people, len(positions)) allele counts, NaN where missing and for variants the reference lacks."""
        dosage = np.full((self.people.size, positions.size), np.nan, dtype=np.float32)
        for file in np.unique(self.file[positions]):
            if file < 0:
                continue
            here = np.flatnonzero(self.file[positions] == file)
            if file not in self._open:
                self._open[file] = open_bed(self.beds[file], count_A1=True, num_threads=1)
            index = (self.people, self.column[positions[here]])
            dosage[:, here] = self._open[file].read(index=index, dtype="float32", num_threads=1)
        return dosage.astype(np.float64)


def read_ld_reference(folder: str | None, genome: Genome) -> LdReference | None:
    """The PLINK files of a folder beside the genome's variants; None where no folder is given.

    Raises
    ------
    LdReferenceError
        When the folder holds no whole PLINK file, the files have other people, share no variant with the study, are on
        another build or hold too few people.
    """
    if not folder:
        return None
    root = Path(folder).expanduser()
    beds = tuple(sorted(bed for bed in root.rglob("*.bed")))
    whole = tuple(bed for bed in beds if bed.with_suffix(".bim").is_file() and bed.with_suffix(".fam").is_file())
    if not whole:
        raise LdReferenceError(f"the LD reference holds no .bed with its .bim and .fam ({len(beds)} .bed): {REMEDY}")
    sizes = {sum(1 for _ in bed.with_suffix(".fam").open()) for bed in whole}
    if len(sizes) > 1:
        raise LdReferenceError(f"the PLINK files hold {sorted(sizes)} people: one sample has one number; {REMEDY}")
    n_people = sizes.pop()
    if n_people < LEAST_PEOPLE:
        raise LdReferenceError(f"the LD reference holds {n_people} people, fewer than {LEAST_PEOPLE}: {REMEDY}")
    file, column = np.full((2, genome.rsid.size), -1, dtype=np.int64)
    n_same = 0
    for k, bed in enumerate(whole):
        names, positions = _bim(bed.with_suffix(".bim"))
        place = genome.rsid.positions(names)
        found = np.flatnonzero(place >= 0)
        variant = place[found]
        file[variant], column[variant] = k, found
        n_same += int((genome.position[variant] == positions[found]).sum())
    n_found = int((file >= 0).sum())
    if n_found == 0:
        raise LdReferenceError(f"the LD reference shares no rs number with the GWAS: {REMEDY}")
    if n_same < SAME_POSITION_SHARE * n_found:
        share = f"{n_same:,} of {n_found:,} shared variants lie at the same position"
        raise LdReferenceError(f"the LD reference is on another genome build ({share}): {REMEDY}")
    people = np.unique(np.linspace(0, n_people - 1, min(n_people, MOST_PEOPLE)).astype(np.int64))
    return LdReference(beds=whole, file=file, column=column, people=people, n_people=n_people)


def _bim(path: Path) -> tuple[list[str], F8]:
    """Variant names and base pairs of a .bim file."""
    cells = [line.split() for line in path.read_text().splitlines()]
    return [row[1] for row in cells], np.array([float(row[3]) for row in cells])
