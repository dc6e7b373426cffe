"""GWAS z statistics of six traits that share a genetic architecture, drawn in LD blocks; own LD scores.

Per SNP j the six z are normal with mean 0 and covariance C + l_j / M * S G S: C the intercepts (1 + a_k on the
diagonal, phenotypic correlation times overlap off it), S = diag(sqrt(N_k)), G the genetic covariance (h2_k on the
diagonal). Noise is correlated within a block, so that a jackknife over blocks is honest. A few blocks are loci: there
a disease has one causal variant, whose signal falls off with the same correlation as the noise, and no other effect.
Its variance is that of the disease times LOCUS_VARIANCE; elsewhere G is reduced, so that it stays the mean over blocks.
Where both diseases have one it is the same variant, or two that are not in LD (distinct_variants).

Bias of a naive analysis. The correlation of the two z columns mixes sample overlap (the cross-trait intercept) with the
genetic covariance; ignoring flipped alleles drives it to zero.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synthetic.effects import Effects
from warehouse.synthetic.population import Bools, Floats, Ints

M_5_50 = 1_173_569  # SNPs behind the LD scores, as in the European reference [published]
MEAN_LD_SCORE = 22.0  # mean over the HapMap3 SNPs of the European reference scores [published]
LD_SCORE_SHAPE = 1.0  # gamma shape between blocks: scores vary about as much as their mean, as in the reference
SNPS_PER_BLOCK = 20
NEIGHBOUR_CORRELATION = 0.45  # of noise between adjacent SNPs of a block, some 50 kb apart [choice]
# Chromosome lengths, Mb [GRCh37].
CHROMOSOME_MB = (249, 243, 198, 191, 181, 171, 159, 146, 141, 136, 135, 134, 115, 107, 103, 90, 81, 78, 59, 63, 48, 51)


@dataclass(frozen=True, slots=True)
class Trait:
    """One GWAS: sample, observed-scale heritability, intercept - 1. Disease traits are coded as disease."""

    name: str
    n: int
    n_cases: int
    heritability: float
    inflation: float
    title: str


# Component traits: heritability of the Neale-lab table [published]; disease traits: observed scale [choice].
TRAITS = (
    Trait("osteoporosis", 452_264, 19_821, 0.060, 0.02, "Osteoporosis"),
    Trait("sarcopenia", 256_523, 48_596, 0.080, 0.02, "Muscle weakness (EWGSOP grip strength)"),
    Trait("grip", 359_704, 0, 0.117, 0.066, "Hand grip strength"),
    Trait("lean_mass", 354_808, 0, 0.302, 0.17, "Whole-body fat-free mass"),
    Trait("walking_pace", 358_974, 0, 0.082, 0.03, "Usual walking pace"),
    Trait("heel_bmd", 206_496, 0, 0.318, 0.064, "Heel bone mineral density"),
)
GENETIC_CORRELATION = np.array(
    [
        [1.00, 0.25, -0.15, -0.12, -0.15, -0.60],
        [0.25, 1.00, -0.80, -0.40, -0.35, -0.12],
        [-0.15, -0.80, 1.00, 0.45, 0.30, 0.12],
        [-0.12, -0.40, 0.45, 1.00, 0.05, 0.12],
        [-0.15, -0.35, 0.30, 0.05, 1.00, 0.05],
        [-0.60, -0.12, 0.12, 0.12, 0.05, 1.00],
    ]
)
# Phenotypic correlation times the share of overlapping samples: the cross-trait intercepts [choice].
CROSS_INTERCEPT = np.array(
    [
        [0.00, 0.06, -0.06, -0.05, -0.06, -0.12],
        [0.06, 0.00, -0.35, -0.12, -0.14, -0.05],
        [-0.06, -0.35, 0.00, 0.30, 0.18, 0.06],
        [-0.05, -0.12, 0.30, 0.00, -0.02, 0.08],
        [-0.06, -0.14, 0.18, -0.02, 0.00, 0.04],
        [-0.12, -0.05, 0.06, 0.08, 0.04, 0.00],
    ]
)


LOCUS_VARIANCE = 15.0  # times the mean of a block [choice: about half of the shared loci genome-wide in both]
LEAST_CAUSAL_FREQUENCY = 0.03  # of the minor allele: noise in a file must not take it below the usual 0.01
APART, FAR = 3, 5  # SNPs between two distinct causal variants of a block: r = 0.45^3 = 0.09, and within 250 kb


@dataclass(frozen=True, slots=True)
class LocusKind:
    """Share of blocks, which disease has a causal variant there, and the sign of their product (0: distinct ones)."""

    name: str
    share: float
    is_osteoporosis: bool
    is_sarcopenia: bool
    direction: int

    @property
    def hypothesis(self) -> str:
        """The one of colocalisation's hypotheses that is true there."""
        if self.is_osteoporosis and self.is_sarcopenia:
            return "H4" if self.direction else "H3"
        return "H1" if self.is_osteoporosis else "H2"


