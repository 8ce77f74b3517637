"""Which sources failed lately: they are asked last. It changes the order of asking and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from converters.fs.locks import acquire_waiting
from registry.schema.base import Model
from zoo._utils.disk import write_atomically
from zoo._utils.progress import Note, discard_note
from zoo.download.mirrors import display_url, matching_mirror
from zoo.download.urls import HTTP_SCHEMES, origin, redact

RECENT_SECONDS = 600.0
"""A source that failed longer ago than this is as good as any other."""


class SourceState(Model):
    """What is remembered, in ``sources.json`` of the store.

    Attributes:
        version: Version of this format.
        failed: Source to the time of its last failure, in seconds since 1970. No credentials, no paths.
    """

    version: Literal[1] = 1
    failed: Mapping[str, float] = {}


class SourceHealth:
    """The memory of one store, or of one call when there is no store.

    Args:
        path: The file; None remembers nothing beyond this object.
        guard: The lock file for writing it.
        mirrors: Base addresses the user named: each is a source of its own, as is each host.
        clock: Seconds since 1970. It may jump: a failure in the future counts as none.
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
        """The addresses, those of sources that failed lately behind the others, longest ago first.

        Args:
            urls: In order of preference.
            note: Hears when that order is not kept.
        """
        order = sorted(urls, key=lambda url: self._failed_at(self._source(url)))
        if order != list(urls):
            last = self._source(urls[0])
            note(f"{last} failed a short while ago, so it is asked after {self._source(order[0])}")
        return order

    def failed(self, url: str) -> None:
        """Remembers that the source of an address did not answer as it should."""
        self._keep(self._source(url), self._clock())

    def worked(self, url: str) -> None:
        """Forgives the source of an address."""
        if self._source(url) in self._state.failed:
            self._keep(self._source(url), None)

    def _source(self, url: str) -> str:
        mirror = matching_mirror(url, self._mirrors)
        if mirror is not None:
            return display_url(mirror)
        scheme = url.partition("://")[0]
        place = origin(url) if scheme in HTTP_SCHEMES else None
        return f"{place.scheme}://{place.host}:{place.port}" if place else redact(url)

    def _failed_at(self, source: str) -> float:
        at = self._state.failed.get(source, 0.0)
        return at if 0.0 <= self._clock() - at < RECENT_SECONDS else 0.0

    def _keep(self, source: str, at: float | None) -> None:
        # A full disk is no reason to say anything but why the source failed.
        if self._path is None or self._guard is None:
            self._state = self._changed(self._state, source, at)
            return
        with suppress(OSError), acquire_waiting(self._guard, "noting which sources work", discard_note):
            # Others may have written since: theirs stays, save for this one source.
            self._state = self._changed(self._read(), source, at)
            # Not durable: what a loss of power takes back costs a try at a source that does not answer.
            write_atomically(self._path, self._state.model_dump_json(indent=1) + "\n", durable=False)

    def _changed(self, state: SourceState, source: str, at: float | None) -> SourceState:
        kept = {name: when for name, when in state.failed.items() if name != source and self._failed_at(name)}
        return SourceState(failed=kept if at is None else {**kept, source: at})

    def _read(self) -> SourceState:
        try:
            return SourceState.model_validate_json(self._path.read_bytes()) if self._path else SourceState()
        except (FileNotFoundError, ValidationError):
            return SourceState()
