"""Threads for downloads and conversions side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@contextmanager
def worker_pool(number: int) -> Iterator[Executor]:
    """A pool whose work is finished at the end, but not waited for after Ctrl-C.

    A server that stalls would hold an interrupted command for minutes, and what is still in the queue would
    be begun after all. Nothing is lost: the store survives a process that dies anywhere.

    Args:
        number: How many threads; at least one.
    """
    pool = ThreadPoolExecutor(max(1, number))
    try:
        yield pool
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown()
        raise
    pool.shutdown()


_MOST_JOBS = 4


def default_jobs() -> int:
    """Processors this process may use, but not so many that memory becomes the question."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_JOBS, available)
