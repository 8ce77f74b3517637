"""Locate the models of one command, and unpack archives for as long as it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from converters.formats import Kind
from registry import Registry
from registry.errors import IntegrityError
from registry.schema import Container
from zoo._utils.cache_root import cache_work_directory
from zoo.local_models.locate import locate_model
from zoo.local_models.options import ModelOptions
from zoo.local_models.source import LocatedModel

_CONTAINERS: dict[Kind, Container] = {Kind.TAR: "tar", Kind.TAR_GZ: "tar.gz", Kind.ZIP: "zip"}


@contextmanager
def open_models(
    requests: Sequence[tuple[Path | str, ModelOptions]], registry: Registry, *, cache: Path
) -> Iterator[tuple[LocatedModel, ...]]:
    """Locate models; archives are unpacked into a temporary folder that is removed at the end.

    Args:
        requests: Name or path of each model, with the statements about it.
        registry: The catalog.
        cache: The cache, for temporary files.

    Raises:
        ZooError: As for ``locate_model``; ``unsafe-archive`` and ``corrupt-archive``.
    """
    with ExitStack() as stack:

        def unpack(archive: Path, kind: Kind) -> Path:
            return _unpack(archive, kind, stack.enter_context(cache_work_directory(cache)))

        found = [locate_model(source, options, registry, unpack=unpack) for source, options in requests]
        yield _distinguish(found)


def _unpack(archive: Path, kind: Kind, work: Path) -> Path:
    # Imported here: few models are archives.
    from zoo.archive.extract import extract
    from zoo.archive.limits import Limits

    folder = work / "unpacked"
    try:
        extract(archive, folder, _CONTAINERS[kind], Limits())
    except IntegrityError as error:
        error.done, error.hint = "no file of it was kept", "copy or download the archive again"
        raise
    return folder


def _distinguish(models: Sequence[LocatedModel]) -> tuple[LocatedModel, ...]:
    """Number the names of different models on disk that have the same base name."""
    known: dict[str, LocatedModel] = {}
    for model in models:
        named, number = model, 2
        while known.setdefault(named.entry.id, named).local != named.local:
            entry = model.entry.model_copy(update={"name": f"{model.entry.name}_{number}"})
            named, number = replace(model, entry=entry), number + 1
    by_files = {model.local: model for model in known.values() if model.local is not None}
    return tuple(by_files[model.local] if model.local is not None else model for model in models)
