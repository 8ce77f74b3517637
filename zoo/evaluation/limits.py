"""Limits for the difference of two formats, per kind of layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.choices import FloatPrecision
from registry.schema import Entry

RELATIVE_TOLERANCE = 1e-3
"""Default for raw outputs in FP32, as a fraction of the largest value of the output, but at least of 1.

Rounding alone reaches 2.2e-4: TinyPose on drawn figures, Paddle Inference against ONNX Runtime, on a
processor with
AVX-512. A conversion error is larger: FP16 weights and arithmetic give 1e-1 on the same images."""

PIXEL_TOLERANCE = 0.1
"""Default for points and boxes in FP32, in pixels: a fortieth of a heatmap cell, which is not visible."""

SCORE_TOLERANCE = 1e-3
"""Default for final scores in FP32; scores range from 0 to 1."""

DEFAULT_LIMITS = (
    f"raw outputs {RELATIVE_TOLERANCE:g} of the largest value, points and boxes {PIXEL_TOLERANCE:g} px, "
    f"scores {SCORE_TOLERANCE:g}"
)
"""The default limits in words."""

LimitSource = Literal["catalog", "default"]


@dataclass(frozen=True)
class Limits:
    """Largest allowed differences; None is no limit.

    Attributes:
        raw: Values of raw outputs, absolute.
        raw_relative: Values of raw outputs, as a fraction of the largest value of the output or of 1.
        pixels: Points and boxes, in pixels.
        scores: Final scores.
        source: Where the limits come from; None without limits.
    """

    raw: float | None = None
    raw_relative: float | None = None
    pixels: float | None = None
    scores: float | None = None
    source: LimitSource | None = None

    def raw_limit(self, largest: float, *, index: bool) -> float | None:
        """Limit for a raw output.

        Args:
            largest: Largest absolute value of the output.
            index: Whether the output contains indices; by default none may differ.
        """
        if self.raw_relative is None:
            return self.raw
        return 0.0 if index else self.raw_relative * max(1.0, largest)


UNLIMITED = Limits()

DEFAULTS = Limits(
    raw_relative=RELATIVE_TOLERANCE, pixels=PIXEL_TOLERANCE, scores=SCORE_TOLERANCE, source="default"
)


def select_limits(entry: Entry, precision: FloatPrecision | None) -> Limits:
    """Select the limits of the catalog, or the defaults.

    FP16 has no default limits, and quantized files have none: what they cost is a question of accuracy, not
    of conversion.

    Args:
        entry: The entry.
        precision: Precision whose tolerances apply; None for quantized files.
    """
    for tolerance in entry.tolerances:
        if tolerance.precision == precision:
            return Limits(
                raw=tolerance.max_abs, pixels=tolerance.pixels, scores=tolerance.scores, source="catalog"
            )
    return DEFAULTS if precision == "fp32" else UNLIMITED
