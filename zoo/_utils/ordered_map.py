"""Work on other threads, results in order, memory bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Iterator[Result]:
    """Apply a function to items while earlier results are being used.

    Threads are enough for images and networks: decoding, OpenCV and the engines release the interpreter.

    Args:
        work: The function.
        items: Taken one by one, as they are needed.
        threads: Calls that run at a time.
        ahead: Results that may wait to be taken.

    Raises:
        Exception: What ``work`` raised, at the place of its result; later items are given up.
    """
    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="zoo") as pool:
        try:
            for item in items:
                running.append(pool.submit(work, item))
                if len(running) > ahead:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
