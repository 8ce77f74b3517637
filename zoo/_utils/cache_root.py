"""Whether a folder is a cache of this program: nothing is written, moved or removed in any other folder.

A cache has a ``CACHEDIR.TAG`` (https://bford.info/cachedir/), which also tells backup programs to skip it,
with a line that only this program writes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from converters.fs.atomic import replace_bytes
from converters.fs.ownership import require_trusted_owner
from converters.fs.tempfile_beside import NO_FOLLOW, is_temp_name
from converters.fs.workdir import is_work_name, work_directory
from registry.errors import UsageError
from zoo._utils import cache_names as names
from zoo._utils.disk import translate_os_errors

TAG = "CACHEDIR.TAG"
VERSION = 1
_MARK = "# paddle-zoo cache, version "
_CONTENT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    f"{_MARK}{VERSION}\n"
    "# Everything here can be made again: zoo cache prune removes what is not needed.\n"
    "# See https://bford.info/cachedir/ for the purpose of this file.\n"
)
_LONGEST_TAG = 4096
_NAMES_SHOWN = 3


def check_cache(root: Path) -> bool:
    """Refuse a folder that is not a cache; nothing is written.

    Args:
        root: The folder; it may be missing or empty.

    Returns:
        Whether it has the tag.

    Raises:
        UsageError: ``cache-not-recognized``: it holds other files. ``cache-version-unsupported``.
        IntegrityError: ``owner-untrusted``.
        OSError: It is not a folder, or cannot be read.
    """
    require_trusted_owner(root, "the cache")
    version = _read_version(root / TAG)
    foreign = _foreign_names(root) if version is None else []
    if foreign:
        version = _read_version(root / TAG)  # another process may have claimed it meanwhile
    if version == str(VERSION):
        return True
    if version is not None:
        raise UsageError(
            "cache-version-unsupported",
            f"{root} is a cache of another version of paddle-zoo",
            expected=f"version {VERSION}",
            found=f"version {version[:20]}",
            done="nothing in it was changed",
            hint="choose another folder: ZOO_CACHE=FOLDER",
        )
    if foreign:
        more = f" and {len(foreign) - _NAMES_SHOWN} more" if len(foreign) > _NAMES_SHOWN else ""
        raise UsageError(
            "cache-not-recognized",
            f"{root} is not empty and is not a cache of paddle-zoo",
            expected=f"an empty or new folder, or one with the {TAG} of paddle-zoo",
            found=", ".join(foreign[:_NAMES_SHOWN]) + more,
            done="nothing in it was changed",
            hint="choose another folder: ZOO_CACHE=FOLDER",
        )
    return False


def claim_cache(root: Path) -> None:
    """Make a folder a cache, before the first write to it; errors as for ``check_cache``."""
    if check_cache(root):
        return
    root.mkdir(parents=True, exist_ok=True)
    replace_bytes(_CONTENT.encode(), root / TAG)


@contextmanager
def cache_work_directory(root: Path) -> Iterator[Path]:
    """A fresh private folder in a cache, removed afterwards.

    Args:
        root: The cache.

    Raises:
        ZooError: As for ``check_cache`` and ``work_directory``.
    """
    with translate_os_errors(root):
        claim_cache(root)
    with work_directory(root / "work") as folder:
        yield folder


def _read_version(path: Path) -> str | None:
    """The version in a tag of this program; None when there is no such tag."""
    try:
        handle = os.open(path, os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError:
        if path.is_symlink():  # this program writes no links
            return None
        raise
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
        tag = os.read(handle, _LONGEST_TAG).decode(errors="replace") if regular else ""
    finally:
        os.close(handle)
    return next((line[len(_MARK) :] for line in tag.splitlines() if line.startswith(_MARK)), None)


def _foreign_names(root: Path) -> list[str]:
    """Names in an unmarked folder that this program does not give, at every level it knows."""
    try:
        children = sorted(root.iterdir())
    except FileNotFoundError:
        return []
    foreign = []
    for path in children:
        if path.name == "toolchains" and path.is_symlink() and path.is_dir():
            continue  # shared with another cache: its own names are looked up there, never by a pattern
        if path.name in _FOLDERS and path.is_dir():
            accepted = _FOLDERS[path.name]
            foreign += [
                f"{path.name}/{child.name}" for child in sorted(path.iterdir()) if not accepted(child)
            ]
        elif not (path.name in _JSON_FILES and path.is_file()) and not is_temp_name(path.name):
            foreign.append(path.name)
    return foreign


def _is_entry(path: Path) -> bool:
    if not names.is_entry_name(path.name) or not path.is_dir():
        return False
    return all(_is_published(child, names.is_tree_name) for child in path.iterdir())


def _is_conversion(path: Path) -> bool:
    return _is_published(path, names.is_key)


def _is_published(path: Path, named: Callable[[str], bool]) -> bool:
    if path.name.startswith("."):
        return names.is_leftover(path)
    if not named(path.name) or not path.is_dir():
        return False
    return all(child.name in names.PUBLISHED for child in path.iterdir())


def _is_blob_group(path: Path) -> bool:
    groups = path.iterdir() if path.name == "sha256" and path.is_dir() else []
    return path.name == "sha256" and all(
        group.is_dir() and all(map(names.is_blob, group.iterdir())) for group in groups
    )


def _is_partial(path: Path) -> bool:
    return names.is_partial(path) or is_temp_name(path.name)


def _is_result(path: Path) -> bool:
    return names.is_result(path) or is_temp_name(path.name)


def _is_lock(path: Path) -> bool:
    return path.suffix in (".lock", ".held") and not path.is_dir()


def _is_work(path: Path) -> bool:
    if path.name in ("sweep.lock", "sweep.held"):
        return True
    # A work folder has its lock next to it: a name alone is not enough.
    locked = any(path.with_name(f"{path.name}{suffix}").is_file() for suffix in (".lock", ".held"))
    return is_work_name(path.name) and (locked or _is_lock(path))


def _is_toolchain(path: Path) -> bool:
    if path.name in ("logs", "work") or _is_lock(path) or _is_work(path):
        return True
    return path.is_dir() and _TOOLCHAIN.fullmatch(path.name) is not None


def _is_catalog(path: Path) -> bool:
    return _CATALOG.fullmatch(path.name) is not None


def _is_log(path: Path) -> bool:
    return path.suffix == ".log"


_FOLDERS: Mapping[str, Callable[[Path], bool]] = {
    "artifacts": _is_entry,
    "blobs": _is_blob_group,
    "built": _is_conversion,
    "partial": _is_partial,
    "quarantine": names.is_quarantined,
    "results": _is_result,
    "locks": _is_lock,
    "work": _is_work,
    "toolchains": _is_toolchain,
    "catalogs": _is_catalog,
    "logs": _is_log,
}
_JSON_FILES = frozenset({"lock.json", "sources.json"})
_TOOLCHAIN = re.compile(r"[a-z0-9]+-[0-9][0-9a-z.]*-[a-z]+[0-9]+")
_CATALOG = re.compile(
    r"\.?(index-[0-9a-f]+\.jsonl|(signed-[0-9a-f]{32}|[0-9a-f]{64})\.(yaml|json|lock|held|sig|part)).{0,40}"
)
