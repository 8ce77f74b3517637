"""The source of a conversion: an entry of the catalog, or a local file or folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from converters.choices import TargetFormat
from converters.formats import Kind
from converters.formats.locate import locate_file, locate_in_folder
from converters.planning.plan import SourceKind
from registry import Entry, Registry
from registry.errors import NotFoundError, UsageError
from zoo.local_models.heads import fit_entry

_SOURCE_KINDS: dict[Kind, SourceKind] = {
    Kind.PICKLE: "weights",
    Kind.SAFETENSORS: "weights",
    Kind.PROGRAM: "program",
    Kind.PIR: "pir",
    Kind.ONNX: "onnx",
}


def local_source(source: Path | str, entries: Registry) -> Path | None:
    """Decide whether a source is a file or an entry.

    A ``Path``, and text with a path separator, is a path. Other text is the name of an entry, or else a path
    in the current folder. If it is both, the caller must decide: ``./NAME`` is the path.

    Args:
        source: The source that the user named.
        entries: The catalog.

    Returns:
        The path; None for an entry.

    Raises:
        UsageError: ``ambiguous-source``: an entry and a file have this name.
        NotFoundError: ``source-not-found``, or ``unknown-entry`` with similar names.
    """
    if isinstance(source, str) and not has_separator(source):
        if source in entries:
            require_unambiguous(source)
            return None
        if not os.path.lexists(source) and not Path(source).suffix:
            entries.get(source)
    path = Path(source)
    if path.exists():
        return path
    raise NotFoundError(
        "source-not-found",
        f"{source} does not exist"
        if isinstance(source, Path) or has_separator(source)
        else f"{source} is neither a file nor an entry",
        expected="the name of an entry, or an existing file or folder",
        hint="zoo list shows the entries; check the path with: ls",
    )


def require_unambiguous(name: str) -> None:
    """Reject the name of an entry if the current folder contains a file or folder with this name.

    Args:
        name: Name of an entry.

    Raises:
        UsageError: ``ambiguous-source``.
    """
    if not os.path.lexists(name):
        return
    what = "folder" if Path(name).is_dir() else "file"
    raise UsageError(
        "ambiguous-source",
        f"{name} is an entry of the catalog and a {what} in the current folder",
        expected="the name of an entry, or a path with a separator",
        hint=f"./{name} for the {what}; for the entry, run the command in another folder",
    )


def has_separator(text: str) -> bool:
    """Whether text contains a path separator, so that it is a path in every command."""
    return os.sep in text or (os.altsep is not None and os.altsep in text) or text in {".", "..", "~"}


def source_kind(path: Path, to: TargetFormat) -> SourceKind:
    """Detect what a local source is.

    Args:
        path: File or folder.
        to: Target format, for the hint.

    Raises:
        UsageError: ``not-convertible``.
    """
    found = locate_in_folder(path) if path.is_dir() else locate_file(path)
    if found.kind not in _SOURCE_KINDS:
        raise UsageError(
            "not-convertible",
            f"{path} cannot be converted",
            expected="a checkpoint (.pdparams, .safetensors), an inference model (.pdmodel, .json) or .onnx",
            found=found.kind.value,
            hint=f"unpack it and name the folder: zoo convert FOLDER --to {to}"
            if found.kind in {Kind.TAR, Kind.TAR_GZ, Kind.ZIP}
            else f"zoo inspect {path}",
        )
    return _SOURCE_KINDS[found.kind]


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
