"""Parity as a matrix: a row a format, a column a layer, in each cell the quantity that is farthest off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from zoo.evaluation.parity import FormatParity, Layer, LayerDifference

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""In the order in which one is computed from the other."""


@dataclass(frozen=True)
class Cell:
    """One layer of one format.

    Attributes:
        state: ``same``, ``differs``, ``measured`` where nobody stated a bound, or ``none`` where there is
            nothing to compare.
        first: Whether it is the first layer that differs.
        words: The difference beside its limit.
        what: Which quantity it is.
    """

    state: Literal["same", "differs", "measured", "none"]
    first: bool = False
    words: str = ""
    what: str = ""


def cells(row: FormatParity) -> tuple[Cell, ...]:
    """The cells of a format, one a layer of ``LAYERS``."""
    return tuple(_cell(row, layer) for layer in LAYERS)


def amount(difference: LayerDifference, value: float) -> str:
    """A value of a difference, with its unit."""
    if difference.unit == "count":
        return f"{value:.0f}"
    digits = f"{value:.1e}" if value and (value < 1e-2 or value >= 1e4) else f"{value:.3g}"
    return digits if difference.unit == "value" else f"{digits} px"


def _cell(row: FormatParity, layer: Layer) -> Cell:
    quantities = [difference for difference in row.layers if difference.layer == layer]
    if not quantities:
        # Outputs that differ in kind leave nothing to measure, and still differ first here.
        return Cell("differs", first=True, words="in kind") if row.first == layer else Cell("none")
    bounded = [difference for difference in quantities if difference.limit is not None]
    worst = max(bounded or quantities, key=_share)
    within = all(difference.within for difference in quantities)
    limit = f" of {amount(worst, worst.limit)}" if worst.limit is not None else ""
    return Cell(
        state="differs" if not within else "same" if bounded else "measured",
        first=row.first == layer,
        words=f"{amount(worst, worst.max_abs)}{limit}",
        what=worst.what,
    )


def _share(difference: LayerDifference) -> float:
    if difference.limit == 0:
        return math.inf if difference.max_abs else 0.0
    return difference.max_abs / (difference.limit or 1.0)
