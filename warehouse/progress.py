"""Progress of long steps: counts and time left, one line per update, on standard error.

A terminal gets a live bar; a log (CI) gets a line every few seconds, so that both can be read afterwards.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

SECONDS_BETWEEN_LOG_LINES = 5.0


class Advance(Protocol):
    def __call__(self, amount: int = 1) -> None: ...


def _left(done: int, total: int, elapsed: float) -> str:
    seconds = elapsed * (total - done) / done if done else float("nan")
    return "" if seconds != seconds else f", about {seconds:,.0f} s left"


@contextmanager
def progress(step: str, total: int, unit: str) -> Iterator[Advance]:
    """Announce `step` over `total` `unit`s; the yielded call advances the count."""
    start = last = time.monotonic()
    done = 0
    live = sys.stderr.isatty()

    def advance(amount: int = 1) -> None:
        nonlocal done, last
        done += amount
        now = time.monotonic()
        if now - last < (0.2 if live else SECONDS_BETWEEN_LOG_LINES) and done < total:
            return
        last = now
        text = f"{step}: {done:,} of {total:,} {unit}{_left(done, total, now - start)}"
        print(f"\r\033[K{text}" if live else text, end="" if live else "\n", file=sys.stderr, flush=True)

    yield advance
    elapsed = time.monotonic() - start
    print(f"{chr(13) + chr(27) + '[K' if live else ''}{step}: {done:,} {unit} in {elapsed:.1f} s", file=sys.stderr)
