from __future__ import annotations

import random

import pytest

from zoo.store import RetryPolicy

HASTY = RetryPolicy(
    attempts=3,
    most_attempts=8,
    backoff=0.001,
    stall_bytes=200,
    sleep=lambda _: None,
    jitter=lambda: 1.0,
)
"""The shipped policy's rules without its pauses. Its time limits stay, however slow the machine is."""


@pytest.fixture
def hasty() -> RetryPolicy:
    return HASTY


@pytest.fixture
def data() -> bytes:
    """A file that looks like nothing in particular; ten thousand bytes, always the same."""
    return b"\x80\x02" + random.Random(7).randbytes(9998)
