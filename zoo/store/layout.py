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
work/ toolchains/ catalogs/ logs/                of the other parts of the program
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from registry.schema import Artifact, Entry
from zoo.download import urls

MANIFEST = "manifest.json"
DIGESTS = "digests.json"
FILES = "files"
PUBLISHED = frozenset({MANIFEST, DIGESTS, FILES})
"""The only names in a published folder."""

_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@+-]{0,199}")
_ENTRY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*@[0-9A-Za-z.\-]+")
_TREE = re.compile(r"[a-z0-9][a-z0-9.\-]*-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTIAL = re.compile(r".{1,200}-[0-9a-f]{16}\.part(\.json)?")
_QUARANTINED = re.compile(r"\d{8}T\d{6}Z-.{1,250}")


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
        if not _KEY.fullmatch(key):
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


def is_entry_name(name: str) -> bool:
    """Whether a folder below ``artifacts/`` has a name that this program gives."""
    return _ENTRY.fullmatch(name) is not None


def is_tree_name(name: str) -> bool:
    """Whether a folder of an entry has a name that this program gives."""
    return _TREE.fullmatch(name) is not None


def is_key(name: str) -> bool:
    """Whether a folder below ``built/`` has a name that this program gives."""
    return _KEY.fullmatch(name) is not None


def is_leftover(path: Path) -> bool:
    """Whether a hidden path has the name and the content of what a killed process leaves.

    Args:
        path: A path below ``artifacts/<entry>/`` or ``built/``.
    """
    name, _, suffix = path.name.removeprefix(".").rpartition(".")
    named = is_key(name) if path.parent.name == "built" else is_tree_name(name)
    if not path.name.startswith(".") or not named:
        return False
    if suffix == "leaving":
        return path.is_file() and not path.is_symlink() and path.stat().st_size == 0
    if suffix != "tmp" or path.is_symlink() or not path.is_dir():
        return False
    return all(child.name in PUBLISHED for child in path.iterdir())


def is_blob(path: Path) -> bool:
    """Whether a path below ``blobs/sha256/`` is an archive by its name."""
    return _SHA256.fullmatch(path.name) is not None and path.parent.name == path.name[:2] and _is_file(path)


def is_partial(path: Path) -> bool:
    """Whether a path below ``partial/`` is an unfinished download, or its state, by its name."""
    return _PARTIAL.fullmatch(path.name) is not None and _is_file(path)


def is_quarantined(path: Path) -> bool:
    """Whether a path below ``quarantine/`` is a folder that this program made."""
    named = _QUARANTINED.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()
    return named and ((path / "reason.json").is_file() or not any(path.iterdir()))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
