"""A download client for tests that records every pause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.helpers.servers import ScriptedServer
from tests.helpers.timing import time_factor
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

    def options(self, server: ScriptedServer, **changes: object) -> DownloadOptions:
        policy = replace(self.policy, sleep=self.pauses.append)
        return replace(
            DownloadOptions(mirrors=(server.url,), policy=policy, note=self.notes.append), **changes
        )  # type: ignore[arg-type]

    def get(self, server: ScriptedServer, path: str = "/file", **changes: object) -> Downloaded:
        return download([server.url + path], self.part, self.options(server, **changes))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.part.parent.glob("*"))


def impatient(policy: RetryPolicy) -> RetryPolicy:
    """The policy with short timeouts, for servers that stop sending."""
    # Scaled: a server that answers is slow on a busy machine, and must not count as one that stopped.
    factor = time_factor()
    return replace(policy, read_timeout=0.4 * factor, header_timeout=0.5 * factor, stall_window=0.2 * factor)
