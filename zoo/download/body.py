"""Writes the body of a response to disk and into the digest; checks size, speed and content on the way."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from converters.formats.kind import HEAD_BYTES, Kind, describe, sniff
from converters.fs.atomic import FULL
from registry.errors import IntegrityError
from registry.schema import Digest
from zoo._utils.checksums import RunningDigest
from zoo._utils.progress import NoProgress, Note, Progress, discard_note
from zoo.archive.limits import MIB, Limits
from zoo.download.errors import connection_lost, download_stalled
from zoo.download.partial import PartialFile, PartialState
from zoo.download.policy import RetryPolicy
from zoo.download.redaction import redact
from zoo.download.response import OTHER_SOURCE_HINT, RangeRequest
from zoo.download.source_health import SourceHealth
from zoo.download.urls import file_name

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

SYNC_BYTES = 32 * MIB
SYNC_SECONDS = 2.0
"""Bytes or seconds between two syncs, so that a crash of the machine costs little of a download."""

MAX_UNSYNCED_BYTES = 4 * SYNC_BYTES
"""Unsynced bytes at which the download waits for the disk."""

_PLACEHOLDER_KINDS = frozenset({Kind.EMPTY, Kind.HTML, Kind.XML, Kind.LFS_POINTER, Kind.GZIP})


@dataclass(frozen=True)
class DownloadOptions:
    """Options of a download, equal for all its attempts.

    Attributes:
        expected: Digest the file must have; None for a file that was never downloaded before.
        mirrors: Base addresses the user named, for credentials and plain http.
        named: Addresses of single files the user named, for credentials and plain http.
        health: Which sources failed lately.
        policy: Retry policy and time limits.
        limits: Limits on the size.
        progress: The progress bar.
        note: Called before each retry.
    """

    expected: Digest | None = None
    mirrors: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    health: SourceHealth = field(default_factory=SourceHealth)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    progress: Progress = field(default_factory=NoProgress)
    note: Note = discard_note

    @property
    def largest(self) -> int:
        """Bytes after which the body is cut off."""
        return self.limits.largest(self.expected)


@dataclass
class PartialContent:
    """The bytes of a file received so far.

    Attributes:
        state: What is known about the file.
        fingerprint: Digest of the bytes.
    """

    state: PartialState
    fingerprint: RunningDigest

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.fingerprint.size

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.size == self.state.total

    @property
    def range_request(self) -> RangeRequest:
        """The request for the rest of the file."""
        return RangeRequest(self.size, self.state.total, self.state.etag, self.state.validator)


def receive(
    blocks: Iterable[bytes], url: str, part: PartialFile, partial: PartialContent, options: DownloadOptions
) -> None:
    """Append a body to a partial file. After any error the file and its state are consistent.

    Args:
        blocks: The body as it arrives.
        url: Where it comes from, for messages.
        part: The file.
        partial: The content of the file; updated.
        options: Limits and callbacks.

    Raises:
        RetryableError: The body ended early, stalled, or was longer than announced.
        IntegrityError: ``download-too-large`` or ``unexpected-response``; the file is removed then.
        OSError: The disk refused; the file is removed when the disk is full.
    """
    options.progress.start(partial.state.total, file_name(url))
    options.progress.advance(partial.size)
    try:
        with part.open(os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
            _Receiver(file, url, part, partial, options).run(blocks)
    except IntegrityError:
        part.discard()
        raise
    except OSError as error:
        if error.errno in FULL:
            part.discard()
        raise
    finally:
        options.progress.done()


def too_large(url: str, found: str, largest: int) -> IntegrityError:
    """The error for a body beyond its limit."""
    return IntegrityError(
        "download-too-large",
        f"{redact(url)}: the server sends more bytes than this file can have",
        expected=f"at most {largest} bytes",
        found=found,
        done="the download was aborted and nothing was stored",
        hint=OTHER_SOURCE_HINT,
    )


class _Receiver:
    """Receives one body."""

    def __init__(
        self,
        file: BinaryIO,
        url: str,
        part: PartialFile,
        partial: PartialContent,
        options: DownloadOptions,
    ) -> None:
        self._file = file
        self._url = url
        self._part = part
        self._partial = partial
        self._options = options
        # None after the check; an earlier attempt has made it unless it received too little.
        self._head = part.path.read_bytes() if partial.size < HEAD_BYTES else None
        self._thread: Executor | None = None
        self._syncing: Future[int] | None = None
        self._synced_at = self._window_start = options.policy.clock()
        self._window_bytes = 0

    def run(self, blocks: Iterable[bytes]) -> None:
        try:
            for block in blocks:
                self._write(block)
                self._check_speed(len(block))
        finally:
            self._sync()
        size, total = self._partial.size, self._partial.state.total
        if total is not None and size != total:
            raise connection_lost(self._url, f"{size} of {total} bytes")
        self._check_head(last=True)

    def _write(self, block: bytes) -> None:
        size = self._partial.size + len(block)
        if size > self._options.largest:
            raise too_large(self._url, f"{size} bytes and more to come", self._options.largest)
        self._file.write(block)
        self._partial.fingerprint.update(block)
        self._options.progress.advance(len(block))
        if self._head is not None:
            self._head = (self._head + block)[:HEAD_BYTES]
            self._check_head(last=False)

    def _check_head(self, *, last: bool) -> None:
        """Refuse error pages and pointer files as soon as enough bytes have arrived to recognize them."""
        if self._head is None or (len(self._head) < HEAD_BYTES and not last):
            return
        kind, head, self._head = sniff(self._head), self._head, None
        expected = self._options.expected
        if kind not in _PLACEHOLDER_KINDS:
            return
        if kind is Kind.EMPTY and expected is not None and expected.size == 0:
            return
        raise IntegrityError(
            "unexpected-response",
            f"{redact(self._url)}: the server sent {describe(kind)} instead of the file",
            expected="a model, parameters, an archive or a configuration",
            found=ascii(head[:80].decode("latin-1")) if head else "no bytes",
            done="nothing was stored",
            hint=OTHER_SOURCE_HINT,
        )

    def _check_speed(self, count: int) -> None:
        policy, now = self._options.policy, self._options.policy.clock()
        self._window_bytes += count
        if now - self._window_start >= policy.stall_window:
            if self._window_bytes < policy.stall_bytes:
                found = f"{self._window_bytes} bytes in {now - self._window_start:.0f} s"
                raise download_stalled(self._url, found)
            self._window_start, self._window_bytes = now, 0
        unsynced = self._partial.size - self._partial.state.synced
        if self._syncing is not None and (self._syncing.done() or unsynced >= MAX_UNSYNCED_BYTES):
            self._finish_background_sync()
        due = unsynced >= SYNC_BYTES or now - self._synced_at >= SYNC_SECONDS
        if due and self._syncing is None:
            self._start_background_sync()
            self._synced_at = now

    def _start_background_sync(self) -> None:
        """Start a sync that runs while the next bytes arrive: neither the disk nor the network waits."""
        if self._thread is None:
            # Imported here: only long downloads need it.
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1)
        self._file.flush()
        self._syncing = self._thread.submit(_fsync, self._file.fileno(), self._partial.size)

    def _finish_background_sync(self) -> None:
        if self._syncing is not None:
            size = self._syncing.result()
            self._syncing = None
            self._partial.state = self._part.record_synced(self._partial.state, size)

    def _sync(self) -> None:
        self._finish_background_sync()
        self._file.flush()
        size = _fsync(self._file.fileno(), self._partial.size)
        self._partial.state = self._part.record_synced(self._partial.state, size)


def _fsync(descriptor: int, size: int) -> int:
    os.fsync(descriptor)
    return size
