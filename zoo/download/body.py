"""Taking in the body of a response: onto the disk and into the digest, watching size, speed and content."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from converters.formats.kind import HEAD_BYTES, Kind, describe, sniff
from registry.errors import IntegrityError
from registry.schema import Digest
from zoo._utils.checksums import Fingerprint
from zoo._utils.disk import FULL
from zoo._utils.progress import NoProgress, Note, Progress, discard_note
from zoo.archive.limits import MIB, Limits
from zoo.download.errors import connection_lost, download_stalled
from zoo.download.partial import PartialFile, PartialState
from zoo.download.policy import RetryPolicy
from zoo.download.response import Resume
from zoo.download.source_health import SourceHealth
from zoo.download.urls import file_name, redact

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

SYNC_BYTES = 32 * MIB
SYNC_SECONDS = 2.0
"""When what has arrived is synced: a connection_lost machine costs little more of a download of unknown digest."""

MAX_UNSYNCED_BYTES = 4 * SYNC_BYTES
"""When the network waits for the disk after all."""

_PLACEHOLDER_KINDS = frozenset({Kind.EMPTY, Kind.HTML, Kind.XML, Kind.LFS_POINTER, Kind.GZIP})


@dataclass(frozen=True)
class DownloadOptions:
    """What holds for every try of a download.

    Attributes:
        expected: Digest the file must have; None on first sight.
        mirrors: Base addresses the user named, for credentials and plain http.
        health: Which sources failed lately.
        policy: Patience.
        limits: Generosity.
        progress: The bar.
        note: Hears about retries.
    """

    expected: Digest | None = None
    mirrors: tuple[str, ...] = ()
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
    """The bytes of a file that are here already.

    Attributes:
        state: What is known about the file.
        fingerprint: Digest of the bytes.
    """

    state: PartialState
    fingerprint: Fingerprint

    @property
    def size(self) -> int:
        """How many they are."""
        return self.fingerprint.size

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.size == self.state.total

    @property
    def resume(self) -> Resume:
        """What to ask for next."""
        return Resume(self.size, self.state.total, self.state.etag, self.state.validator)


def receive(
    blocks: Iterable[bytes], url: str, part: PartialFile, partial: PartialContent, options: DownloadOptions
) -> None:
    """Appends a body to a part. Whatever ends it, the part and its state are consistent afterwards.

    Args:
        blocks: The body as it arrives.
        url: Where it comes from, for messages.
        part: Where it goes.
        partial: What is in the part already; updated.
        options: Limits and listeners.

    Raises:
        RetryableError: The body ended early, download_stalled, or went beyond its announced end.
        IntegrityError: ``download-too-large`` or ``unexpected-response``; the part is gone then.
        OSError: The disk refused; the part is gone when the disk is full.
    """
    options.progress.start(partial.state.total, file_name(url))
    options.progress.advance(partial.size)
    try:
        with part.path.open("ab") as file:
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
        f"{redact(url)}: the server sends more than this file can be",
        expected=f"at most {largest} bytes",
        found=found,
        done="broke off, nothing was stored",
        hint="choose another source with --mirror URL",
    )


class _Receiver:
    """One body on its way in."""

    def __init__(
        self, file: BinaryIO, url: str, part: PartialFile, partial: PartialContent, options: DownloadOptions
    ) -> None:
        self._file = file
        self._url = url
        self._part = part
        self._load_partial = partial
        self._terms = options
        # None once it has been looked at; by an earlier try, unless too little had come then.
        self._head = part.path.read_bytes() if partial.size < HEAD_BYTES else None
        self._thread: Executor | None = None
        self._syncing: Future[int] | None = None
        self._synced_at = self._window_from = options.policy.clock()
        self._window_bytes = 0

    def run(self, blocks: Iterable[bytes]) -> None:
        try:
            for block in blocks:
                self._write(block)
                self._check_speed(len(block))
        finally:
            self._sync()
        size, total = self._load_partial.size, self._load_partial.state.total
        if total is not None and size != total:
            raise connection_lost(self._url, f"{size} of {total} bytes")
        self._check_head(last=True)

    def _write(self, block: bytes) -> None:
        size = self._load_partial.size + len(block)
        if size > self._terms.largest:
            raise too_large(self._url, f"{size} bytes and more to come", self._terms.largest)
        self._file.write(block)
        self._load_partial.fingerprint.update(block)
        self._terms.progress.advance(len(block))
        if self._head is not None:
            self._head = (self._head + block)[:HEAD_BYTES]
            self._check_head(last=False)

    def _check_head(self, *, last: bool) -> None:
        """Refuses error pages and pointers as soon as enough has come to tell."""
        if self._head is None or (len(self._head) < HEAD_BYTES and not last):
            return
        kind, head, self._head = sniff(self._head), self._head, None
        expected = self._terms.expected
        if kind not in _PLACEHOLDER_KINDS or (
            kind is Kind.EMPTY and expected is not None and expected.size == 0
        ):
            return
        raise IntegrityError(
            "unexpected-response",
            f"{redact(self._url)}: the server sent {describe(kind)} in place of the file",
            expected="a model, parameters, an archive or a configuration",
            found=ascii(head[:80].decode("latin-1")) if head else "no bytes",
            done="nothing was stored",
            hint="choose another source with --mirror URL",
        )

    def _check_speed(self, count: int) -> None:
        policy, now = self._terms.policy, self._terms.policy.clock()
        self._window_bytes += count
        if now - self._window_from >= policy.stall_window:
            if self._window_bytes < policy.stall_bytes:
                raise download_stalled(
                    self._url, f"{self._window_bytes} bytes in {now - self._window_from:.0f} s"
                )
            self._window_from, self._window_bytes = now, 0
        unsynced = self._load_partial.size - self._load_partial.state.synced
        if self._syncing is not None and (self._syncing.done() or unsynced >= MAX_UNSYNCED_BYTES):
            self._note_synced()
        due = unsynced >= SYNC_BYTES or now - self._synced_at >= SYNC_SECONDS
        if due and self._syncing is None:
            self._start_sync()
            self._synced_at = now

    def _start_sync(self) -> None:
        """Begins a sync that runs while the next bytes come in: neither the disk nor the network waits."""
        if self._thread is None:
            # Imported here: only downloads that take their time need it.
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1)
        self._file.flush()
        self._syncing = self._thread.submit(_synced, self._file.fileno(), self._load_partial.size)

    def _note_synced(self) -> None:
        if self._syncing is not None:
            size = self._syncing.result()
            self._syncing = None
            self._load_partial.state = self._part.keep(self._load_partial.state, size)

    def _sync(self) -> None:
        self._note_synced()
        self._file.flush()
        size = _synced(self._file.fileno(), self._load_partial.size)
        self._load_partial.state = self._part.keep(self._load_partial.state, size)


def _synced(descriptor: int, size: int) -> int:
    os.fsync(descriptor)
    return size
