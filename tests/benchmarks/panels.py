"""From warehouse to estimates at UK Biobank's size, in a process of its own: time of each part and peak memory.

    python -m tests.benchmarks.panels PEOPLE PROTEINS     # one size

writes a warehouse of so many people and proteins to a scratch file, scales the panel into its own file as a build does,
and scans it, block by block. Peak memory stands beside the size of a block: it is to follow the block, not the panel.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
from threadpoolctl import threadpool_limits

from python_models.estimators.scans.cox_scan import CoxScanner
from python_models.frames.biomarkers import biomarker_blocks, biomarker_panels
from tests.benchmarks.measure import Measurement

# The published panel, and the largest part of the coming one (500,000 people x 5,400 proteins) that a small disk holds:
# twice, to show that memory is the block's.
SIZES = ((50_000, 2_923), (500_000, 128), (500_000, 256))
# The coming panel, and the disk that a value of it takes: in the warehouse, sorted, and in the scaled file.
COMING_PROTEINS, COMING_PEOPLE, BYTES_PER_VALUE = 5_400, 500_000, 20
PEAK_MB = 1_024.0  # kilobytes a megabyte, as Linux reports the peak


def people_that_fit() -> int:
    """Most people whose panel of COMING_PROTEINS takes at most half of the free disk, in thousands."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    fit = int(free // 2 // (COMING_PROTEINS * BYTES_PER_VALUE))
    return min(COMING_PEOPLE, fit // 1_000 * 1_000)


def write_warehouse(path: Path, n: int, k: int) -> None:
    """Marts of n people and k proteins, a twentieth of the values missing, sorted by protein."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set memory_limit = '1GB'")
        connection.execute("create schema marts")
        connection.execute(
            f"create table marts.participants as select 'SYN' || lpad(i::varchar, 6, '0') as participant_id, "
            f"i::integer as participant_position from range({n}) as people (i)"
        )
        connection.execute(
            "create table marts.biomarker_samples as "
            "select 'protein' as platform, participant_id, null::varchar as exclusion from marts.participants"
        )
        connection.execute(
            "create table marts.protein_levels "
            "(participant_id varchar, participant_position integer, protein varchar, level_npx float)"
        )
        for start in range(0, k, 16):
            connection.execute(
                f"insert into marts.protein_levels "
                f"select participant_id, participant_position, 'p' || lpad(j::varchar, 4, '0'), "
                f"(random() + random() + random())::float "
                f"from range({start}, {min(start + 16, k)}) as proteins (j), marts.participants "
                f"where random() > 0.05 order by j, participant_position"
            )
        connection.execute(
            """
            create table marts.biomarkers as
            select
                'protein' as platform, protein as biomarker, 'measured' as biomarker_type, count(*) as n_rows,
                null::varchar as flag_reason, 0 as n_zero, null::double as smallest_positive, null::varchar as exclusion
            from marts.protein_levels group by protein
            """
        )


def run(n: int, k: int) -> dict[str, float]:
    """Seconds of processor per part, and the peak memory of this process, megabytes."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_warehouse(folder / "panel.duckdb", n, k)
        for module in (biomarker_blocks, biomarker_panels):
            module.FOLDER = folder / "panels"  # type: ignore[attr-defined]
        session = duckdb.connect(str(folder / "panel.duckdb"))
        session.execute("set memory_limit = '1GB'")
        # Compiled code is loaded once per process, not once per panel.
        biomarker_blocks.scale_rows(np.zeros((2, 8), dtype=np.float32), "rank_inverse_normal_blom")
        described = biomarker_blocks.describe_panel(session, platform="protein", transform="rank_inverse_normal_blom")
        started, began = time.process_time(), time.perf_counter()
        for _ in biomarker_blocks.scaled_blocks(session, described):
            pass
        found["warehouse to scaled blocks"] = time.process_time() - started
        found["the same, by the clock"] = time.perf_counter() - began
        started = time.process_time()
        table = biomarker_panels.biomarker_panel_rows(
            session, transform="rank_inverse_normal_blom", imputation="none", n_neighbours=10, prune_above=0.9
        )
        session.register("written", table)
        session.execute("create table marts.biomarker_panels as select * from written")
        found["the same to a file, with correlations"] = time.process_time() - started
        panel = biomarker_blocks.read_panel(session, platform="protein")
        assert panel is not None
        rng = np.random.default_rng(1)
        onset, end = rng.exponential(4700.0 / 0.04, n), rng.integers(4000, 5400, n)
        scanner = CoxScanner(
            exit=np.ceil(np.minimum(onset, end)), event=onset <= end, covariates=rng.normal(size=(n, 12))
        )
        reading = scanning = 0.0
        started = time.process_time()
        for _, values in biomarker_blocks.read_blocks(session, panel):
            reading += time.process_time() - started
            started = time.process_time()
            scanner.scan(values)
            scanning += time.process_time() - started
            started = time.process_time()
        found |= {"file to blocks": reading, "Cox scan": scanning}
        session.close()
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK_MB
    found["block MB"] = 4 * n * biomarker_blocks.BLOCK / 1e6
    return found


def panel_measurements(sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Measurement]:
    """Each size in a process of its own, so that its peak is its own."""
    measured = []
    for n, k in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.panels", str(n), str(k)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        parts = json.loads(done.stdout.splitlines()[-1])
        peak, block = parts.pop("peak MB"), parts.pop("block MB")
        size = f"{k:,} proteins, {n:,} people, block {block:.0f} MB"
        measured += [
            Measurement(name, size, seconds, peak if name == "Cox scan" else None) for name, seconds in parts.items()
        ]
    return measured


def largest_panel_measurements() -> list[Measurement]:
    """The coming panel in as many people as the disk holds."""
    return panel_measurements(((people_that_fit(), COMING_PROTEINS),))


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        print(json.dumps(run(*map(int, sys.argv[1:]))))
