"""Move damaged parts of the cache to the quarantine, so that they can be fetched or converted again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.fs.locks import acquire_waiting
from registry.schema.base import Model
from zoo._utils.cache_names import is_blob
from zoo._utils.progress import Note
from zoo.store.layout import Layout
from zoo.store.manifest import damaged
from zoo.store.quarantine import FOLDER, quarantine
from zoo.store.verify_report import StoreReport


class Repair(Model):
    """What was moved to the quarantine, and what has to be fetched again.

    Attributes:
        artifacts: Names of published artifacts to fetch, ``<entry>@<release>/<artifact>``.
        conversions: Keys of conversions; each is made again when it is next needed.
        archives: Digests of archives that are missing or were moved; their artifacts are in ``artifacts``.
    """

    artifacts: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()


def discard_damaged(layout: Layout, report: StoreReport, note: Note) -> Repair:
    """Move every damaged folder and archive to the quarantine.

    Args:
        layout: The cache.
        report: The result of a verification.
        note: Receives a message for each folder or archive.
    """
    trees, conversions, blobs = _damaged_parts(layout, report.damaged)
    for tree in trees:
        name = _artifact_name(tree)
        with acquire_waiting(layout.guard(f"artifact-{name.replace('/', '-')}"), f"repairing {name}", note):
            _move(layout, name, tree, note)
    for folder in conversions:
        with acquire_waiting(layout.guard(f"built-{folder.name}"), f"repairing {folder.name}", note):
            _move(layout, folder.name, folder, note)
    for blob in blobs:
        trees |= set(layout.trees_of(blob.name))
        with acquire_waiting(layout.blob_guard(blob.name), f"repairing {blob.name[:12]}", note):
            _move(layout, f"archive-{blob.name[:12]}", blob, note)
    return Repair(
        artifacts=tuple(sorted({_artifact_name(tree) for tree in trees})),
        conversions=tuple(sorted(folder.name for folder in conversions)),
        archives=tuple(sorted(blob.name for blob in blobs)),
    )


def _damaged_parts(layout: Layout, paths: Sequence[Path]) -> tuple[set[Path], set[Path], set[Path]]:
    """The artifact folders, conversion folders and archives that the paths belong to."""
    trees, conversions, blobs = set[Path](), set[Path](), set[Path]()
    for path in paths:
        if path.is_relative_to(layout.artifacts):
            parts = path.relative_to(layout.artifacts).parts
            if len(parts) >= 2:
                trees.add(layout.artifacts.joinpath(*parts[:2]))
        elif path.is_relative_to(layout.built):
            conversions.add(layout.built / path.relative_to(layout.built).parts[0])
        elif is_blob(path) or not path.exists():
            blobs.add(path)
    return trees, conversions, blobs


def _artifact_name(tree: Path) -> str:
    return f"{tree.parent.name}/{tree.name.rpartition('-')[0]}"


def _move(layout: Layout, name: str, path: Path, note: Note) -> None:
    if path.exists():
        reason = damaged(path, "the recorded files", "other files")
        moved_to = quarantine(layout, name.replace("/", "-"), reason, {FOLDER: path})
        note(f"{path} is damaged: moved to {moved_to}")
