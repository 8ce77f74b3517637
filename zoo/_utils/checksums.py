"""Digests of streamed bytes, and the checksums a server states for its file."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import sha256_in
from registry.schema import Digest
from registry.schema.base import Model

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

CHUNK = 1024 * 1024
WORTH_A_THREAD = 4 * CHUNK
"""Size below which a second thread costs more than it saves."""

MOST_PENDING = 16
"""Blocks that may wait to be hashed: a bound on memory."""


class Checksums(Model):
    """Checksums that a server states for the whole file. They detect damage, not manipulation.

    Attributes:
        md5: Hexadecimal, from ``Content-MD5`` (RFC 1864).
        crc32: From ``x-bce-content-crc32``, which Baidu's object store sends.
    """

    md5: str | None = None
    crc32: int | None = None

    @classmethod
    def stated(cls, headers: Mapping[str, str]) -> Checksums:
        """Read the headers of a whole response; a value that is not a checksum counts as absent."""
        try:
            md5 = base64.b64decode(headers.get("Content-MD5", ""), validate=True)
        except (binascii.Error, ValueError):
            md5 = b""
        crc = headers.get("x-bce-content-crc32", "")
        known = crc.isascii() and crc.isdigit() and len(crc) <= 10
        return cls(md5=md5.hex() if len(md5) == 16 else None, crc32=int(crc) if known else None)


class RunningDigest:
    """Running digest of a file, and of the checksums that the server stated.

    Args:
        stated: The server's checksums.
        threaded: Whether a large file is hashed in a second thread, while the caller waits for the network.
    """

    def __init__(self, stated: Checksums | None = None, *, threaded: bool = False) -> None:
        self._threaded = threaded
        self._thread: Executor | None = None
        self._pending: deque[Future[None]] = deque()
        self._stated = stated or Checksums()
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32 = 0
        self.size = 0

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self.size += len(data)
        if not self._threaded or self.size < WORTH_A_THREAD:
            self._hash(data)
            return
        if self._thread is None:
            # Imported here: only large downloads need it.
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1)  # one thread keeps the order
        if len(self._pending) >= MOST_PENDING:
            self._pending.popleft().result()
        self._pending.append(self._thread.submit(self._hash, data))

    def _hash(self, data: bytes) -> None:
        self._sha256.update(data)
        if self._stated.md5 is not None:
            self._md5.update(data)
        if self._stated.crc32 is not None:
            self._crc32 = zlib.crc32(data, self._crc32)

    def _settle(self) -> None:
        while self._pending:
            self._pending.popleft().result()

    def update_from(self, path: Path) -> None:
        """Add the bytes of a file."""
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self.update(chunk)

    @property
    def digest(self) -> Digest:
        """SHA-256 and size of the bytes so far."""
        self._settle()
        return Digest(sha256=self._sha256.hexdigest(), size=self.size)

    def contradiction(self) -> str | None:
        """Describe how the bytes differ from the stated checksums; None when they match."""
        self._settle()
        if self._stated.md5 not in (None, self._md5.hexdigest()):
            return f"MD5 {self._md5.hexdigest()} where the server states {self._stated.md5}"
        if self._stated.crc32 not in (None, self._crc32):
            return f"CRC-32 {self._crc32} where the server states {self._stated.crc32}"
        return None


def digest_of(path: Path) -> Digest:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        return Digest(sha256=sha256_in(file), size=file.tell())
