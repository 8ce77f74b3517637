"""Verify that the content of an artifact is what the catalog states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from converters.formats import Inspection, inspect
from registry.errors import IntegrityError
from registry.schema import ArtifactKind, Entry, Precision, Target

FORMATS: dict[str, tuple[str, ...]] = {
    "config": ("config",),
    "weights": ("weights", "safetensors"),
    "inference": ("program", "pir"),
    "lite": ("lite",),
    "onnx": ("onnx",),
}
"""Formats that a file of each kind may have, by its bytes."""


class Difference(NamedTuple):
    """One property in which an artifact differs from its catalog line.

    Attributes:
        name: The property.
        expected: Its value in the catalog.
        found: Its value in the bytes.
    """

    name: str
    expected: str
    found: str


class ExpectedArtifact(Protocol):
    """The properties an artifact must have: a line of the catalog, or a requested specification."""

    @property
    def id(self) -> str:
        """Name within the entry."""

    @property
    def kind(self) -> ArtifactKind:
        """Kind of file."""

    @property
    def precision(self) -> Precision | None:
        """Arithmetic precision, for Lite and ONNX."""

    @property
    def target(self) -> Target | None:
        """Processor family, for Lite."""


def verify(entry: Entry, artifact: ExpectedArtifact, path: Path) -> Inspection:
    """Inspect an artifact and compare it with its catalog line.

    Args:
        entry: The entry it belongs to.
        artifact: The properties it must have.
        path: The file, or the folder of an inference model.

    Returns:
        The inspection.

    Raises:
        IntegrityError: ``artifact-mismatch``, or the reader's own error for a torn or foreign file.
    """
    found = inspect(path)
    differences = list(_differences(entry, artifact, found))
    if differences:
        names = ", ".join(difference.name for difference in differences)
        raise IntegrityError(
            "artifact-mismatch",
            f"{entry.id} {artifact.id}: the file differs from its catalog line in {names}",
            expected="; ".join(f"{d.name} {d.expected}" for d in differences),
            found="; ".join(f"{d.name} {d.found}" for d in differences),
        )
    return found


def _differences(entry: Entry, artifact: ExpectedArtifact, found: Inspection) -> Iterator[Difference]:
    formats = FORMATS[artifact.kind]
    if found.format not in formats:
        yield Difference("format", " or ".join(formats), found.format)
        return
    if artifact.kind in ("lite", "onnx") and artifact.precision != found.precision:
        yield Difference("precision", str(artifact.precision), str(found.precision))
    if artifact.kind == "lite" and artifact.target != found.target:
        yield Difference("target", str(artifact.target), str(found.target))
    if artifact.kind in ("inference", "lite", "onnx"):
        yield from _input_difference(entry, found)


def _input_difference(entry: Entry, found: Inspection) -> Iterator[Difference]:
    images = [tensor for tensor in found.inputs if tensor.name == entry.input.name]
    if not images:
        names = ", ".join(tensor.name for tensor in found.inputs) or "none"
        yield Difference("input", entry.input.name, names)
        return
    shape = images[0].shape
    expected = (3, entry.input.height, entry.input.width)
    # An open extent may have any size at run time, and some files record no shape: neither contradicts.
    if shape is None:
        return
    fits = len(shape) == 4 and all(
        extent in (None, size) for extent, size in zip(shape[1:], expected, strict=True)
    )
    if not fits:
        text = "x".join("?" if extent is None else str(extent) for extent in shape)
        yield Difference("input shape", f"?x{'x'.join(map(str, expected))}", text)
