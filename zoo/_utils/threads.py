"""Thread pools for simultaneous downloads and conversions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

_MAX_JOBS = 4


@contextmanager
def worker_pool(number: int) -> Iterator[Executor]:
    """A pool that waits for its work at the end, except after Ctrl-C.

    A stalled server would delay an interrupted command for minutes, and queued work would still be started.
    Nothing is lost: the store stays consistent when a process ends at any moment.

    Args:
        number: Number of threads; at least one.
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


def default_jobs() -> int:
    """Processors this process may use, limited so that memory does not run out."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MAX_JOBS, available)
