"""How far the outputs of one format lie from those of another, number by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from registry.errors import ConversionError
from registry.schema.base import Model

if TYPE_CHECKING:
    from zoo._utils.arrays import Array


class OutputDifference(Model):
    """One output of two formats, compared over all inputs.

    Attributes:
        name: Name of the output in the reference.
        max_abs: Largest absolute difference; for indices, how many differ.
        max_value: Largest absolute value in the reference.
        cosine: Cosine between the two, both taken as one long vector; 1 where both are all zero.
        index: Whether the output holds indices, for which only equality counts.
    """

    name: str
    max_abs: float = Field(ge=0)
    max_value: float = Field(ge=0)
    cosine: float
    index: bool

    @property
    def relative(self) -> float:
        """``max_abs`` as a share of ``max_value``; 0 where both are zero."""
        return self.max_abs / self.max_value if self.max_value else float(self.max_abs > 0)


def compare_outputs(
    reference: Mapping[str, Array], other: Mapping[str, Array]
) -> tuple[OutputDifference, ...]:
    """Compares outputs by their order: converters rename them and keep the order.

    Args:
        reference: Outputs of the model that is right by definition.
        other: Outputs of another format for the same inputs.

    Raises:
        ConversionError: ``output-mismatch``: another number, shape or kind of outputs, or values that
            are not finite where the reference's are.
    """
    if len(reference) != len(other):
        raise other_kind(f"{len(reference)} outputs", f"{len(other)} outputs")
    pairs = zip(reference.items(), other.items(), strict=True)
    return tuple(_compare(name, expected, found) for (name, expected), (_, found) in pairs)


def _compare(name: str, expected: Array, found: Array) -> OutputDifference:
    # Imported here: whoever only renders a comparison needs no numpy.
    import numpy as np

    if expected.shape != found.shape or expected.dtype.kind != found.dtype.kind:
        raise other_kind(f"{name} {expected.shape} {expected.dtype}", f"{found.shape} {found.dtype}")
    if expected.dtype.kind in "iu":
        differing = float(np.count_nonzero(expected != found))
        return OutputDifference(
            name=name, max_abs=differing, max_value=float(expected.size), cosine=1.0, index=True
        )
    left, right = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    if not np.isfinite(right).all():
        raise other_kind(f"{name}: finite values", "NaN or infinity")
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    cosine = float(left @ right) / length if length else float(not left.any() and not right.any())
    return OutputDifference(
        name=name,
        max_abs=float(np.abs(left - right).max(initial=0.0)),
        max_value=float(np.abs(left).max(initial=0.0)),
        cosine=min(1.0, cosine),
        index=False,
    )


def other_kind(expected: str, found: str) -> ConversionError:
    """The error for outputs that cannot be compared number by number."""
    return ConversionError(
        "output-mismatch",
        "the converted model hands out something else than the one it was made from",
        expected=expected,
        found=found,
        hint="convert it anew, or with another version of the tool: zoo convert --help",
    )
