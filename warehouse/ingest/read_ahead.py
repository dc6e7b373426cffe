"""Run an iterator in a thread, one item ahead of its consumer: Arrow parses the next block while this one is turned."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
SECONDS_BETWEEN_LOOKS = 0.2


def read_ahead(source: Callable[[], Iterator[T]], depth: int = 1) -> Iterator[T]:
    """Yield what `source()` yields; at most `depth` items wait.

    An exception of the source is raised where its item would have come; a consumer that stops early stops the source.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(maxsize=depth)
    is_left = threading.Event()

    def put(item: tuple[T | None, BaseException | None, bool]) -> bool:
        while not is_left.is_set():
            try:
                waiting.put(item, timeout=SECONDS_BETWEEN_LOOKS)
                return True
            except queue.Full:
                continue
        return False

    def run() -> None:
        items = source()
        try:
            for item in items:
                if not put((item, None, False)):
                    return
            put((None, None, True))
        except BaseException as error:
            put((None, error, True))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error, is_last = waiting.get()
            if error is not None:
                raise error
            if is_last:
                return
            yield item  # type: ignore[misc]
    finally:
        is_left.set()
        thread.join()
