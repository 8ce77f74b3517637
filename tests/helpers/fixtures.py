"""Fixtures of the tests of downloads, archives and the store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.archive_fixture import ArchiveFixture
from tests.helpers.download_client import Fetcher
from tests.helpers.process_pool import ProcessPool
from tests.helpers.store_fixture import StoreFixture
from zoo.store import RetryPolicy

FAST_RETRIES = RetryPolicy(
    attempts=3,
    max_attempts=8,
    backoff=0.001,
    stall_bytes=200,
    sleep=lambda _: None,
    jitter=lambda: 1.0,
)
"""The default retry policy without pauses; its timeouts are unchanged."""


@pytest.fixture
def fast_retries() -> RetryPolicy:
    return FAST_RETRIES


@pytest.fixture
def data() -> bytes:
    """A file of no known format: ten thousand bytes, always the same."""
    return b"\x80\x02" + random.Random(7).randbytes(9998)


@pytest.fixture
def fetcher(tmp_path: Path, fast_retries: RetryPolicy) -> Fetcher:
    return Fetcher(tmp_path, fast_retries)


@pytest.fixture
def store_fixture(tmp_path: Path, fast_retries: RetryPolicy) -> StoreFixture:
    return StoreFixture(tmp_path / "store", fast_retries)


@pytest.fixture
def archive_fixture(tmp_path: Path) -> ArchiveFixture:
    return ArchiveFixture(tmp_path)


@pytest.fixture
def process_pool() -> Iterator[ProcessPool]:
    process_pool = ProcessPool()
    yield process_pool
    process_pool.end()
