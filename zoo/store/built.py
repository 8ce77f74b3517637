"""Conversion outputs: made once for each key, published whole, reused by everyone who asks for the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError
from registry.schema import Digest
from zoo._utils.checksums import digest_of
from zoo._utils.disk import publish, remove, sync
from zoo._utils.progress import Note
from zoo.store.layout import FILES, Layout, temp_beside
from zoo.store.leases import clear_removal_mark, mark_used
from zoo.store.manifest import Manifest, check_sizes, read_manifest
from zoo.store.quarantine import FOLDER, put_aside

Make = Callable[[Path], None]
"""Fills an empty folder with files. Whatever it raises reaches the caller, and the folder is gone."""


def find_built(layout: Layout, key: str) -> Path | None:
    """The folder with the files of a conversion, None when it was not made yet.

    Raises:
        IntegrityError: ``store-damaged``.
    """
    folder = layout.conversion(key)
    manifest = read_manifest(folder)
    if manifest is None or not mark_used(folder):
        return None
    check_sizes(folder, manifest)
    return folder / FILES


def build(layout: Layout, key: str, make: Make, note: Note) -> Path:
    """Finds a conversion, or makes it. Of several that ask for the same key one works, the others wait.

    Args:
        layout: The store.
        key: The conversion's key: everything the result depends on.
        make: Does the work.
        note: Hears about waits and damage.
    """
    target = layout.conversion(key)
    try:
        found = find_built(layout, key)
    except IntegrityError:
        found = None  # looked at again, and acted upon, by whoever holds the lock
    if found is not None:
        return found
    with acquire_waiting(layout.guard(f"built-{key}"), f"converting {key}", note):
        clear_removal_mark(target)
        try:
            found = find_built(layout, key)
        except IntegrityError as error:
            place = put_aside(layout, key, error, {FOLDER: target})
            note(f"{error.message}: moved to {place}, converting again")
        if found is not None:
            return found
        _make(target, make)
    return target / FILES


def _make(target: Path, make: Make) -> None:
    temp = temp_beside(target)
    remove(temp)
    (temp / FILES).mkdir(parents=True)
    try:
        make(temp / FILES)
        members = _digests(temp / FILES)
        Manifest(origin=None, members=members, published=datetime.now(timezone.utc)).write(temp)
        publish(temp, target)
    finally:
        remove(temp)


def _digests(folder: Path) -> dict[str, Digest]:
    members = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        sync(path)
        members[path.relative_to(folder).as_posix()] = digest_of(path)
    return members
