"""Comparison of two inspections, fact by fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from converters.formats.inspection import Inspection, Tensor
from registry.schema.base import Model

# Format-specific facts that affect a runtime; the other details follow from these.
_DETAILS = ("meta_version", "opsets", "ir_version", "version", "kernels", "fp32_operators", "fp16_weights")


class Difference(Model):
    """One fact in which two artifacts differ.

    Attributes:
        fact: Name of the fact, for example ``target`` or ``operators: conv2d``.
        first: Value in the first artifact as text; None where it has none.
        second: Value in the second artifact as text; None where it has none.
    """

    fact: str
    first: str | None
    second: str | None


class Comparison(Model):
    """Result of comparing two artifacts.

    Attributes:
        first: Path of the first artifact.
        second: Path of the second artifact.
        same_bytes: Whether the files are identical byte for byte.
        differences: The facts that differ; bytes without meaning are ignored.
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
    """Compare two inspections.

    Files with equal facts and different canonical digests differ in ``content``.
    """
    differences = (
        [] if first.canonical_sha256 == second.canonical_sha256 else [*_compare_facts(first, second)]
    )
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


def _compare_facts(first: Inspection, second: Inspection) -> Iterator[Difference]:
    names = ("format", "made_by", "target", "precision", "weights_precision", "normalization")
    for name in names:
        yield from _compare_values(name.replace("_", " "), getattr(first, name), getattr(second, name))
    yield from _compare_runtimes(first, second)
    yield from _compare_tensors("input", first.inputs, second.inputs)
    yield from _compare_tensors("output", first.outputs, second.outputs)
    yield from _compare_counts("operators", first.operators, second.operators)
    yield from _compare_counts("fused", first.fused, second.fused)
    for name in _DETAILS:
        yield from _compare_details(name.replace("_", " "), first.details.get(name), second.details.get(name))
    yield from _compare_values("parameters", first.parameters, second.parameters)
    yield from _compare_values("scalars", first.elements, second.elements)
    yield from _compare_values("weights digest", first.weights_sha256, second.weights_sha256)


def _compare_runtimes(first: Inspection, second: Inspection) -> Iterator[Difference]:
    one, two = (item.runtime.model_dump() if item.runtime else {} for item in (first, second))
    for name in ("min_version", "max_version", "abi", "build", "processor"):
        yield from _compare_values(
            f"runtime {name.replace('_', ' ')}", one.get(name) or None, two.get(name) or None
        )


def _compare_tensors(
    fact: str, first: tuple[Tensor, ...], second: tuple[Tensor, ...]
) -> Iterator[Difference]:
    for index in range(max(len(first), len(second))):
        one, two = (format_tensor(side[index]) if index < len(side) else None for side in (first, second))
        yield from _compare_values(f"{fact} {index}", one, two)


def _compare_details(fact: str, first: JsonValue, second: JsonValue) -> Iterator[Difference]:
    if isinstance(first, dict) or isinstance(second, dict):
        yield from _compare_counts(fact, first or {}, second or {})  # type: ignore[arg-type]  # counts, as the readers write them
    else:
        yield from _compare_values(fact, first, second)


def _compare_counts(
    fact: str, first: Mapping[str, object], second: Mapping[str, object]
) -> Iterator[Difference]:
    for key in sorted(first.keys() | second.keys()):
        yield from _compare_values(f"{fact}: {key}", first.get(key), second.get(key))


def _compare_values(fact: str, first: object, second: object) -> Iterator[Difference]:
    if first != second:
        yield Difference(fact=fact, first=_format_value(first), second=_format_value(second))


def _format_value(value: object) -> str | None:
    if value is None:
        return None
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def format_tensor(tensor: Tensor) -> str:
    """Format a tensor as name, extents (``?`` for a dynamic one) and element type."""
    shape = "shape not recorded"
    if tensor.shape is not None:
        shape = f"[{', '.join('?' if extent is None else str(extent) for extent in tensor.shape)}]"
    return f"{tensor.name} {shape}{f' {tensor.dtype}' if tensor.dtype else ''}"
