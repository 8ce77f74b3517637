"""Suggest entries that have the architecture of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from registry import Entry, Registry
from zoo.local_models.heads import fit_entry


def architecture_hint(weights: Path, entries: Registry) -> str:
    """Suggest entries whose architecture has the parameters of a weights file, by names and shapes.

    If there is none, entries whose number of classes or joints alone differs are suggested.

    Args:
        weights: A training checkpoint.
        entries: The catalog.
    """
    # Imported here: only an error needs the shapes of every architecture.
    from converters.checkpoints import summarize

    shapes = summarize(weights).shapes
    names = _matching_entries(entries, shapes)
    if not names:
        names = _matching_entries([fit_entry(entry, shapes) for entry in entries], shapes)
    if not names:
        return (
            "no entry has the architecture of these weights: export an inference model with the code that "
            "trained them, and convert that model"
        )
    others = f" (or {', '.join(names[1:])}: the same parameters)" if len(names) > 1 else ""
    return f"add --architecture {names[0]}{others}"


def _matching_entries(entries: Iterable[Entry], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    from converters.checkpoints.state_dict_diff import compare_state_dict
    from converters.networks.measured import measurement_of

    matching: dict[str, None] = {}
    for entry in entries:
        measurement = measurement_of(entry.architecture) if entry.architecture is not None else None
        if measurement is not None and compare_state_dict(shapes, measurement.shapes).matches:
            matching[entry.name] = None
    return list(matching)
