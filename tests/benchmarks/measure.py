"""One measurement: a command as a whole process, or a function beside its peer."""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = Path("warehouse/bench.jsonl")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the ledger. peak_mb: of the largest process. largest_difference: from the peer's answer, in its unit."""

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


def time_command(
    name: str, size: str, command: Sequence[str], *, folder: Path, environment: dict[str, str]
) -> Measurement:
    """Run a command to its end; its peak memory is the largest resident size of the process and its children.

    Raises
    ------
    RuntimeError
        When the command fails, with the last of what it said.
    """
    log = folder / "bench.log"
    started = time.monotonic()
    with log.open("wb") as out:
        pid = os.posix_spawn(
            command[0],
            list(command),
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{name} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return Measurement(name, size, seconds, usage.ru_maxrss / 1024)


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
    facts = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **machine()}
    with LEDGER.open("a", encoding="utf-8") as ledger:
        for one in measurements:
            ledger.write(json.dumps({**asdict(one), "ratio": one.ratio, **facts}) + "\n")
    print(f"\n{facts['cores']} cores, {facts['processor']}, Python {facts['python']}")
    print(
        f"{'what':44} {'size':>28} {'seconds':>9} {'peak MB':>8}  {'peer':18} {'seconds':>9} {'ratio':>7}  largest difference"
    )
    for one in measurements:
        peak = "" if one.peak_mb is None else f"{one.peak_mb:,.0f}"
        peer_seconds = "" if one.peer_seconds is None else f"{one.peer_seconds:.3f}"
        ratio = "" if one.ratio is None else f"{one.ratio:.1f}"
        difference = "" if one.largest_difference is None else f"{one.largest_difference:.1e}"
        print(
            f"{one.name:44} {one.size:>28} {one.seconds:9.3f} {peak:>8}  {one.peer or '':18} {peer_seconds:>9} {ratio:>7}  {difference}",
            file=sys.stdout,
        )
