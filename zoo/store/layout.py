"""Paths below the root of a cache. No other module builds these paths.

CACHEDIR.TAG                                     marks the folder as a cache of this program
artifacts/<name>@<release>/<artifact>-<sha12>/   one published artifact: files/, manifest.json, digests.json
blobs/sha256/<ab>/<digest>                       archives as they were downloaded
built/<key>/                                     one conversion: files/, manifest.json, digests.json
partial/                                         unfinished downloads
quarantine/<time>-<name>/                        refused files, each with the reason
locks/                                           lock files
lock.json                                        digests first seen on this machine
sources.json                                     sources that failed lately
results/<key>-<id>.json .images                  kept measurements
work/ toolchains/ catalogs/ logs/                of the other parts of the program
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.schema import Artifact, Entry
from zoo._utils.cache_names import is_key
from zoo.download import urls


@dataclass(frozen=True)
class Layout:
    """Paths of one cache.

    Attributes:
        root: Its folder.
    """

    root: Path

    @property
    def lock(self) -> Path:
        """Digests first seen on this machine."""
        return self.root / "lock.json"

    @property
    def sources(self) -> Path:
        """Sources that failed lately."""
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
    def partial(self) -> Path:
        """Unfinished downloads."""
        return self.root / "partial"

    @property
    def quarantine(self) -> Path:
        """Refused files."""
        return self.root / "quarantine"

    @property
    def results(self) -> Path:
        """Kept measurements."""
        return self.root / "results"

    def tree(self, entry: Entry, artifact: Artifact, sha256: str) -> Path:
        """The folder of an artifact, one for each digest it ever had."""
        return self.artifacts / entry.id / f"{artifact.id}-{sha256[:12]}"

    def trees_of(self, sha256: str) -> list[Path]:
        """The published folders that were unpacked from an archive."""
        return sorted(self.artifacts.glob(f"*/[!.]*-{sha256[:12]}"))

    def abandoned(self, entry: Entry, artifact: Artifact) -> list[Path]:
        """Temporary folders of an artifact that was never published. Only for the holder of its lock."""
        return sorted((self.artifacts / entry.id).glob(f".{artifact.id}-{'[0-9a-f]' * 12}.tmp"))

    def blob(self, sha256: str) -> Path:
        """An archive as it was downloaded."""
        return self.blobs / sha256[:2] / sha256

    def part(self, url: str) -> Path:
        """The unfinished download of an address."""
        return self.partial / f"{urls.url_key(url)}.part"

    def conversion(self, key: str) -> Path:
        """The folder of a conversion.

        Raises:
            ValueError: The key is not a plain file name.
        """
        if not is_key(key):
            raise ValueError(f"a conversion key must be a plain file name, not {key!r}")
        return self.built / key

    def guard(self, name: str) -> Path:
        """The lock file that guards something."""
        return self.root / "locks" / f"{name}.lock"

    def blob_guard(self, sha256: str) -> Path:
        """The lock file that guards an archive: held while it is unpacked, stored or removed."""
        return self.guard(f"blob-{sha256[:12]}")


def temp_folder(target: Path) -> Path:
    """The folder in which a published folder is prepared.

    Its name is fixed: the holder of the target's lock knows that its owner is dead, and may remove it.
    """
    return target.with_name(f".{target.name}.tmp")


def removal_marker(target: Path) -> Path:
    """The file that announces the removal of a published folder; see :mod:`zoo.store.leases`."""
    return target.with_name(f".{target.name}.leaving")
