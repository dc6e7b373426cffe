"""Landing a participant table as wide as an analyst's: ingest beside plain `cat`, pandas and fmrib-unpack.

    python -m tests.benchmarks.landing --share 0.1 [--unpack /path/to/an/environment/bin/fmrib_unpack]

A full export is 502,000 participants with 250 columns, 4.5 million hospital episodes with 18 million diagnoses and
150 million protein values; --share takes that part of all of it. The files are made by repeating a small synthetic
export under new ids, so that writing them costs little. Peers read the participant table only: they know no others.
fmrib-unpack (PyPI) goes into an environment of its own; without --unpack its row is left out.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.measure import Measurement, record, time_command
from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options

SCRATCH = Path("warehouse/build")  # on the disk of the project, and not part of what a copy of it takes
PARTICIPANTS = 502_000
PEOPLE_WITH_PROTEINS = 53_000
DIAGNOSES = 18_000_000
SEED_PEOPLE = 1_000  # drawn once, then repeated under other ids
PROTEINS = 2_923
RECORDS = ("hesin", "hesin_diag", "death", "death_cause", "gp_registrations")
ID = re.compile(rb"^SYN(\d{6})", re.MULTILINE)


def repeated(body: bytes, times: int) -> Iterator[bytes]:
    """The rows of a small table over and over, each time under ids of their own."""
    for k in range(times):
        yield ID.sub(lambda found, k=k: b"SYN%09d" % (int(found[1]) + k * SEED_PEOPLE), body)


def _repeat(path: Path, out: Path, times: int) -> int:
    header, _, body = path.read_bytes().partition(b"\n")
    kept = b"".join(line for line in body.splitlines(keepends=True) if line.startswith(b"SYN"))
    with out.open("wb") as table:
        table.write(header + b"\n")
        for block in repeated(kept, times):
            table.write(block)
    return out.stat().st_size


def write_large(folder: Path, share: float) -> dict[str, int]:
    """The export at this share of full size; bytes of each table."""
    small = folder / "small"
    options = Options(participants=SEED_PEOPLE, proteins=PROTEINS, proteomic_share=0.2, metabolomic_share=1.0, snps=0)
    write_export(options, small)
    large = folder / "export"
    large.mkdir()
    times = max(round(PARTICIPANTS * share / SEED_PEOPLE), 1)
    sizes = {"participant": _repeat(small / "participant.csv", large / "participant.csv", times)}
    n_diagnoses = sum(1 for _ in (small / "hesin_diag.csv").open("rb")) - 1
    # The small cohort has fewer records each than real people: more copies of it, under ids that exist.
    for name in RECORDS:
        sizes[name] = _repeat(small / f"{name}.csv", large / f"{name}.csv", times)
    more = round(DIAGNOSES * share / max(n_diagnoses * times, 1))
    if more > 1:
        _lengthen(large, more)
        sizes |= {name: (large / f"{name}.csv").stat().st_size for name in ("hesin", "hesin_diag")}
    wide = small / "olink_instance_0.csv"
    if wide.is_file():
        n_measured = sum(line.startswith(b"SYN") for line in wide.open("rb"))
        with_proteins = max(round(PEOPLE_WITH_PROTEINS * share / max(n_measured, 1)), 1)
        sizes["olink_instance_0"] = _repeat(wide, large / wide.name, min(with_proteins, times))
        if (small / "helper_files").is_dir():
            shutil.copytree(small / "helper_files", large / "helper_files")
    return sizes


def _lengthen(folder: Path, times: int) -> None:
    """Repeat hospital records within people: ins_index goes up, so that the keys stay unique."""
    for name in ("hesin", "hesin_diag"):
        path = folder / f"{name}.csv"
        header, _, body = path.read_bytes().partition(b"\n")
        at = header.decode().split(",").index(f"{name}.ins_index")
        with path.open("wb") as table:
            table.write(header + b"\n")
            for k in range(times):
                for line in body.splitlines(keepends=True):
                    cells = line.split(b",", at + 1)
                    cells[at] = b"%d" % (int(cells[at]) + k * 10_000)
                    table.write(b",".join(cells))


def landing_measurements(share: float = 0.1, unpack: str | None = None) -> list[Measurement]:
    """Ingest of the whole export; and of the participant table alone beside each peer."""
    measured = []
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as scratch:
        folder = Path(scratch).resolve()
        started = time.monotonic()
        sizes = write_large(folder, share)
        megabytes = sum(sizes.values()) / 1e6
        size = f"{share:.0%} of full size, {megabytes:,.0f} MB"
        print(f"bench: wrote {megabytes:,.0f} MB in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        python = sys.executable
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "OPENBLAS_NUM_THREADS": "1"}

        def run(name: str, of_size: str, command: Sequence[str]) -> Measurement:
            print(f"bench: {name} ...", file=sys.stderr, flush=True)
            one = time_command(name, of_size, command, folder=folder, environment=environment)
            print(f"bench: {name}: {one.seconds:.1f} s, {one.peak_mb or 0:,.0f} MB", file=sys.stderr, flush=True)
            return one

        def land(name: str, of_size: str, source: Path) -> Measurement:
            target = folder / f"raw_{source.name}"
            command = [
                python,
                "-m",
                "warehouse.ingest",
                "--from",
                str(source),
                "--cohort",
                "bench",
                "--to",
                str(target),
            ]
            return run(name, of_size, command)

        everything = [str(path) for path in sorted((folder / "export").rglob("*")) if path.is_file()]
        measured.append(run("cat, whole export", size, ["cat", *everything]))
        measured.append(land("ingest, whole export", size, folder / "export"))
        alone = folder / "alone"
        alone.mkdir()
        (folder / "export" / "participant.csv").rename(alone / "participant.csv")
        table = alone / "participant.csv"
        of_table = f"{share:.0%} of full size, {sizes['participant'] / 1e6:,.0f} MB"
        peers = {"cat": run("cat, participant table", of_table, ["cat", str(table)])}
        pandas = "import sys, pandas; pandas.read_csv(sys.argv[1], low_memory=False).to_parquet(sys.argv[2])"
        made = str(folder / "pandas.parquet")
        peers["pandas"] = run("pandas to Parquet", of_table, [python, "-c", pandas, str(table), made])
        if unpack:
            bare = folder / "bare.csv"
            header, _, body = table.read_bytes().partition(b"\n")
            bare.write_bytes(_legacy(header) + b"\n" + body)
            made = str(folder / "unpacked.tsv")
            peers["fmrib-unpack"] = run("fmrib-unpack to TSV", of_table, [unpack, "-nb", "-nj", "1", made, str(bare)])
        own = land("ingest, participant table", of_table, alone)
        for peer, theirs in peers.items():
            measured.append(
                Measurement("ingest, participant table", of_table, own.seconds, own.peak_mb, peer, theirs.seconds)
            )
            measured.append(theirs)
    return measured


def _legacy(header: bytes) -> bytes:
    """`participant.p31_i0_a1` as `31-0.1`, the only header style that fmrib-unpack reads."""
    names = []
    for cell in header.decode().split(","):
        found = re.fullmatch(r"participant\.p(\d+)(?:_i(\d+))?(?:_a(\d+))?", cell)
        names.append(f"{found[1]}-{found[2] or 0}.{found[3] or 0}" if found else "eid")
    return ",".join(names).encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.landing", description=__doc__)
    parser.add_argument("--share", type=float, default=0.1, help="of full size (default: a tenth)")
    parser.add_argument("--unpack", help="fmrib_unpack of an environment of its own")
    given = parser.parse_args()
    record(landing_measurements(given.share, given.unpack))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
