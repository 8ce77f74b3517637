"""Remembers which sources failed lately, to try them last. It changes the order and nothing else."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from converters.fs.atomic import replace_bytes
from converters.fs.locks import acquire_waiting
from registry.schema.base import Model
from zoo._utils.progress import Note, discard_note
from zoo.download.mirrors import base_url, display_url, matching_mirror
from zoo.download.redaction import redact
from zoo.download.urls import HTTP_SCHEMES, origin

RECENT_SECONDS = 600.0
"""A source that failed longer ago than this counts as healthy."""


class SourceState(Model):
    """Content of ``sources.json`` in the store.

    Attributes:
        version: Version of this format.
        failed: Source to the time of its last failure, in seconds since 1970. No credentials, no tokens.
    """

    version: Literal[1] = 1
    failed: Mapping[str, float] = {}


class SourceHealth:
    """The recent failures known to one store, or to one call when there is no store.

    Args:
        path: The file; None remembers nothing beyond this object.
        guard: The lock file for writing it.
        mirrors: Base addresses the user named: each is a source, as is each host.
        clock: Seconds since 1970. It may jump: a failure in the future is ignored.
    """

    def __init__(
        self,
        path: Path | None = None,
        guard: Path | None = None,
        mirrors: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._guard = guard
        self._mirrors = mirrors
        self._clock = clock
        self._state = self._read()

    def sort(self, urls: Sequence[str], note: Note = discard_note) -> list[str]:
        """The addresses; those of recently failed sources come last, longest ago first.

        Args:
            urls: In order of preference.
            note: Called when the result has another order.
        """
        order = sorted(urls, key=lambda url: self._failed_at(self._key(url)))
        if order != list(urls):
            note(
                f"{self._display(urls[0])} failed a short while ago, "
                f"so {self._display(order[0])} is tried before it"
            )
        return order

    def record_failure(self, url: str) -> None:
        """Remember that the source of an address failed."""
        self._record(self._key(url), self._clock())

    def record_success(self, url: str) -> None:
        """Forget earlier failures of the source of an address."""
        if self._key(url) in self._state.failed:
            self._record(self._key(url), None)

    def _key(self, url: str) -> str:
        """Identifies a source. Mirrors with equal display addresses can differ in a hidden path."""
        mirror, shown = matching_mirror(url, self._mirrors), self._display(url)
        if mirror is None or base_url(mirror) == shown:
            return shown
        return f"{shown}#{hashlib.sha256(base_url(mirror).encode()).hexdigest()[:12]}"

    def _display(self, url: str) -> str:
        mirror = matching_mirror(url, self._mirrors)
        if mirror is not None:
            return display_url(mirror)
        return str(origin(url)) if url.partition("://")[0] in HTTP_SCHEMES else redact(url)

    def _failed_at(self, source: str) -> float:
        at = self._state.failed.get(source, 0.0)
        return at if 0.0 <= self._clock() - at < RECENT_SECONDS else 0.0

    def _record(self, source: str, at: float | None) -> None:
        if self._path is None or self._guard is None:
            self._state = self._updated(self._state, source, at)
            return
        # A full disk must not hide the error of the source.
        with suppress(OSError), acquire_waiting(self._guard, "recording which sources work", discard_note):
            # Another process may have written since: only this source is changed.
            self._state = self._updated(self._read(), source, at)
            # Not durable: what a power loss takes back costs one attempt at a source that does not answer.
            replace_bytes(self._state.model_dump_json(indent=1).encode() + b"\n", self._path, durable=False)

    def _updated(self, state: SourceState, source: str, at: float | None) -> SourceState:
        kept = {name: when for name, when in state.failed.items() if name != source and self._failed_at(name)}
        return SourceState(failed=kept if at is None else {**kept, source: at})

    def _read(self) -> SourceState:
        try:
            return SourceState.model_validate_json(self._path.read_bytes()) if self._path else SourceState()
        except (FileNotFoundError, ValidationError):
            return SourceState()
