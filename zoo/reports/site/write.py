"""Puts the site into a folder, without touching what is not of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from converters.fs.atomic import publish_bytes, writing_to
from registry.errors import UsageError
from registry.schema.base import Model
from zoo.reports.site.render import File

MARK = ".paddle-zoo-site"
"""File that says a folder was written by us, with the paths below it that are ours, one a line."""


class Written(Model):
    """What was written.

    Attributes:
        folder: The site.
        files: Number of files in it.
        removed: Files of an earlier site that this one does not have.
    """

    folder: Path
    files: int
    removed: tuple[str, ...]


def write(files: Iterable[File], folder: Path) -> Written:
    """Writes the files; those that an earlier run wrote and that are no more are removed.

    Args:
        files: The site.
        folder: Where it goes; made when it is missing.

    Raises:
        UsageError: ``folder-in-use``: there is something else in the folder; ``output-not-writable``.
    """
    with writing_to(folder, hint="name another folder"):
        return _write(files, folder)


def _write(files: Iterable[File], folder: Path) -> Written:
    mark = folder / MARK
    if folder.exists() and not mark.is_file() and any(folder.iterdir()):
        raise UsageError(
            "folder-in-use",
            f"{folder} holds other files, and the site would be mixed with them",
            done="nothing was written",
            hint="name a folder that is empty or does not exist",
        )
    before = set(mark.read_text(encoding="utf-8").splitlines()) if mark.is_file() else set()
    pages = list(files)
    now = {file.path for file in pages}
    folder.mkdir(parents=True, exist_ok=True)
    # All names first: should the writing end halfway, the next run still knows what is ours.
    publish_bytes("\n".join(sorted(before | now)).encode(), mark)
    for file in pages:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        publish_bytes(file.content, target)
    gone = sorted(path for path in before - now if _within(folder, path))
    for path in gone:
        (folder / path).unlink(missing_ok=True)
    publish_bytes("\n".join(sorted(now)).encode(), mark)
    return Written(folder=folder, files=len(now), removed=tuple(gone))


def _within(folder: Path, path: str) -> bool:
    # The mark is a file like any other: somebody may have written a way out into it.
    return (folder / path).resolve().is_relative_to(folder.resolve())
