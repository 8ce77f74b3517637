"""Plots of rankings: accuracy against latency, numbered as the rows of the table below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.ranking import Ranking
from zoo.reports.charts.scales import HEIGHT, WIDTH, Tick, scale_of

LEFT, RIGHT, TOP, BOTTOM = 46, 18, 18, 46
"""Margins of the canvas, in its units; letters of the axes stand in them."""

_NEAR = 11
"""Marks closer than this would have their numbers written over each other."""


@dataclass(frozen=True)
class Dot:
    """One entry.

    Attributes:
        x: Position.
        y: Position.
        number: Row of the table.
        number_y: Position of the number's foot.
        front: Whether nothing beats it.
        here: Whether the page is about it.
        words: What it is, with its values.
        entry: Name and release.
    """

    x: float
    y: float
    number: int
    number_y: float
    front: bool
    here: bool
    words: str
    entry: str


@dataclass(frozen=True)
class Plot:
    """A ranking on a canvas.

    Attributes:
        title: What it shows.
        up: Title of the vertical axis.
        x_ticks: Ticks of the horizontal axis, milliseconds from zero.
        y_ticks: Ticks of the vertical axis, percent.
        dots: The entries, in the table's order.
        front: Path of the Pareto front: the best accuracy to be had in that time.
        width: Of the canvas.
        height: Of the canvas.
        left: Where the plot begins.
        right: Where it ends.
        bottom: Where it stands.
    """

    title: str
    up: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    front: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def plot_of(ranking: Ranking, *, here: str | None = None) -> Plot:
    """A ranking as a plot.

    Args:
        ranking: The entries, fastest first.
        here: The entry the page is about.
    """
    x = scale_of([row.milliseconds for row in ranking.rows], LEFT, WIDTH - RIGHT, from_zero=True)
    y = scale_of([row.accuracy for row in ranking.rows], HEIGHT - BOTTOM, TOP, from_zero=False)
    dots: list[Dot] = []
    for number, row in enumerate(ranking.rows, start=1):
        at = x.at(row.milliseconds), y.at(row.accuracy)
        dots.append(
            Dot(
                x=at[0],
                y=at[1],
                number=number,
                number_y=_number_y(at, dots),
                front=row.beaten_by is None,
                here=row.entry == here,
                words=f"{row.entry}: {row.accuracy:.1f} in {row.milliseconds:.2f} ms",
                entry=row.entry,
            )
        )
    return Plot(
        title=str(ranking.timing),
        up=f"{ranking.accuracy.metric}, %",
        x_ticks=tuple(Tick(x.at(value), f"{value:g}") for value in x.ticks),
        y_ticks=tuple(Tick(y.at(value), f"{value:g}") for value in y.ticks),
        dots=tuple(dots),
        front="".join(_front(dots)),
    )


def _number_y(at: tuple[float, float], before: list[Dot]) -> float:
    """Above the mark, or below it where a neighbor's number is there already."""
    above, below = at[1] - 9, at[1] + 18
    taken = any(abs(dot.x - at[0]) < _NEAR and abs(dot.number_y - above) < _NEAR for dot in before)
    return below if taken else above


def _front(dots: list[Dot]) -> Iterator[str]:
    best: Dot | None = None
    for dot in (dot for dot in dots if dot.front):
        yield f"M{dot.x} {dot.y}" if best is None else f"H{dot.x}V{dot.y}"
        best = dot
