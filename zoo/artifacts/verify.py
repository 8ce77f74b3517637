"""Whether an artifact is what the catalog calls it: looked into, never believed."""

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
"""What each kind of artifact may be, by its bytes."""


class Difference(NamedTuple):
    """One point in which an artifact is not what it is called.

    Attributes:
        what: The property.
        expected: Its value in the catalog.
        found: Its value in the bytes.
    """

    what: str
    expected: str
    found: str


class ExpectedArtifact(Protocol):
    """What an artifact is called: a line of the catalog, or what somebody asked for."""

    @property
    def id(self) -> str:
        """Name within the entry."""

    @property
    def kind(self) -> ArtifactKind:
        """What it is."""

    @property
    def precision(self) -> Precision | None:
        """Arithmetic precision, for Lite and ONNX."""

    @property
    def target(self) -> Target | None:
        """Processor family, for Lite."""


def verify(entry: Entry, artifact: ExpectedArtifact, path: Path) -> Inspection:
    """Looks into an artifact and compares it with its catalog line.

    Args:
        entry: The entry it belongs to.
        artifact: What it is called.
        path: The file, or the folder of an inference model.

    Returns:
        What the bytes are.

    Raises:
        IntegrityError: ``artifact-mismatch``, or the reader's own error for a torn or foreign file.
    """
    found = inspect(path)
    differences = list(_differences(entry, artifact, found))
    if differences:
        words = ", ".join(difference.what for difference in differences)
        raise IntegrityError(
            "artifact-mismatch",
            f"{entry.id} {artifact.id}: the file differs from its name in {words}",
            expected="; ".join(f"{d.what} {d.expected}" for d in differences),
            found="; ".join(f"{d.what} {d.found}" for d in differences),
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
    wanted = (3, entry.input.height, entry.input.width)
    # An open extent may be anything at run time, and some files record no shape: neither contradicts.
    if shape is None:
        return
    fits = len(shape) == 4 and all(have in (None, want) for have, want in zip(shape[1:], wanted, strict=True))
    if not fits:
        text = "x".join("?" if extent is None else str(extent) for extent in shape)
        yield Difference("input shape", f"?x{'x'.join(map(str, wanted))}", text)
