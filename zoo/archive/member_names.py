"""Names of archive members that are safe to create on every file system the tree may be copied to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from registry.schema import Artifact

MAX_PART_BYTES = 255
MAX_NAME_BYTES = 1024
MAX_DEPTH = 16

_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
# Control, format (bidirectional overrides, zero width), surrogate, private use, unassigned, separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FORBIDDEN = {
    "\\": "a backslash",
    ":": "a colon, which names a drive or a stream on Windows",
    "\0": "a NUL character",
}


def safe_path(name: str) -> PurePosixPath:
    """The relative path of a member; ``.`` for the archive's root itself.

    Args:
        name: Name in the archive.

    Raises:
        ValueError: The name leads out of the folder, is misleading, or does not exist on every file system.
    """
    _refuse_characters(name)
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"longer than {MAX_NAME_BYTES} bytes")
    if name.startswith("/"):
        raise ValueError("an absolute path")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} folders deep")
    for part in parts:
        _refuse_part(part)
    return PurePosixPath(*parts)


def collision_key(path: PurePosixPath) -> str:
    """A key that is equal for names that some file system treats as one (case, Unicode normalization)."""
    folded = unicodedata.normalize("NFKC", str(path)).casefold()
    return unicodedata.normalize("NFKC", folded)


class MemberNames:
    """The names of one archive so far; no two may denote the same path."""

    def __init__(self) -> None:
        self._files: dict[str, PurePosixPath] = {}
        self._folders: dict[str, PurePosixPath] = {}

    def add_file(self, path: PurePosixPath) -> None:
        """Add the name of a file.

        Raises:
            ValueError: Another member has the same path, or is a file where a folder is needed.
        """
        key = collision_key(path)
        taken = self._files.get(key) or self._folders.get(key)
        if taken is not None:
            raise ValueError(_collision(path, taken))
        self._add_parents(path)
        self._files[key] = path

    def add_folder(self, path: PurePosixPath) -> None:
        """Add the name of a folder; the same folder may be added repeatedly.

        Raises:
            ValueError: A file has the same path, or a folder that is the same only on some file systems.
        """
        if path.parts:
            self._add_parents(path / "_")

    def _add_parents(self, path: PurePosixPath) -> None:
        for parent in list(path.parents)[:-1]:
            key = collision_key(parent)
            if key in self._files:
                raise ValueError(_collision(parent, self._files[key]))
            known = self._folders.setdefault(key, parent)
            if known != parent:
                raise ValueError(_collision(parent, known))


def _refuse_characters(name: str) -> None:
    for character in name:
        if character in _FORBIDDEN:
            raise ValueError(_FORBIDDEN[character])
        if unicodedata.category(character) in _INVISIBLE:
            raise ValueError(f"an invisible or undefined character ({character!a})")


def _refuse_part(part: str) -> None:
    plain = unicodedata.normalize("NFKC", part)
    if plain == "..":
        raise ValueError("a parent folder (..)")
    if plain in ("", ".") or any(character in plain for character in "/\\:\0"):
        raise ValueError("a part that becomes a path when Unicode normalization is applied")
    if plain.endswith((".", " ")):
        raise ValueError("a trailing dot or space, which Windows drops")
    if _WINDOWS_DEVICE.fullmatch(plain):
        raise ValueError("a device name on Windows")
    if len(part.encode()) > MAX_PART_BYTES:
        raise ValueError(f"a part longer than {MAX_PART_BYTES} bytes")


def _collision(path: PurePosixPath, taken: PurePosixPath) -> str:
    if path == taken:
        return "the name occurs twice in the archive"
    return f"the same path as {str(taken)!r} on some file systems"


def artifact_root(artifact: Artifact, names: Sequence[str]) -> PurePosixPath:
    """The path of the artifact below an unpacked tree.

    A single file is the artifact; in a Lite archive with more files it is the ``.nb`` when there is exactly
    one. Otherwise it is the folder that directly contains the files: archives are packed with and without an
    enclosing folder, and an inference model is always a folder. Metadata files of macOS are ignored.

    Args:
        artifact: The artifact.
        names: Relative paths of the tree's files.

    Returns:
        The path relative to the tree, ``.`` for the tree itself.
    """
    paths = [PurePosixPath(name) for name in names]
    if artifact.container == "file":
        return paths[0]
    paths = [path for path in paths if not _is_macos_metadata(path)] or paths
    if artifact.kind != "inference" and len(paths) == 1:
        return paths[0]
    lite = [path for path in paths if path.suffix == ".nb"]
    if artifact.kind == "lite" and len(lite) == 1:
        return lite[0]
    shared = paths[0].parent if paths else PurePosixPath()
    while any(shared not in path.parents for path in paths):
        shared = shared.parent
    return shared


def _is_macos_metadata(path: PurePosixPath) -> bool:
    return path.parts[0] == "__MACOSX" or path.name.startswith("._") or path.name == ".DS_Store"
