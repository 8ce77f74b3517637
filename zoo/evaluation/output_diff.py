"""Compare the outputs of two formats element by element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from registry.errors import ConversionError
from registry.schema.base import Model

if TYPE_CHECKING:
    from zoo._utils.arrays import Array


class OutputDifference(Model):
    """Difference of one output between two formats, over all inputs.

    Attributes:
        name: Name of the output in the reference.
        max_abs: Largest absolute difference; for indices, the number of different elements.
        max_value: Largest absolute value in the reference.
        cosine: Cosine similarity of the flattened outputs; 1 if both are all zero.
        index: Whether the output contains indices, for which only equality counts.
    """

    name: str
    max_abs: float = Field(ge=0)
    max_value: float = Field(ge=0)
    cosine: float
    index: bool

    @property
    def relative(self) -> float:
        """``max_abs`` divided by ``max_value``; 0 if both are zero."""
        return self.max_abs / self.max_value if self.max_value else float(self.max_abs > 0)


def compare_outputs(
    reference: Mapping[str, Array], other: Mapping[str, Array]
) -> tuple[OutputDifference, ...]:
    """Compare outputs pairwise in their order: converters rename outputs but keep the order.

    Args:
        reference: Outputs of the reference model.
        other: Outputs of another format for the same inputs.

    Raises:
        ConversionError: ``output-mismatch``: different number, shapes or types of outputs, or values that
            are not finite although those of the reference are.
    """
    if len(reference) != len(other):
        raise kind_mismatch(f"{len(reference)} outputs", f"{len(other)} outputs")
    pairs = zip(reference.items(), other.items(), strict=True)
    return tuple(_compare(name, expected, found) for (name, expected), (_, found) in pairs)


def _compare(name: str, expected: Array, found: Array) -> OutputDifference:
    # Imported here: rendering a comparison does not need numpy.
    import numpy as np

    if expected.shape != found.shape or expected.dtype.kind != found.dtype.kind:
        raise kind_mismatch(f"{name} {expected.shape} {expected.dtype}", f"{found.shape} {found.dtype}")
    if expected.dtype.kind in "iu":
        differing = float(np.count_nonzero(expected != found))
        return OutputDifference(
            name=name, max_abs=differing, max_value=float(expected.size), cosine=1.0, index=True
        )
    left, right = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    if not np.isfinite(right).all():
        raise kind_mismatch(f"{name}: finite values", "NaN or infinity")
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    cosine = float(left @ right) / length if length else float(not left.any() and not right.any())
    return OutputDifference(
        name=name,
        max_abs=float(np.abs(left - right).max(initial=0.0)),
        max_value=float(np.abs(left).max(initial=0.0)),
        cosine=min(1.0, cosine),
        index=False,
    )


def kind_mismatch(expected: str, found: str) -> ConversionError:
    """The error for outputs that cannot be compared element by element."""
    return ConversionError(
        "output-mismatch",
        "the outputs of the converted model do not match those of its source",
        expected=expected,
        found=found,
        hint="convert again with another tool version: zoo convert --help",
    )
