"""Names and content of everything that this program puts into a cache."""

from __future__ import annotations

import re
from pathlib import Path

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
RESULT = re.compile(r"(?P<key>[0-9a-f]{32})-(?P<id>[0-9a-f]{16})\.(json|images)")
"""Name of a file of a kept measurement."""

_QUARANTINED = re.compile(r"\d{8}T\d{6}Z-.{1,250}")


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


def is_result(path: Path) -> bool:
    """Whether a path below ``results/`` belongs to a kept measurement, by its name."""
    return RESULT.fullmatch(path.name) is not None and _is_file(path)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
