"""Source health: order, expiry, a clock that jumps, a damaged state file."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import IntegrityError
from tests.helpers.download_client import Fetcher
from tests.helpers.sample_archives import digest
from tests.helpers.servers import ScriptedServer, honest, serve, status
from zoo.download.client import download
from zoo.download.source_health import RECENT_SECONDS, SourceHealth

A, B, C = "https://a.example/f", "https://b.example/f", "https://c.example/f"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def health(folder: Path, clock: Clock, *mirrors: str) -> SourceHealth:
    return SourceHealth(folder / "sources.json", folder / "sources.lock", mirrors, clock)


def test_a_failed_source_is_tried_last_by_the_next_process_too(tmp_path: Path) -> None:
    clock, notes = Clock(), []
    health(tmp_path, clock).record_failure(A)

    assert health(tmp_path, clock).sort([A, B, C], notes.append) == [B, C, A]
    assert len(notes) == 1
    assert "https://a.example failed a short while ago" in notes[0]


def test_when_all_failed_the_longest_ago_is_tried_first(tmp_path: Path) -> None:
    clock = Clock()
    for url in (B, A, C):
        clock.now += 1
        health(tmp_path, clock).record_failure(url)

    assert health(tmp_path, clock).sort([A, B, C]) == [B, A, C]


def test_a_failure_expires_and_a_success_clears_it(tmp_path: Path) -> None:
    clock = Clock()
    health(tmp_path, clock).record_failure(A)
    health(tmp_path, clock).record_failure(B)
    health(tmp_path, clock).record_success(A)
    assert health(tmp_path, clock).sort([B, A]) == [A, B]

    clock.now += RECENT_SECONDS

    assert health(tmp_path, clock).sort([B, A]) == [B, A]


def test_a_failure_in_the_future_is_ignored(tmp_path: Path) -> None:
    clock = Clock()
    health(tmp_path, clock).record_failure(A)
    clock.now -= 86_400 * 365

    assert health(tmp_path, clock).sort([A, B]) == [A, B]


def test_a_damaged_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_text('{"version": 1, "fai')
    clock = Clock()

    assert health(tmp_path, clock).sort([A, B]) == [A, B]
    health(tmp_path, clock).record_failure(A)
    assert health(tmp_path, clock).sort([A, B]) == [B, A]


def test_neither_credentials_nor_paths_are_stored(tmp_path: Path) -> None:
    mirror = "https://me:s3cr3t@m.example/base"
    known = health(tmp_path, Clock(), mirror)
    known.record_failure("https://m.example/base/f?token=hush")
    known.record_failure("https://h.example/f?token=hush")

    text = (tmp_path / "sources.json").read_text()
    assert "https://m.example/***/#" in text
    assert "https://h.example" in text
    assert not any(secret in text for secret in ("s3cr3t", "hush", "me:", "base"))


def test_two_folders_on_one_server_are_two_sources(tmp_path: Path) -> None:
    known = health(tmp_path, Clock(), "https://m.example/old", "https://m.example/new")
    known.record_failure("https://m.example/old/f")

    urls = ["https://m.example/old/f", "https://m.example/new/f"]
    assert known.sort(urls) == urls[::-1]


class TestDownloads:
    def test_a_broken_source_costs_its_retries_once(self, fetcher: Fetcher, data: bytes) -> None:
        memory = SourceHealth()
        with ScriptedServer({"/f": status(503)}) as bad, serve({"/f": data, "/g": data}) as good:
            for name in ("/f", "/g"):
                options = fetcher.options(good, health=memory, mirrors=(bad.url, good.url))
                assert download([bad.url + name, good.url + name], fetcher.part, options).digest == digest(
                    data
                )
                fetcher.part.unlink()

            assert bad.count("/f") == fetcher.policy.attempts
            assert bad.count("/g") == 0, "the failed source comes after the one that works"

    def test_a_missing_file_does_not_count_as_a_failure(self, fetcher: Fetcher, data: bytes) -> None:
        memory = SourceHealth()
        with serve({"/other": data}) as first, serve({"/f": data}) as second:
            options = fetcher.options(second, health=memory, mirrors=(first.url, second.url))
            download([first.url + "/f", second.url + "/f"], fetcher.part, options)
            order = memory.sort([first.url + "/other", second.url + "/other"])

        assert order[0].startswith(first.url)

    def test_the_digest_of_a_healthy_source_is_checked_too(self, fetcher: Fetcher, data: bytes) -> None:
        memory = SourceHealth()
        with ScriptedServer({"/f": honest(data)}) as right, serve({"/f": data[::-1]}) as wrong:
            memory.record_failure(right.url + "/f")
            options = fetcher.options(right, health=memory, expected=digest(data))
            with pytest.raises(IntegrityError) as caught:
                download([right.url + "/f", wrong.url + "/f"], fetcher.part, options)

        assert caught.value.code == "digest-mismatch"
