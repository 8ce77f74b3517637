"""Applies a function on other threads, with ordered results and bounded memory."""

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
    """Apply a function to items on other threads while earlier results are processed.

    Threads suffice for images and networks: decoding, OpenCV and the engines release the interpreter lock.

    Args:
        work: The function.
        items: Consumed one by one, as needed.
        threads: Simultaneous calls.
        ahead: Results that may be computed ahead.

    Raises:
        Exception: An error of ``work``, raised in place of its result; later items are cancelled.
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
