"""Describe a checkpoint on disk as an entry: that of its architecture, without figures and files."""

from __future__ import annotations

from pathlib import Path

from registry import Entry, Registry
from registry.errors import UsageError
from zoo.local_models.architectures import architecture_hint
from zoo.local_models.describe import LICENSE, entry_name
from zoo.local_models.heads import fit_entry
from zoo.local_models.options import ModelOptions, option_name
from zoo.local_models.source import RELEASE, LocalSource, LocatedModel


def describe_checkpoint(name: str, weights: Path, options: ModelOptions, registry: Registry) -> LocatedModel:
    """Describe a checkpoint.

    Args:
        name: Path as the user named it.
        weights: The file.
        options: Statements of the user; ``architecture`` names the entry.
        registry: The catalog.

    Raises:
        NotFoundError: No such entry.
        UsageError: ``architecture-required``, ``option-not-applicable``.
    """
    if options.architecture is None:
        raise UsageError(
            "architecture-required",
            f"{name} is a checkpoint, which does not name its architecture",
            expected="the name of an entry with the same architecture",
            hint=architecture_hint(weights, registry),
        )
    for option in ("like", "normalization"):
        if getattr(options, option) is not None:
            raise UsageError(
                "option-not-applicable",
                f"{option_name(option)} applies to models with a graph, and {name} is a checkpoint",
                hint=f"leave out {option_name(option)}",
            )
    base = registry.get(options.architecture)
    local = LocalSource(name=name, path=weights, kind="weights", normalization="host", options=options)
    # Imported here: it loads the readers of checkpoints.
    from converters.checkpoints import summarize

    fitted = fit_entry(
        base,
        summarize(weights).shapes,
        labels=options.labels,
        joints=options.joints,
        sigmas=options.sigmas,
    )
    entry = as_local(fitted, local.stem)
    if options.input_size is not None:
        height, width = options.input_size
        entry = entry.model_copy(
            update={"input": base.input.model_copy(update={"height": height, "width": width})}
        )
    return LocatedModel(entry, local)


def as_local(base: Entry, title: str) -> Entry:
    """Return an entry for another model of the same architecture: without figures, files and notes.

    Args:
        base: Entry with the architecture.
        title: Name for display; the name of the entry is derived from it.
    """
    return base.model_copy(
        update={
            "name": entry_name(title),
            "release": RELEASE,
            "default": True,
            "title": title,
            "accuracy": (),
            "latency": (),
            "complexity": (),
            "training": (),
            "license": LICENSE,
            "artifacts": (),
            "conflicts": (),
            "notes": (),
        }
    )
