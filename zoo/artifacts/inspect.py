"""``zoo inspect``: one artifact, with what an archive holds, or two beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from converters.formats import Inspection, inspect, read_dataflow
from converters.fs.workdir import work_directory
from registry.errors import IntegrityError, ZooError
from registry.schema import Container


def inspect_path(path: Path, *, work: Path) -> Inspection:
    """What an artifact is; an archive is unpacked, within the store's bounds, and looked into as well.

    Args:
        path: File or folder.
        work: Folder for work in progress.

    Raises:
        NotFoundError: Nothing is there.
        IntegrityError: It is torn, or something that only poses as an artifact.
    """
    found = inspect(path)
    if found.format != "archive":
        return found
    try:
        with _unpacked(found, work) as folder:
            held = inspect(folder)
            shown = found.path / held.path.relative_to(folder)
    except ZooError as error:
        doubt = f"What it holds was not looked into: {error.message}."
        return found.model_copy(update={"warnings": (*found.warnings, doubt)})
    return found.model_copy(update={"contents": (held.model_copy(update={"path": shown}),)})


def draw_graph(path: Path, form: Literal["svg", "html"], facts: str, *, work: Path) -> str:
    """The network in an artifact as a drawing.

    Args:
        path: File, folder or archive.
        form: ``svg`` for an image, ``html`` for a page to walk through it.
        facts: What stands beside the drawing on a page.
        work: Folder for work in progress.

    Raises:
        NotFoundError: Nothing is there.
        UsageError: ``no-graph``: it holds none.
        IntegrityError: It is damaged.
        MissingToolError: ``graphviz-missing``.
    """
    # Imported here: only drawing needs it.
    from zoo.graph_svg import draw

    found = inspect(path)
    if found.format != "archive":
        return draw(read_dataflow(path), path.name, facts, form)
    with _unpacked(found, work) as folder:
        return draw(read_dataflow(folder), path.name, facts, form)


@contextmanager
def _unpacked(found: Inspection, work: Path) -> Iterator[Path]:
    # Imported here: few artifacts are archives.
    from zoo.archive.extract import extract
    from zoo.archive.limits import Limits

    with work_directory(work) as folder:
        unpacked = folder / "unpacked"
        try:
            extract(found.path, unpacked, cast("Container", found.details["container"]), Limits())
        except IntegrityError as error:
            error.done, error.hint = "nothing of it was kept", "get the archive anew, from where it was made"
            raise
        yield unpacked
