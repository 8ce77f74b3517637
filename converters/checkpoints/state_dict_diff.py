"""Whether a checkpoint has the parameters of a network: names and shapes, all differences at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry.errors import ConversionError
from registry.schema.base import Model

_SHOWN = 5


class ShapeDifference(Model):
    """One parameter that has another shape than the network needs.

    Attributes:
        name: Parameter name.
        expected: Shape in the network.
        found: Shape in the checkpoint.
    """

    name: str
    expected: tuple[int, ...]
    found: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {list(self.found)} instead of {list(self.expected)}"


class Mismatch(Model):
    """Every difference between a checkpoint and a network, each list sorted by name.

    Attributes:
        missing: Names only the network has.
        unexpected: Names only the checkpoint has.
        misshaped: Names both have, with different shapes.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[ShapeDifference, ...]

    @property
    def fits(self) -> bool:
        """Whether there is no difference."""
        return not (self.missing or self.unexpected or self.misshaped)

    def describe(self) -> str:
        """All three kinds with their counts, and the first few of each."""
        kinds: dict[str, Sequence[object]] = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": self.misshaped,
        }
        return "; ".join(f"{len(items)} {kind}{_first(items)}" for kind, items in kinds.items())


def compare_state_dict(
    checkpoint_shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> Mismatch:
    """Compares shapes by name; ``()`` and ``(1,)`` are different shapes.

    Args:
        checkpoint_shapes: Shape by parameter name, as `Checkpoint.shapes` or `WeightsSummary.shapes`.
        expected: Shape by parameter name in the network.
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
    network: str,
    hint: str | None = None,
) -> None:
    """Passes only when names and shapes are the network's.

    Args:
        checkpoint_shapes: Shape by parameter name in the checkpoint.
        expected: Shape by parameter name in the network.
        network: What the message calls the network.
        hint: The next command to type, for example with the name of a network that would fit.

    Raises:
        ConversionError: ``weights-mismatch``, listing missing, unexpected and mis-shaped names together.
    """
    mismatch = compare_state_dict(checkpoint_shapes, expected)
    if not mismatch.fits:
        raise ConversionError(
            "weights-mismatch",
            f"the weights are not those of {network}: {mismatch.describe()}",
            expected=f"the {len(expected)} parameters of {network}",
            found=f"{len(checkpoint_shapes)} parameters",
            done="nothing was loaded",
            hint=hint
            or "name the network these weights were trained for: zoo convert FILE --architecture NAME",
        )


def _first(items: Sequence[object]) -> str:
    if not items:
        return ""
    rest = f", … {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return f" ({', '.join(str(item) for item in items[:_SHOWN])}{rest})"
