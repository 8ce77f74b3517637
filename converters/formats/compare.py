"""In what two artifacts differ, fact by fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from converters.formats.inspection import Inspection, Tensor
from registry.schema.base import Model

# Facts of one format that say what a runtime does; the others follow from these.
_DETAILS = ("meta_version", "opsets", "ir_version", "version", "kernels", "fp32_operators", "fp16_weights")


class Difference(Model):
    """One fact in which two artifacts differ.

    Attributes:
        fact: The fact, for example ``target`` or ``operators: conv2d``.
        first: Its value in the first artifact, in words; None where it has none.
        second: Likewise of the second.
    """

    fact: str
    first: str | None
    second: str | None


class Comparison(Model):
    """Two artifacts beside each other.

    Attributes:
        first: Path of the first.
        second: Path of the second.
        same_bytes: Whether the files are identical byte for byte.
        differences: In what they differ; bytes that carry no meaning are no difference.
    """

    first: Path
    second: Path
    same_bytes: bool
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether no fact differs."""
        return not self.differences


def compare(first: Inspection, second: Inspection) -> Comparison:
    """Compares what two inspections found.

    Files that agree in every fact and still hold other bytes differ in ``content``.
    """
    differences = [] if first.canonical_sha256 == second.canonical_sha256 else [*_facts(first, second)]
    if not differences and first.canonical_sha256 != second.canonical_sha256:
        differences = [
            Difference(fact="content", first=first.canonical_sha256, second=second.canonical_sha256)
        ]
    return Comparison(
        first=first.path,
        second=second.path,
        same_bytes=first.sha256 == second.sha256,
        differences=tuple(differences),
    )


def _facts(first: Inspection, second: Inspection) -> Iterator[Difference]:
    names = ("format", "made_by", "target", "precision", "weights_precision", "normalization")
    for name in names:
        yield from _unequal(name.replace("_", " "), getattr(first, name), getattr(second, name))
    yield from _runtime(first, second)
    yield from _tensors("input", first.inputs, second.inputs)
    yield from _tensors("output", first.outputs, second.outputs)
    yield from _counts("operators", first.operators, second.operators)
    yield from _counts("fused", first.fused, second.fused)
    for name in _DETAILS:
        yield from _detail(name.replace("_", " "), first.details.get(name), second.details.get(name))
    yield from _unequal("parameters", first.parameters, second.parameters)
    yield from _unequal("scalars", first.elements, second.elements)
    yield from _unequal("weights digest", first.weights_sha256, second.weights_sha256)


def _runtime(first: Inspection, second: Inspection) -> Iterator[Difference]:
    one, two = (item.runtime.model_dump() if item.runtime else {} for item in (first, second))
    for name in ("min_version", "max_version", "abi", "build", "processor"):
        yield from _unequal(f"runtime {name.replace('_', ' ')}", one.get(name) or None, two.get(name) or None)


def _tensors(what: str, first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> Iterator[Difference]:
    for index in range(max(len(first), len(second))):
        one, two = (format_tensor(side[index]) if index < len(side) else None for side in (first, second))
        yield from _unequal(f"{what} {index}", one, two)


def _detail(what: str, first: JsonValue, second: JsonValue) -> Iterator[Difference]:
    if isinstance(first, dict) or isinstance(second, dict):
        yield from _counts(what, first or {}, second or {})  # type: ignore[arg-type]  # counts, as inspecting writes them
    else:
        yield from _unequal(what, first, second)


def _counts(what: str, first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[Difference]:
    for key in sorted(first.keys() | second.keys()):
        yield from _unequal(f"{what}: {key}", first.get(key), second.get(key))


def _unequal(what: str, first: object, second: object) -> Iterator[Difference]:
    if first != second:
        yield Difference(fact=what, first=_words(first), second=_words(second))


def _words(value: object) -> str | None:
    if value is None:
        return None
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def format_tensor(tensor: Tensor) -> str:
    """A tensor in words: name, extents with ``?`` for open ones, element type."""
    shape = "shape not recorded"
    if tensor.shape is not None:
        shape = f"[{', '.join('?' if extent is None else str(extent) for extent in tensor.shape)}]"
    return f"{tensor.name} {shape}{f' {tensor.dtype}' if tensor.dtype else ''}"