LOCI = (
    LocusKind("shared_same_direction", 0.0040, True, True, 1),
    LocusKind("shared_opposite_direction", 0.0015, True, True, -1),
    LocusKind("osteoporosis_only", 0.0060, True, False, 0),
    LocusKind("sarcopenia_only", 0.0060, False, True, 0),
    LocusKind("distinct_variants", 0.0010, True, True, 0),
)


@dataclass(frozen=True, slots=True)
class Snps:
    """The SNPs in genome order."""

    chromosome: Ints
    position: Ints
    block: Ints
    ld_score: Floats
    frequency: Floats  # of the second allele
    first: Ints  # allele as index into ACGT
    second: Ints
    locus: Ints  # per SNP: index into LOCI, -1 outside

    def __len__(self) -> int:
        return len(self.position)


def rsids(snps: Snps) -> list[str]:
    """rs numbers unique to the position in the list."""
    return [f"rs{70_000_000 + 13 * k}" for k in range(len(snps))]


def draw_snps(rng: np.random.Generator, n: int) -> Snps:
    """Positions, LD scores, alleles and loci."""
    share = np.array(CHROMOSOME_MB) / sum(CHROMOSOME_MB)
    per_chromosome = np.maximum(np.round(share * n).astype(np.int64), 1)
    per_chromosome[0] += n - per_chromosome.sum()
    chromosome = np.repeat(np.arange(1, len(CHROMOSOME_MB) + 1), per_chromosome)
    length = np.array(CHROMOSOME_MB)[chromosome - 1] * 1e6
    position = (rng.random(n) * length).astype(np.int64) + 10_000
    order = np.lexsort((position, chromosome))
    position = position[order]
    # Two SNPs never share a position, so that a position names a SNP.
    same = np.flatnonzero((position[1:] == position[:-1]) & (chromosome[1:] == chromosome[:-1])) + 1
    position[same] += 1
    within = np.arange(n) - np.repeat(np.cumsum(per_chromosome) - per_chromosome, per_chromosome)
    starts_block = within % SNPS_PER_BLOCK == 0
    block = np.cumsum(starts_block) - 1
    blocks = int(block[-1]) + 1
    level = rng.gamma(LD_SCORE_SHAPE, MEAN_LD_SCORE / LD_SCORE_SHAPE, blocks)
    ld_score = 1.0 + level[block] * np.exp(rng.normal(-0.08, 0.4, n))
    first = rng.integers(0, 4, n)
    # One SNP in eight is ambiguous (A/T, C/G); among the rest every other pair is as likely.
    complement = 3 - first
    other = (first + rng.integers(1, 4, n)) % 4
    other = np.where(other == complement, (other + 1) % 4, other)
    other = np.where(other == first, (other + 1) % 4, other)
    second = np.where(rng.random(n) < 0.125, complement, other)
    bounds = np.cumsum([kind.share for kind in LOCI])
    drawn = np.searchsorted(bounds, rng.permutation(blocks) / blocks, side="right")
    locus = np.where(drawn < len(LOCI), drawn, -1)[block]
    frequency = np.clip(rng.beta(0.9, 1.1, n) * 0.98 + 0.01, 0.005, 0.995)
    return Snps(chromosome, position, block, ld_score, frequency, first, second, locus)


