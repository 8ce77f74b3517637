"""Time limits for tests, scaled by the load of the machine.

A fixed limit fails on a busy machine although nothing is wrong. ``ZOO_TEST_TIME_FACTOR`` sets the factor, for
example on an emulated processor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

VARIABLE = "ZOO_TEST_TIME_FACTOR"

_RESERVE = 3.0  # a limit that is not expected to elapse costs nothing, so it is generous
_HIGHEST = 50.0


def time_factor() -> float:
    """Return how many times longer than on an idle machine a step may take, at least 1."""
    if text := os.environ.get(VARIABLE):
        return max(1.0, float(text))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return min(_HIGHEST, max(1.0, load / (os.cpu_count() or 1)))


def deadline(seconds: float) -> float:
    """Scale a limit that only a defect reaches.

    Args:
        seconds: Limit on an idle machine.
    """
    return _RESERVE * time_factor() * seconds


def expiring(seconds: float) -> float:
    """Scale a limit that elapses in the test, to full seconds from one second on.

    Args:
        seconds: Limit on an idle machine: long enough for everything that has to happen before it elapses.
    """
    scaled = time_factor() * seconds
    return float(round(scaled)) if scaled >= 1 else scaled


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """Wait for a condition.

    Args:
        condition: Called until it returns True.
        what: Description of the condition, for the failure.
        seconds: Limit on an idle machine.

    Raises:
        AssertionError: The condition did not become true in time.
    """
    limit = deadline(seconds)
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:.0f} s: {what}")
        time.sleep(0.02)


def process_state(pid: int) -> str | None:
    """Return the state of a process from ``/proc``; None after its end, even before it is reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            state = stream.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else state
