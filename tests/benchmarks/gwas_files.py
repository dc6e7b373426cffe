"""A pair of GWAS files and LD scores of any size, with planted heritability and genetic correlation."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from scipy.special import log_ndtr

N_REFERENCE_SNPS = 1_173_569.0
PANEL_SHARE = 0.12  # of the SNPs: 1.2 of 10 million, as HapMap 3
H2 = (0.12, 0.30)
RG, OVERLAP = 0.25, 0.15
N_PEOPLE = (300_000, 400_000)
ROWS_PER_BLOCK = 1_000_000
HEADER = ("chromosome", "base_pair_location", "effect_allele", "other_allele", "beta", "standard_error", "p_value",
          "rsid", "info", "n")  # fmt: skip


@dataclass(frozen=True, slots=True)
class GwasFiles:
    """Two GWAS-SSF files, plain and gz, and the folder of LD scores that ldsc reads as `ld_scores/`."""

    plain: tuple[Path, Path]
    zipped: tuple[Path, Path]
    ld_scores: Path


def write_gwas_pair(folder: Path, *, n_snps: int, seed: int = 20_260_101) -> GwasFiles:
    """Files of `n_snps` lines each; every z is that of the same effect allele."""
    rng = np.random.default_rng(seed)
    in_panel = np.flatnonzero(rng.random(n_snps) < PANEL_SHARE)
    ld_score = np.zeros(n_snps)
    ld_score[in_panel] = 1 + rng.gamma(1.0, 100.0, in_panel.size)
    chromosome = np.minimum(np.arange(n_snps) * 22 // n_snps + 1, 22)
    position = (np.arange(n_snps) - np.searchsorted(chromosome, chromosome)) * 100 + 1
    pairs = np.array(["A C", "A G", "C A", "C T", "G A", "G T", "T C", "T G", "A T", "C G"])
    pair = rng.choice(len(pairs), size=n_snps, p=[0.11] * 8 + [0.06] * 2)
    alleles = np.char.partition(pairs, " ")
    plain, zipped = [], []
    scale = ld_score / N_REFERENCE_SNPS
    noise = rng.standard_normal((2, n_snps))
    genetic = rng.standard_normal((2, n_snps))
    correlated = [noise[0], OVERLAP * noise[0] + np.sqrt(1 - OVERLAP**2) * noise[1]]
    effects = [genetic[0], RG * genetic[0] + np.sqrt(1 - RG**2) * genetic[1]]
    for k in range(2):
        z = correlated[k] + np.sqrt(N_PEOPLE[k] * H2[k] * scale) * effects[k]
        path = folder / f"trait_{k + 1}.tsv"
        info = np.round(rng.uniform(0.85, 1.0, n_snps), 3)
        n = rng.integers(int(N_PEOPLE[k] * 0.9), N_PEOPLE[k], n_snps)
        with path.open("wb") as out:
            out.write(("\t".join(HEADER) + "\n").encode())
            for start in range(0, n_snps, ROWS_PER_BLOCK):
                at = slice(start, start + ROWS_PER_BLOCK)
                p = np.exp(np.log(2) + log_ndtr(-np.abs(z[at])))
                error = 1 / np.sqrt(n[at])
                table = pa.table(
                    {
                        "chromosome": chromosome[at],
                        "base_pair_location": position[at],
                        "effect_allele": pa.array(alleles[:, 0].astype(object)).take(pa.array(pair[at])),
                        "other_allele": pa.array(alleles[:, 2].astype(object)).take(pa.array(pair[at])),
                        "beta": np.round(z[at] * error, 8),
                        "standard_error": np.round(error, 8),
                        "p_value": p,
                        "rsid": pc.binary_join_element_wise(
                            "rs", pa.array(np.arange(start, start + p.size)).cast(pa.string()), ""
                        ),
                        "info": info[at],
                        "n": n[at],
                    }
                )
                options = pacsv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
                pacsv.write_csv(table, out, options)
        plain.append(path)
        packed = path.with_name(f"{path.name}.gz")
        with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=4) as target:
            while chunk := source.read(1 << 24):
                target.write(chunk)
        zipped.append(packed)
    scores = folder / "ld_scores"
    scores.mkdir()
    for label in range(1, 23):
        here = in_panel[chromosome[in_panel] == label]
        with gzip.open(scores / f"{label}.l2.ldscore.gz", "wt", compresslevel=4) as lines:
            lines.write("CHR\tSNP\tBP\tL2\n")
            lines.writelines(f"{label}\trs{snp}\t{position[snp]}\t{ld_score[snp]:.3f}\n" for snp in here)
        (scores / f"{label}.l2.M_5_50").write_text(f"{N_REFERENCE_SNPS / 22:.0f}\n")
    return GwasFiles(plain=(plain[0], plain[1]), zipped=(zipped[0], zipped[1]), ld_scores=scores)
