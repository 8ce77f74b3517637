"""A download that is not complete yet: the bytes so far, and beside them what is needed to go on."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import NonNegativeInt, ValidationError

from registry.schema import Digest
from registry.schema.base import Model
from zoo._utils.checksums import Checksums
from zoo._utils.disk import remove, write_atomically


class PartialState(Model):
    """What is known about the file that is being downloaded.

    Attributes:
        url: Where the bytes come from, redact.
        etag: The server's strong entity tag; None where it sent none or a weak one.
        last_modified: The server's date of the file.
        total: Size of the whole file; None until it is known.
        checksums: What the server states about the whole file.
        synced: Bytes that are certainly on disk. Behind it, a loss of power may have left a hole.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: NonNegativeInt | None = None
    checksums: Checksums = Checksums()
    synced: NonNegativeInt = 0

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` can ask for: the entity tag, else the date."""
        return self.etag or self.last_modified


class PartialFile:
    """The two files of an unfinished download.

    Args:
        path: Where the bytes go.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        """Bytes so far."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def load(self, url: str, *, has_digest: bool = False) -> PartialState | None:
        """What is known, or None when there is nothing to go on from.

        Args:
            url: The masked URL that will be asked.
            has_digest: Whether a digest is known. Without one, bytes of another URL are of no use.
        """
        try:
            state = PartialState.model_validate_json(self._state.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if self.size < state.synced:
            return None
        if state.url != url and has_digest:
            # What one source says of its file, another need not say: only the digest tells in the end.
            return PartialState(url=url, total=state.total, synced=state.synced)
        return state if state.url == url else None

    def begin(self, state: PartialState) -> None:
        """Starts over with an empty file."""
        self.path.write_bytes(b"")
        self._save(state)

    def cut(self, size: int) -> None:
        """Drops the bytes behind a position."""
        os.truncate(self.path, size)

    def keep(self, state: PartialState, size: int) -> PartialState:
        """Notes that so many bytes have been synced; returns the state with that in it."""
        kept = state.model_copy(update={"synced": size})
        self._save(kept)
        return kept

    def forget_state(self) -> None:
        """Leaves the bytes where they are, but nothing will go on from them."""
        remove(self._state)

    def discard(self) -> None:
        """Removes both files."""
        remove(self._state)
        remove(self.path)

    def _save(self, state: PartialState) -> None:
        # Not durable: a state that a loss of power tore or took back only costs a part of the download.
        write_atomically(self._state, state.model_dump_json(exclude_none=True), durable=False)


def safe_offset(state: PartialState | None, size: int, expected: Digest | None) -> int:
    """Where a download may go on: 0 means from the beginning.

    With a digest to compare with in the end, any bytes will do: a wrong one is found. Without one, only bytes
    that were synced count, and only if the server can say that the file is still the same.

    Args:
        state: What is known about the part.
        size: Bytes in the part.
        expected: Digest the whole must have.
    """
    if state is None or (state.total is not None and size > state.total):
        return 0
    if expected is not None:
        return size
    return state.synced if state.validator or state.synced == state.total else 0
