"""Command line: python -m warehouse.synthetic --out FOLDER."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from warehouse.errors import SyntheticError
from warehouse.synthetic.effects import EFFECTS
from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the embedded cohort; 0 if it stands, the error's exit code if it was refused."""
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m warehouse.synthetic", description=__doc__)
    parser.add_argument("--participants", type=int, default=default.participants, help="people in the cohort")
    parser.add_argument("--seed", type=int, default=default.seed, help="the same seed gives the same bytes")
    parser.add_argument("--proteomic-share", type=float, default=default.proteomic_share, help="with Olink proteins")
    parser.add_argument("--proteins", type=int, default=default.proteins, help="proteins on the panel, 0 for none")
    parser.add_argument(
        "--metabolomic-share", type=float, default=default.metabolomic_share, help="with NMR metabolites"
    )
    parser.add_argument("--snps", type=int, default=default.snps, help="SNPs of the GWAS files, 0 for none")
    parser.add_argument("--effects", choices=EFFECTS, default=default.effects, help="none plants nothing: a null study")
    parser.add_argument("--out", type=Path, default=Path("warehouse/export/synthetic"), help="folder of the export")
    given = parser.parse_args(arguments)
    options = Options(
        participants=given.participants,
        seed=given.seed,
        proteomic_share=given.proteomic_share,
        proteins=given.proteins,
        metabolomic_share=given.metabolomic_share,
        snps=given.snps,
        effects=given.effects,
    )
    try:
        is_new = write_export(options, given.out)
    except SyntheticError as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    print(f"Synthetic cohort {'written to' if is_new else 'already in'} {given.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
