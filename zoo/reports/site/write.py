"""Write the site into a folder without changing files that do not belong to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from converters.fs.atomic import publish_bytes, writing_to
from registry.errors import UsageError
from registry.schema.base import Model
from zoo.reports.site.render import File

MARK = ".paddle-zoo-site"
"""File that marks a folder of this program and lists the paths of the site, one per line."""


class WrittenSite(Model):
    """A written site.

    Attributes:
        folder: Folder of the site.
        files: Number of its files.
        removed: Removed files of an earlier site.
    """

    folder: Path
    files: int
    removed: tuple[str, ...]


def write(files: Iterable[File], folder: Path) -> WrittenSite:
    """Write the files and remove those of an earlier run that no longer exist.

    Args:
        files: Files of the site.
        folder: Folder of the site; created if it does not exist.

    Raises:
        UsageError: ``folder-in-use`` if the folder contains other files; ``output-not-writable``.
    """
    with writing_to(folder, hint="name another folder"):
        return _write(files, folder)


def _write(files: Iterable[File], folder: Path) -> WrittenSite:
    mark = folder / MARK
    if folder.exists() and not mark.is_file() and any(folder.iterdir()):
        raise UsageError(
            "folder-in-use",
            f"{folder} contains other files",
            expected="an empty folder, or the folder of an earlier site",
            done="nothing was written",
            hint="name a folder that is empty or does not exist",
        )
    before = set(mark.read_text(encoding="utf-8").splitlines()) if mark.is_file() else set()
    pages = list(files)
    now = {file.path for file in pages}
    folder.mkdir(parents=True, exist_ok=True)
    # Record all names first: after an interrupted run the next one still knows which files are ours.
    publish_bytes("\n".join(sorted(before | now)).encode(), mark)
    for file in pages:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        publish_bytes(file.content, target)
    gone = sorted(path for path in before - now if _within(folder, path))
    for path in gone:
        (folder / path).unlink(missing_ok=True)
    publish_bytes("\n".join(sorted(now)).encode(), mark)
    return WrittenSite(folder=folder, files=len(now), removed=tuple(gone))


def _within(folder: Path, path: str) -> bool:
    # The list is untrusted: it may contain paths outside the folder.
    return (folder / path).resolve().is_relative_to(folder.resolve())
