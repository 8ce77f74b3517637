"""Comparison of a checkpoint with the parameters of an architecture, by names and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry.errors import ConversionError
from registry.schema.base import Model

_SHOWN = 5


class ShapeDifference(Model):
    """A parameter whose shape differs from the architecture.

    Attributes:
        name: Parameter name.
        expected: Shape in the architecture.
        found: Shape in the checkpoint.
    """

    name: str
    expected: tuple[int, ...]
    found: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {list(self.found)} instead of {list(self.expected)}"


class Mismatch(Model):
    """All differences between a checkpoint and an architecture, each list sorted by name.

    Attributes:
        missing: Names that only the architecture has.
        unexpected: Names that only the checkpoint has.
        misshaped: Names in both, with different shapes.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[ShapeDifference, ...]

    @property
    def matches(self) -> bool:
        """Whether there is no difference."""
        return not (self.missing or self.unexpected or self.misshaped)

    def describe(self) -> str:
        """Format all three kinds with their counts and the first few names of each."""
        kinds: dict[str, Sequence[object]] = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "with another shape": self.misshaped,
        }
        return "; ".join(f"{len(items)} {kind}{_format_first(items)}" for kind, items in kinds.items())


def compare_state_dict(
    checkpoint_shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> Mismatch:
    """Compare shapes by name; ``()`` and ``(1,)`` are different shapes.

    Args:
        checkpoint_shapes: Shape by parameter name, as `Checkpoint.shapes` or `WeightsSummary.shapes`.
        expected: Shape by parameter name in the architecture.
    """
    return Mismatch(
        missing=tuple(sorted(expected.keys() - checkpoint_shapes.keys())),
        unexpected=tuple(sorted(checkpoint_shapes.keys() - expected.keys())),
        misshaped=tuple(
            ShapeDifference(name=name, expected=tuple(expected[name]), found=tuple(checkpoint_shapes[name]))
            for name in sorted(expected.keys() & checkpoint_shapes.keys())
            if tuple(expected[name]) != tuple(checkpoint_shapes[name])
        ),
    )


def require_match(
    checkpoint_shapes: Mapping[str, tuple[int, ...]],
    expected: Mapping[str, tuple[int, ...]],
    *,
    architecture: str,
    hint: str | None = None,
) -> None:
    """Raise an error unless names and shapes match those of the architecture.

    Args:
        checkpoint_shapes: Shape by parameter name in the checkpoint.
        expected: Shape by parameter name in the architecture.
        architecture: Name of the architecture for the message.
        hint: The next command to type, for example with the name of a matching architecture.

    Raises:
        ConversionError: ``weights-mismatch``, with all missing, unexpected and misshaped names.
    """
    mismatch = compare_state_dict(checkpoint_shapes, expected)
    if not mismatch.matches:
        raise ConversionError(
            "weights-mismatch",
            f"the weights do not match {architecture}: {mismatch.describe()}",
            expected=f"the {len(expected)} parameters of {architecture}",
            found=f"{len(checkpoint_shapes)} parameters",
            done="nothing was loaded",
            hint=hint or "name the architecture of these weights: zoo convert FILE --architecture NAME",
        )


def _format_first(items: Sequence[object]) -> str:
    if not items:
        return ""
    rest = f", … {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return f" ({', '.join(str(item) for item in items[:_SHOWN])}{rest})"
