"""Limits on what an archive may unpack to."""

from __future__ import annotations

from dataclasses import dataclass

from registry.schema import Digest

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a server or an archive may make us store.

    Attributes:
        download_bytes: Largest download of unknown size.
        slack: Bytes a download of known size may be larger than known, so that a replaced file can still be
            downloaded and named by its digest.
        members: Files and folders in one archive.
        unpacked_bytes: Sum of all members' sizes.
        ratio: Unpacked bytes per packed byte; counts from ``ratio_floor`` on.
        ratio_floor: Unpacked bytes below which the ratio does not matter.
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
