"""The memory of failed sources: it orders, it forgets, it survives a jumping clock and a torn file."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import IntegrityError
from tests.helpers.download_client import Fetcher
from tests.helpers.sample_archives import digest
from tests.helpers.servers import LyingServer, honest, serve, status
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


def test_a_source_that_failed_is_asked_last_by_the_next_process_too(tmp_path: Path) -> None:
    clock, notes = Clock(), []
    health(tmp_path, clock).failed(A)

    assert health(tmp_path, clock).sort([A, B, C], notes.append) == [B, C, A]
    assert len(notes) == 1
    assert "https://a.example:443 failed a short while ago" in notes[0]


def test_the_one_that_failed_longest_ago_is_asked_first_when_all_failed(tmp_path: Path) -> None:
    clock = Clock()
    for url in (B, A, C):
        clock.now += 1
        health(tmp_path, clock).failed(url)

    assert health(tmp_path, clock).sort([A, B, C]) == [B, A, C]


def test_a_failure_is_forgotten_after_a_while_and_forgiven_by_a_success(tmp_path: Path) -> None:
    clock = Clock()
    health(tmp_path, clock).failed(A)
    health(tmp_path, clock).failed(B)
    health(tmp_path, clock).worked(A)
    assert health(tmp_path, clock).sort([B, A]) == [A, B]

    clock.now += RECENT_SECONDS

    assert health(tmp_path, clock).sort([B, A]) == [B, A]


def test_a_clock_that_was_set_back_makes_no_failure_last_longer(tmp_path: Path) -> None:
    clock = Clock()
    health(tmp_path, clock).failed(A)
    clock.now -= 86_400 * 365

    assert health(tmp_path, clock).sort([A, B]) == [A, B]


def test_a_torn_file_is_no_memory_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_text('{"version": 1, "fai')
    clock = Clock()

    assert health(tmp_path, clock).sort([A, B]) == [A, B]
    health(tmp_path, clock).failed(A)
    assert health(tmp_path, clock).sort([A, B]) == [B, A]


def test_neither_credentials_nor_paths_are_written_down(tmp_path: Path) -> None:
    mirror = "https://me:s3cr3t@m.example/base"
    told = health(tmp_path, Clock(), mirror)
    told.failed("https://m.example/base/f?token=hush")
    told.failed("https://h.example/f?token=hush")

    text = (tmp_path / "sources.json").read_text()
    assert "https://m.example/base/" in text
    assert "https://h.example:443" in text
    assert not any(secret in text for secret in ("s3cr3t", "hush", "me:"))


def test_two_folders_on_one_server_are_two_sources(tmp_path: Path) -> None:
    told = health(tmp_path, Clock(), "https://m.example/old", "https://m.example/new")
    told.failed("https://m.example/old/f")

    urls = ["https://m.example/old/f", "https://m.example/new/f"]
    assert told.sort(urls) == urls[::-1]


class TestDownloads:
    def test_a_broken_source_costs_its_retries_once(self, fetcher: Fetcher, data: bytes) -> None:
        memory = SourceHealth()
        with LyingServer({"/f": status(503)}) as bad, serve({"/f": data, "/g": data}) as good:
            for name in ("/f", "/g"):
                options = fetcher.options(good, health=memory, mirrors=(bad.url, good.url))
                assert download([bad.url + name, good.url + name], fetcher.part, options).digest == digest(
                    data
                )
                fetcher.part.unlink()

            assert bad.count("/f") == fetcher.policy.attempts
            assert bad.count("/g") == 0, "its turn would have come after the one that works"

    def test_a_server_without_the_file_is_not_blamed(self, fetcher: Fetcher, data: bytes) -> None:
        memory = SourceHealth()
        with serve({"/other": data}) as first, serve({"/f": data}) as second:
            options = fetcher.options(second, health=memory, mirrors=(first.url, second.url))
            download([first.url + "/f", second.url + "/f"], fetcher.part, options)
            order = memory.sort([first.url + "/other", second.url + "/other"])

        assert order[0].startswith(first.url)

    def test_the_healthy_source_is_held_to_the_digest_like_any_other(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        memory = SourceHealth()
        with LyingServer({"/f": honest(data)}) as right, serve({"/f": data[::-1]}) as wrong:
            memory.failed(right.url + "/f")
            options = fetcher.options(right, health=memory, expected=digest(data))
            with pytest.raises(IntegrityError) as caught:
                download([right.url + "/f", wrong.url + "/f"], fetcher.part, options)

        assert caught.value.code == "digest-mismatch"
