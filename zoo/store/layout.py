"""Where everything lies below the store's root. Nothing else builds these paths.

artifacts/<name>@<release>/<artifact>-<sha12>/   one published artifact: files/ and manifest.json
blobs/sha256/<ab>/<digest>                       archives as they were downloaded
built/<key>/                                     one conversion: files/ and manifest.json
partial/                                         unfinished downloads
quarantine/<time>-<name>/                        what was refused, and why
locks/                                           lock files
lock.json                                        digests first seen on this machine
sources.json                                     which sources failed lately
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from registry.schema import Artifact, Entry
from zoo.download import urls

MANIFEST = "manifest.json"
FILES = "files"
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@+-]{0,199}")


@dataclass(frozen=True)
class Layout:
    """Paths of one store.

    Attributes:
        root: Its folder.
    """

    root: Path

    @property
    def lock(self) -> Path:
        """Digests first seen."""
        return self.root / "lock.json"

    @property
    def sources(self) -> Path:
        """Which sources failed lately."""
        return self.root / "sources.json"

    @property
    def artifacts(self) -> Path:
        """Published artifacts, a folder for each entry."""
        return self.root / "artifacts"

    @property
    def blobs(self) -> Path:
        """Archives by digest."""
        return self.root / "blobs" / "sha256"

    @property
    def built(self) -> Path:
        """Conversions by key."""
        return self.root / "built"

    @property
    def quarantine(self) -> Path:
        """What was refused."""
        return self.root / "quarantine"

    def tree(self, entry: Entry, artifact: Artifact, sha256: str) -> Path:
        """The folder of an artifact, one for each digest it ever had."""
        return self.artifacts / entry.id / f"{artifact.id}-{sha256[:12]}"

    def abandoned(self, entry: Entry, artifact: Artifact) -> list[Path]:
        """Folders in which the artifact grew and never was published. Only for the holder of its lock."""
        return sorted((self.artifacts / entry.id).glob(f".{artifact.id}-{'[0-9a-f]' * 12}.tmp"))

    def blob(self, sha256: str) -> Path:
        """An archive as it was downloaded."""
        return self.blobs / sha256[:2] / sha256

    def part(self, url: str) -> Path:
        """The unfinished download of an address."""
        return self.root / "partial" / f"{urls.url_key(url)}.part"

    def conversion(self, key: str) -> Path:
        """The folder of a conversion.

        Raises:
            ValueError: The key is no plain file name.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"a conversion key must be a plain file name, not {key!r}")
        return self.built / key

    def guard(self, name: str) -> Path:
        """The lock file that guards something."""
        return self.root / "locks" / f"{name}.lock"


def temp_beside(target: Path) -> Path:
    """The folder in which a target grows before it is published.

    Its name is fixed, not random: whoever holds the target's lock knows that what lies there belongs to
    nobody who is still alive, and may clear it away.
    """
    return target.with_name(f".{target.name}.tmp")
