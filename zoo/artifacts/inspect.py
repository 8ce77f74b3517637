"""Inspect an artifact, and the content of an archive; draw its graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from converters.formats import Inspection, inspect, read_dataflow
from converters.provenance.statement import provenance_path
from registry.errors import IntegrityError, ZooError
from registry.schema import Container
from zoo._utils.cache_root import cache_work_directory
from zoo.local_models.config_summary import summarize_config
from zoo.local_models.export_config import find_config, read_export_config


def inspect_path(path: Path, *, cache: Path, keys: Path | None = None) -> Inspection:
    """Inspect an artifact; an archive is unpacked, within the limits for archives, and its content inspected.

    Args:
        path: File or folder.
        cache: The cache, for temporary files.
        keys: Folder of trusted keys, for the signature of the provenance.

    Raises:
        NotFoundError: The path does not exist.
        IntegrityError: It is damaged, or not a valid artifact.
    """
    found = _with_configuration(_with_signer(inspect(path), keys))
    if found.format != "archive":
        return found
    try:
        with _unpacked(found, cache) as folder:
            content = _with_configuration(inspect(folder))
            shown = found.path / content.path.relative_to(folder)
    except ZooError as error:
        warning = f"The content of the archive was not inspected: {error.message}."
        return found.model_copy(update={"warnings": (*found.warnings, warning)})
    return found.model_copy(update={"contents": (content.model_copy(update={"path": shown}),)})


def _with_configuration(found: Inspection) -> Inspection:
    """Add what the configuration next to a model states, or why it cannot be followed."""
    if found.format in ("archive", "config", "params"):
        return found
    try:
        path = find_config(found.path if found.path.is_dir() else found.path.parent)
        if path is None:
            return found
        config = read_export_config(path)
    except ZooError as error:
        reason = f": {error.found}" if error.found else ""
        warning = f"The configuration next to the model cannot be followed: {error.message}{reason}."
        return found.model_copy(update={"warnings": (*found.warnings, warning)})
    return found.model_copy(update={"details": {**found.details, **summarize_config(config)}})


def _with_signer(found: Inspection, keys: Path | None) -> Inspection:
    """Add the signer of the provenance, if a trusted identity signed it."""
    if found.provenance is None or keys is None:
        return found
    # Imported here: few artifacts have a signed provenance.
    from zoo.signing.sign import find_signer, signature_path

    statement = provenance_path(found.path)
    if not signature_path(statement).is_file():
        return found
    signer = find_signer(statement, keys)
    if signer is None:
        warning = "The signature of the provenance is not one of a trusted identity."
        return found.model_copy(update={"warnings": (*found.warnings, warning)})
    provenance = found.provenance.model_copy(update={"signed_by": signer})
    return found.model_copy(update={"provenance": provenance})


def draw_graph(path: Path, form: Literal["svg", "html"], facts: str, *, cache: Path) -> str:
    """Draw the graph of an artifact.

    Args:
        path: File, folder or archive.
        form: ``svg`` for an image, ``html`` for an interactive page.
        facts: Text next to the drawing on a page.
        cache: The cache, for temporary files.

    Raises:
        NotFoundError: The path does not exist.
        UsageError: ``no-graph``: it has none.
        IntegrityError: It is damaged.
        MissingToolError: ``graphviz-missing``.
    """
    # Imported here: only drawing needs it.
    from zoo.graph_svg import draw

    found = inspect(path)
    if found.format != "archive":
        return draw(read_dataflow(path), path.name, facts, form)
    with _unpacked(found, cache) as folder:
        return draw(read_dataflow(folder), path.name, facts, form)


@contextmanager
def _unpacked(found: Inspection, cache: Path) -> Iterator[Path]:
    # Imported here: few artifacts are archives.
    from zoo.archive.extract import extract
    from zoo.archive.limits import Limits

    with cache_work_directory(cache) as folder:
        unpacked = folder / "unpacked"
        try:
            extract(found.path, unpacked, cast("Container", found.details["container"]), Limits())
        except IntegrityError as error:
            error.done, error.hint = "no file of it was kept", "download the archive again from its source"
            raise
        yield unpacked
