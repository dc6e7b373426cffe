"""Worker processes of a dbt Python model: they end with the build that started them."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def _end_with_the_parent() -> None:
    parent = parent_process()

    def watch() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """A pool of spawned processes that end when their parent is killed; left alone they hold their own queue open."""
    return ProcessPoolExecutor(max_workers=processes, mp_context=get_context("spawn"), initializer=_end_with_the_parent)
