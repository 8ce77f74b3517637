"""An incomplete download: the bytes so far, and a state file with what is needed to resume it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from pydantic import NonNegativeInt, ValidationError

from converters.fs.atomic import open_no_follow, remove, replace_bytes
from registry.schema import Digest
from registry.schema.base import Model
from zoo._utils.checksums import Checksums
from zoo.download.redaction import redact, redact_query


class PartialState(Model):
    """What is known about the file that is being downloaded.

    Attributes:
        url: Where the bytes come from, redacted.
        source: Digest of that URL without its query values: a signature may change between two attempts.
        etag: The server's strong entity tag; None where it sent none or a weak one.
        last_modified: The server's date of the file.
        total: Size of the whole file; None until it is known.
        checksums: What the server states about the whole file.
        ranges: Whether the server may serve ranges of the file.
        synced: Bytes that are certainly on disk. Behind them, a power loss may have left a hole.
    """

    url: str
    source: str
    etag: str | None = None
    last_modified: str | None = None
    total: NonNegativeInt | None = None
    checksums: Checksums = Checksums()
    ranges: bool = True
    synced: NonNegativeInt = 0

    @property
    def validator(self) -> str | None:
        """The value for ``If-Range``: the entity tag, else the date."""
        return self.etag or self.last_modified


def source_digest(url: str) -> str:
    """Identifies a URL in a state file. It hides the path, which may hold a token."""
    address, _, query = url.partition("?")
    return hashlib.sha256(f"{address}?{redact_query(query)}".encode()).hexdigest()


class PartialFile:
    """The two files of an incomplete download.

    Args:
        path: The file for the bytes.
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
        """The state, or None when the download cannot be resumed.

        Args:
            url: The URL that will be requested.
            has_digest: Whether a digest is known. Without one, bytes of another URL are useless.
        """
        try:
            state = PartialState.model_validate_json(self._state.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if self.size < state.synced:
            return None
        if state.source == source_digest(url):
            return state
        if not has_digest:
            return None
        # Tags and checksums of one source do not apply to another; the digest decides in the end.
        return PartialState(
            url=redact(url), source=source_digest(url), total=state.total, synced=state.synced
        )

    def start(self, state: PartialState) -> None:
        """Start over with an empty file."""
        # Removed, not truncated: a link to another file may be in its place.
        remove(self.path)
        self.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL).close()
        self._save(state)

    def open(self, flags: int) -> BinaryIO:
        """Open the bytes for writing; a link in their place is refused.

        Args:
            flags: As for ``os.open``.

        Raises:
            OSError: The file is a link, or cannot be written.
        """
        return open_no_follow(self.path, flags)

    def truncate(self, size: int) -> None:
        """Drop the bytes behind a position."""
        with self.open(os.O_WRONLY) as file:
            file.truncate(size)

    def record_synced(self, state: PartialState, size: int) -> PartialState:
        """Record that so many bytes have been synced; returns the updated state."""
        updated = state.model_copy(update={"synced": size})
        self._save(updated)
        return updated

    def remove_state(self) -> None:
        """Remove the state and keep the bytes, so that no later download resumes from them."""
        remove(self._state)

    def discard(self) -> None:
        """Remove both files."""
        remove(self._state)
        remove(self.path)

    def _save(self, state: PartialState) -> None:
        # Not durable: a state file that a power loss damages only costs a part of the download.
        replace_bytes(state.model_dump_json(exclude_none=True).encode(), self._state, durable=False)


def safe_offset(state: PartialState | None, size: int, expected: Digest | None) -> int:
    """The offset at which a download can resume; 0 means from the beginning.

    With a known digest any bytes may be reused, because wrong ones are detected at the end. Without one, only
    synced bytes count, and only if the server can tell whether the file is still the same.

    Args:
        state: What is known about the incomplete download.
        size: Bytes in the file.
        expected: Digest of the whole file.
    """
    if state is None or (state.total is not None and size > state.total):
        return 0
    if not state.ranges and size != state.total:
        return 0
    if expected is not None:
        return size
    return state.synced if state.validator or state.synced == state.total else 0
