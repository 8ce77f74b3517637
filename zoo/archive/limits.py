"""Limits on the size of downloads and of unpacked archives."""

from __future__ import annotations

from dataclasses import dataclass

from registry.schema import Digest

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits that hold for untrusted servers and archives.

    Attributes:
        download_bytes: Largest download of unknown size.
        slack: Bytes by which a download may exceed its known size, so that a replaced file can still be
            downloaded and its digest reported.
        members: Files and folders in one archive.
        unpacked_bytes: Sum of all members' sizes.
        ratio: Unpacked bytes per packed byte; applies from ``ratio_floor`` on.
        ratio_floor: Unpacked bytes below which the ratio is not checked.
    """

    download_bytes: int = 2048 * MIB
    slack: int = 64 * MIB
    members: int = 1000
    unpacked_bytes: int = 4096 * MIB
    ratio: int = 200
    ratio_floor: int = 16 * MIB

    def largest(self, expected: Digest | None) -> int:
        """Bytes after which a download is cut off."""
        return self.download_bytes if expected is None else expected.size + self.slack
