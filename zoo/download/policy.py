"""Retry policy and time limits of downloads."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """When to try again, how long to wait before, and when to give up.

    Attributes:
        attempts: Attempts without progress before giving up; gaining ``stall_bytes`` resets the count.
        max_attempts: Attempts in all, with or without progress.
        backoff: Seconds before the second attempt; doubles with each further one.
        max_backoff: Upper bound of that.
        max_retry_after: A server that asks for a longer pause is given up at once.
        connect_timeout: Seconds to connect to a server.
        read_timeout: Seconds without a single byte.
        header_timeout: Seconds from a request to the last header of its response.
        stall_window: Seconds over which ``stall_bytes`` must arrive.
        stall_bytes: Fewer bytes in a window count as a stall.
        redirects: Redirects followed for one request.
        sleep: Waits; replaced in tests.
        clock: Monotonic seconds; replaced in tests.
        jitter: Factor on each backoff, so that many clients do not retry at the same moment.
    """

    attempts: int = 5
    max_attempts: int = 30
    backoff: float = 0.5
    max_backoff: float = 30.0
    max_retry_after: float = 120.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    header_timeout: float = 60.0
    stall_window: float = 30.0
    stall_bytes: int = 30 * 1024
    redirects: int = 10
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0)

    def backoff_seconds(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.backoff * 2.0 ** min(failures - 1, 60), self.max_backoff) * self.jitter()
