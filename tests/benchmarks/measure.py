"""One measurement: a command as a whole process, or a function beside its peer."""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = Path("warehouse/bench.jsonl")
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
    columns = ("what", "size", "seconds", "peak MB", "peer", "seconds", "ratio", "largest difference")
    print(LINE.format(*columns))
    for one in measurements:
        print(
            LINE.format(
                one.name,
                one.size,
                f"{one.seconds:.3f}",
                _shown(one.peak_mb, ",.0f"),
                one.peer or "",
                _shown(one.peer_seconds, ".3f"),
                _shown(one.ratio, ".1f"),
                _shown(one.largest_difference, ".1e"),
            )
        )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
