"""Conversion outputs: made once for each key, published whole, shared by all callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from converters.fs.atomic import publish_folder, remove, sync
from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError
from registry.schema import Digest
from zoo._utils.cache_names import FILES
from zoo._utils.checksums import digest_of
from zoo._utils.progress import Note
from zoo.store.digest_cache import check_members
from zoo.store.layout import Layout, temp_folder
from zoo.store.leases import clear_removal_mark, mark_used
from zoo.store.manifest import Manifest, damaged, read_manifest
from zoo.store.quarantine import FOLDER, quarantine
from zoo.store.slots import ConversionSlot


def find_built(layout: Layout, key: str, *, reread: bool = False) -> Path | None:
    """The folder with the files of a conversion; None when it is not in the cache.

    Args:
        layout: The cache.
        key: The conversion's key.
        reread: Hash every byte, also of files that have not changed since they were last hashed.

    Raises:
        IntegrityError: ``cache-damaged``.
    """
    folder = layout.conversion(key)
    manifest = read_manifest(folder)
    if manifest is None or not mark_used(folder):
        return None
    check_members(folder, manifest, reread=reread)
    return folder / FILES


@contextmanager
def reserve_conversion(
    layout: Layout, key: str, note: Note, *, reread: bool = False
) -> Iterator[ConversionSlot]:
    """Find a conversion, or reserve its place. Of several callers with one key, one works and others wait.

    Args:
        layout: The cache.
        key: The conversion's key: everything the result depends on.
        note: Receives messages about waits and damage.
        reread: As for ``find_built``.
    """
    target = layout.conversion(key)
    try:
        found = find_built(layout, key, reread=reread)
    except IntegrityError:
        found = None  # checked again below, under the lock
    if found is not None:
        yield ConversionSlot(found)
        return
    with acquire_waiting(layout.guard(f"built-{key}"), f"converting {key}", note):
        clear_removal_mark(target)
        try:
            found = find_built(layout, key, reread=reread)
        except IntegrityError as error:
            moved_to = quarantine(layout, key, error, {FOLDER: target})
            note(f"{error.message}: moved to {moved_to}, converting again")
        if found is not None:
            yield ConversionSlot(found)
        else:
            yield from _reserve(target)


def discard_built(layout: Layout, key: str, note: Note) -> None:
    """Move a conversion to the quarantine, because it was not made from the inputs of its key.

    Args:
        layout: The cache.
        key: The conversion's key.
        note: Receives messages about waits, and about the move.
    """
    target = layout.conversion(key)
    with acquire_waiting(layout.guard(f"built-{key}"), f"converting {key}", note):
        if target.exists():
            error = damaged(target, "a conversion of the present inputs", "a conversion of other inputs")
            moved_to = quarantine(layout, key, error, {FOLDER: target})
            note(f"{target} was made from other inputs: moved to {moved_to}, converting again")


def _reserve(target: Path) -> Iterator[ConversionSlot]:
    temp = temp_folder(target)
    remove(temp)
    (temp / FILES).mkdir(parents=True)

    def publish() -> Path:
        members = _digests(temp / FILES)
        Manifest(origin=None, members=members, published=datetime.now(timezone.utc)).write(temp)
        publish_folder(temp, target)
        return target / FILES

    try:
        yield ConversionSlot(temp / FILES, publish)
    finally:
        remove(temp)


def _digests(folder: Path) -> dict[str, Digest]:
    members = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        sync(path)
        members[path.relative_to(folder).as_posix()] = digest_of(path)
    return members
