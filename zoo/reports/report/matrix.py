"""Parity as a matrix: one row per format, one column per layer, with the largest difference in each cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from zoo.evaluation.parity import FormatParity, Layer, LayerDifference

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""Layers in the order in which they are computed."""


@dataclass(frozen=True)
class Cell:
    """One layer of one format.

    Attributes:
        state: ``same``, ``differs``, ``measured`` without a limit, or ``none`` without anything to compare.
        first: Whether it is the first layer that differs.
        text: The difference and its limit.
        quantity: The quantity.
    """

    state: Literal["same", "differs", "measured", "none"]
    first: bool = False
    text: str = ""
    quantity: str = ""


def cells(row: FormatParity) -> tuple[Cell, ...]:
    """Make the cells of a format, one per layer of ``LAYERS``."""
    return tuple(_cell(row, layer) for layer in LAYERS)


def amount(difference: LayerDifference, value: float) -> str:
    """Format a value of a difference with its unit."""
    if difference.unit == "count":
        return f"{value:.0f}"
    digits = f"{value:.1e}" if value and (value < 1e-2 or value >= 1e4) else f"{value:.3g}"
    return digits if difference.unit == "value" else f"{digits} px"


def _cell(row: FormatParity, layer: Layer) -> Cell:
    quantities = [difference for difference in row.layers if difference.layer == layer]
    if not quantities:
        # Outputs of a different kind cannot be measured, but this is the first layer that differs.
        return Cell("differs", first=True, text="in kind") if row.first_layer == layer else Cell("none")
    bounded = [difference for difference in quantities if difference.limit is not None]
    worst = max(bounded or quantities, key=_share)
    within = all(difference.within_limit for difference in quantities)
    limit = f" of {amount(worst, worst.limit)}" if worst.limit is not None else ""
    return Cell(
        state="differs" if not within else "same" if bounded else "measured",
        first=row.first_layer == layer,
        text=f"{amount(worst, worst.max_abs)}{limit}",
        quantity=worst.quantity,
    )


def _share(difference: LayerDifference) -> float:
    if difference.limit == 0:
        return math.inf if difference.max_abs else 0.0
    return difference.max_abs / (difference.limit or 1.0)
