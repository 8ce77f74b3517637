"""How patient and how generous the store is: waits, retries, and the bounds on what a server may send."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """When to try again, and how long to wait before.

    Attributes:
        attempts: Tries without progress before giving up; a try that brought ``stall_bytes`` starts anew.
        max_attempts: Tries in all, progress or not.
        backoff: Seconds before the second try; doubles with each further one.
        max_backoff: Bound on that.
        max_retry_after: A server that asks for a longer pause is given up at once.
        connect_timeout: Seconds to reach a server.
        read_timeout: Seconds without a single byte.
        header_timeout: Seconds from a request to the last header of its answer.
        stall_window: Seconds over which ``stall_bytes`` must arrive.
        stall_bytes: Fewer bytes in a window count as a stall.
        redirects: Redirects followed for one request.
        sleep: Waits; replaced in tests.
        clock: Monotonic seconds; replaced in tests.
        jitter: Factor on each backoff, so that many clients do not come back in step.
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
