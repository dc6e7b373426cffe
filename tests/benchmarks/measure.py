"""One measurement: a command as a whole process, or a function beside its peer."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = Path("warehouse/bench.jsonl")
SECONDS_BETWEEN_SAMPLES = 0.5
LINE = "{:28} {:>32} {:>9} {:>8}  {:10} {:>9} {:>7}  {}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the ledger; peak_mb is of the largest process, largest_difference from the peer's answer."""

    name: str
    size: str
    seconds: float
    peak_mb: float | None = None
    peer: str | None = None
    peer_seconds: float | None = None
    largest_difference: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times slower the peer was."""
        return None if self.peer_seconds is None else self.peer_seconds / self.seconds


def machine() -> dict[str, str | int]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def _resident_mb(root: int) -> float:
    """Resident memory of a process and all its descendants, now; Linux."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            pages[int(folder.name)] = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += pages.get(process, 0)
        waiting += children.get(process, [])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def time_command(
    name: str, size: str, command: Sequence[str], *, folder: Path, environment: dict[str, str]
) -> Measurement:
    """Run a command to its end; its peak memory is that of the process and its children together, every half second.

    Raises
    ------
    RuntimeError
        When the command fails, with the last of what it said.
    """
    log = folder / "bench.log"
    peak = 0.0
    started = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
        while process.returncode is None:
            peak = max(peak, _resident_mb(process.pid))
            with suppress(subprocess.TimeoutExpired):  # the end is not waited past
                process.wait(SECONDS_BETWEEN_SAMPLES)
    seconds = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{name} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return Measurement(name, size, seconds, peak)


def time_call(call: Callable[[], object], *, repeats: int = 3) -> float:
    """Smallest of a few wall times, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def record(measurements: Sequence[Measurement]) -> None:
    """Print the table and append it to the ledger."""
    facts = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": round(os.getloadavg()[2], 1),
        **machine(),
    }
    with LEDGER.open("a", encoding="utf-8") as ledger:
        for one in measurements:
            ledger.write(json.dumps({**asdict(one), "ratio": one.ratio, **facts}) + "\n")
    print(f"\n{facts['cores']} cores, {facts['processor']}, Python {facts['python']}")
    columns = ("what", "size", "seconds", "peak MB", "peer", "seconds", "ratio", "largest difference")
    print(LINE.format(*columns))
    for one in measurements:
        print(
            LINE.format(
                one.name,
                one.size,
                f"{one.seconds:.3f}",
                shown(one.peak_mb, ",.0f"),
                one.peer or "",
                shown(one.peer_seconds, ".3f"),
                shown(one.ratio, ".1f"),
                shown(one.largest_difference, ".1e"),
            )
        )


def shown(value: float | None, form: str) -> str:
    """A number in this form, nothing for none."""
    return "" if value is None else format(value, form)