def genetic_covariance(effects: Effects = "full") -> Floats:
    """G, (traits, traits); without planted effects the traits keep their heritabilities and share nothing."""
    root = np.sqrt([trait.heritability for trait in TRAITS])
    correlation = GENETIC_CORRELATION if effects == "full" else np.eye(len(TRAITS))
    return correlation * np.outer(root, root)


def block_covariances() -> Floats:
    """G inside each kind of locus (its causal variants included) and, last, outside all: the mean by share is G."""
    mean = genetic_covariance()
    inside = []
    for kind in LOCI:
        here = mean.copy()
        for k, is_causal in enumerate((kind.is_osteoporosis, kind.is_sarcopenia)):
            here[k, :] = here[:, k] = 0.0
            here[k, k] = mean[k, k] * (LOCUS_VARIANCE if is_causal else 1.0)
        here[0, 1] = here[1, 0] = kind.direction * np.sqrt(here[0, 0] * here[1, 1])
        inside.append(here)
    shares = np.array([kind.share for kind in LOCI])
    rest = (mean - np.tensordot(shares, np.array(inside), axes=1)) / (1 - shares.sum())
    return np.array([*inside, rest])


def _roots(snps: Snps, effects: Effects) -> Floats:
    """Square root of each SNP's covariance of z without the causal variants, (SNPs, traits, traits)."""
    inflation = np.diag([1.0 + trait.inflation for trait in TRAITS]) + CROSS_INTERCEPT
    root_n = np.sqrt([float(trait.n) for trait in TRAITS])
    # Without planted effects no block is a locus.
    polygenic = (
        block_covariances() if effects == "full" else np.tile(genetic_covariance(effects), (len(LOCI) + 1, 1, 1))
    )
    for k, kind in enumerate(LOCI if effects == "full" else ()):
        for trait, is_causal in enumerate((kind.is_osteoporosis, kind.is_sarcopenia)):
            if is_causal:
                polygenic[k, trait, :] = polygenic[k, :, trait] = 0.0
    covariance = inflation + (snps.ld_score / M_5_50)[:, None, None] * polygenic[snps.locus] * np.outer(root_n, root_n)
    return np.linalg.cholesky(covariance)


@dataclass(frozen=True, slots=True)
class Causal:
    """The causal variant of one disease in one locus: kind, disease (0 or 1), its SNP and its mean z there."""

    kind: int
    trait: int
    snp: int
    z: float


def draw_causal(rng: np.random.Generator, snps: Snps, effects: Effects = "full") -> list[Causal]:
    """One causal variant per locus and disease that has one, of the variance that G gives the locus.

    Over the SNPs that analyses keep (common, strand told by their alleles), z^2 times the sum of r^(2 |i - c|) is their
    number times l_c N G / M: the causal SNP's own score, so that chi-square rises with it.
    """
    covariances = block_covariances()
    minor = np.minimum(snps.frequency, 1 - snps.frequency)
    is_kept = (snps.first + snps.second != 3) & (minor > LEAST_CAUSAL_FREQUENCY)
    causal: list[Causal] = []
    for kind_index, kind in enumerate(LOCI if effects == "full" else ()):
        for block in np.unique(snps.block[snps.locus == kind_index]):
            here = np.flatnonzero(snps.block == block)
            usable = np.flatnonzero(is_kept[here])
            if usable.size == 0:
                continue
            first = second = int(rng.choice(usable))
            if kind.hypothesis == "H3":
                away = np.abs(usable - first)
                far = usable[(away >= APART) & (away <= FAR)]
                second = int(rng.choice(far)) if far.size else int(usable[np.argmax(away)])
            sign = 1.0 if rng.random() < 0.5 else -1.0
            other_sign = sign * kind.direction if kind.direction else (1.0 if rng.random() < 0.5 else -1.0)
            for trait, is_there, place, its_sign in (
                (0, kind.is_osteoporosis, first, sign),
                (1, kind.is_sarcopenia, second, other_sign if kind.is_osteoporosis else sign),
            ):
                if not is_there:
                    continue
                decay = NEIGHBOUR_CORRELATION ** (2.0 * np.abs(usable - place))
                per_snp = snps.ld_score[here[place]] / M_5_50 * TRAITS[trait].n * covariances[kind_index, trait, trait]
                size = float(np.sqrt(usable.size * per_snp / decay.sum()))
                causal.append(Causal(kind_index, trait, int(here[place]), its_sign * size))
    return causal


