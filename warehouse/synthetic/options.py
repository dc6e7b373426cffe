"""What a synthetic export is made with, checked all at once, and the stamp that says it need not be made again."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from warehouse.errors import Fault, SyntheticError
from warehouse.synthetic.effects import EFFECTS, Effects

LEAST_PROTEINS = 60  # planted, markers, moved by a cause only, badly measured
LARGEST_COHORT = 999_999  # ids are SYN and six digits
MOST_PROTEINS = 2_923  # Olink Explore 3072
STAMP = "spec_stamp.json"
SOURCES = Path(__file__).parent
SEEDS_READ = ("ukb_fields.csv", "olink_assays.csv", "nmr_biomarkers.csv")


@dataclass(frozen=True, slots=True)
class Options:
    """participants, shares in [0, 1], proteins on the panel, SNPs of the GWAS (0 = no GWAS files), what is planted."""

    participants: int = 50_000
    seed: int = 20260101
    proteomic_share: float = 0.3
    proteins: int = 300
    metabolomic_share: float = 0.5
    snps: int = 60_000
    effects: Effects = "full"


def refuse_faults(options: Options, out: Path) -> None:
    """Raise SyntheticError with every fault of the options, or return.

    Raises
    ------
    SyntheticError
    """
    faults: list[Fault] = []
    if not 100 <= options.participants <= LARGEST_COHORT:
        faults.append(
            Fault(
                "--participants",
                f"must lie between 100 and {LARGEST_COHORT:,}",
                f"give another than {options.participants:,}",
            )
        )
    if options.seed < 0:
        faults.append(Fault("--seed", "must be zero or more", "give a whole number such as 20260101"))
    for name, share in (
        ("--proteomic-share", options.proteomic_share),
        ("--metabolomic-share", options.metabolomic_share),
    ):
        if not 0.0 <= share <= 1.0:
            faults.append(Fault(name, "must lie between 0 and 1", f"give a share of the cohort, not {share:g}"))
    if options.proteins != 0 and not LEAST_PROTEINS <= options.proteins <= MOST_PROTEINS:
        rule = f"must be 0 or lie between {LEAST_PROTEINS} and {MOST_PROTEINS:,}"
        faults.append(Fault("--proteins", rule, "the planted and marker proteins must fit; the real panel has no more"))
    if options.snps != 0 and not 1_000 <= options.snps <= 900_000:
        faults.append(
            Fault("--snps", "must be 0 or lie between 1,000 and 900,000", "0 writes no GWAS and no LD scores")
        )
    if options.effects not in EFFECTS:
        faults.append(
            Fault("--effects", f"is one of {', '.join(EFFECTS)}", f"none plants nothing; not {options.effects!r}")
        )
    if out.exists() and not out.is_dir():
        faults.append(Fault("--out", "must be a folder", "name another folder or remove the file of that name"))
    elif out.is_dir() and any(out.iterdir()) and not (out / STAMP).exists():
        faults.append(
            Fault(
                "--out",
                "must be empty or hold an earlier synthetic export",
                "name another folder: nothing here is overwritten",
            )
        )
    if faults:
        raise SyntheticError(faults)


def stamp(options: Options) -> str:
    """Options and a hash of everything the export depends on: sources, coefficients, seeds."""
    digest = hashlib.sha256()
    seeds = [SOURCES.parent / "seeds" / name for name in SEEDS_READ]
    for path in sorted(SOURCES.glob("*.py")) + sorted(SOURCES.glob("*.csv")) + seeds:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return json.dumps({"synthetic": True, **asdict(options), "code": digest.hexdigest()}, indent=2) + "\n"


def is_current(options: Options, out: Path) -> bool:
    """Whether the folder already holds exactly this export."""
    held = out / STAMP
    return held.is_file() and held.read_text() == stamp(options)
