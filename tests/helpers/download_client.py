"""What the download tests share: a client whose every pause is recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.helpers.servers import LyingServer
from zoo.download.body import DownloadOptions
from zoo.download.client import Downloaded, download
from zoo.store import RetryPolicy


class Fetcher:
    """Downloads ``/file`` of a scripted server into a fresh folder."""

    def __init__(self, folder: Path, policy: RetryPolicy) -> None:
        self.part = folder / "partial" / "file.part"
        self.policy = policy
        self.notes: list[str] = []
        self.pauses: list[float] = []

    def terms(self, server: LyingServer, **changes: object) -> DownloadOptions:
        policy = replace(self.policy, sleep=self.pauses.append)
        return replace(
            DownloadOptions(mirrors=(server.url,), policy=policy, note=self.notes.append), **changes
        )  # type: ignore[arg-type]

    def get(self, server: LyingServer, path: str = "/file", **changes: object) -> Downloaded:
        return download([server.url + path], self.part, self.terms(server, **changes))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.part.parent.glob("*"))


def impatient(policy: RetryPolicy) -> RetryPolicy:
    """For servers that go quiet: soon is late enough."""
    return replace(policy, read_timeout=0.4, header_timeout=0.5, stall_window=0.2)