def draw_z(rng: np.random.Generator, snps: Snps, causal: list[Causal], effects: Effects = "full") -> Floats:
    """z of the second allele, (SNPs, traits): an autoregression within each block, and what is causal there."""
    n, k = len(snps), len(TRAITS)
    fresh = rng.standard_normal((n, k))
    starts = np.flatnonzero(np.r_[True, snps.block[1:] != snps.block[:-1]])
    place = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    keep = np.sqrt(1 - NEIGHBOUR_CORRELATION**2)
    noise = fresh.copy()
    for step in range(1, SNPS_PER_BLOCK):
        here = np.flatnonzero(place == step)
        noise[here] = NEIGHBOUR_CORRELATION * noise[here - 1] + keep * fresh[here]
    z = np.einsum("jkl,jl->jk", _roots(snps, effects), noise)
    for one in causal:
        here = np.flatnonzero(snps.block == snps.block[one.snp])
        z[here, one.trait] += one.z * NEIGHBOUR_CORRELATION ** np.abs(here - one.snp)
    return z


def locus_windows(snps: Snps, kind: int) -> list[tuple[int, int, int]]:
    """Chromosome, first and last position of each block of one kind of locus."""
    mine = np.flatnonzero(snps.locus == kind)
    windows = []
    for block in np.unique(snps.block[mine]):
        here = np.flatnonzero(snps.block == block)
        windows.append((int(snps.chromosome[here[0]]), int(snps.position[here[0]]), int(snps.position[here[-1]])))
    return windows


@dataclass(frozen=True, slots=True)
class Reported:
    """One trait's file content: rows drawn from the SNPs with alleles as that consortium reports them."""

    snp: Ints
    effect: Ints
    other: Ints
    effect_frequency: Floats
    info: Floats
    n: Ints
    beta: Floats
    standard_error: Floats
    z: Floats
    is_bad: Bools  # rows that no analysis may use


FLIPPED_SHARE = 0.35  # effect allele is the first, not the second
OTHER_STRAND_SHARE = 0.04
ABSENT_SHARE = 0.03
DUPLICATE_SHARE = 0.002
BAD_SHARE = 0.0015
LOW_INFO_SHARE = 0.03


def report(rng: np.random.Generator, snps: Snps, trait: Trait, z: Floats) -> Reported:
    """The rows of one trait: some absent, some twice, alleles swapped or on the other strand, a few broken."""
    present = np.flatnonzero(rng.random(len(snps)) >= ABSENT_SHARE)
    again = present[rng.random(len(present)) < DUPLICATE_SHARE]
    row = np.sort(np.concatenate([present, again]))
    m = len(row)
    flipped = rng.random(m) < FLIPPED_SHARE
    effect = np.where(flipped, snps.first[row], snps.second[row])
    other = np.where(flipped, snps.second[row], snps.first[row])
    strand = rng.random(m) < OTHER_STRAND_SHARE
    effect, other = np.where(strand, 3 - effect, effect), np.where(strand, 3 - other, other)
    frequency = np.where(flipped, 1 - snps.frequency[row], snps.frequency[row])
    frequency = np.clip(frequency + rng.normal(0, 0.004, m), 0.002, 0.998)
    n = np.round(trait.n * np.where(rng.random(m) < 0.02, rng.uniform(0.3, 0.9, m), rng.uniform(0.985, 1.0, m)))
    share = trait.n_cases / trait.n
    outcome_variance = share * (1 - share) if trait.n_cases else 1.0
    standard_error = 1 / np.sqrt(2 * frequency * (1 - frequency) * n * outcome_variance)
    signed = np.where(flipped, -z[row], z[row])
    info = np.where(rng.random(m) < LOW_INFO_SHARE, rng.uniform(0.3, 0.9, m), rng.uniform(0.92, 1.0, m))
    return Reported(
        snp=row, effect=effect, other=other, effect_frequency=frequency, info=info, n=n.astype(np.int64),
        beta=signed * standard_error, standard_error=standard_error, z=signed, is_bad=rng.random(m) < BAD_SHARE,
    )  # fmt: skip
