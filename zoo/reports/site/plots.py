"""Charts of rankings: accuracy against latency, numbered like the rows of the table below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.ranking import Ranking
from zoo.reports.charts.scales import HEIGHT, WIDTH, Tick, scale_of

LEFT, RIGHT, TOP, BOTTOM = 46, 18, 18, 46
"""Margins of the canvas for the labels of the axes, in canvas units."""

_NEAR = 11
"""Minimum distance of two marks whose numbers do not overlap."""


@dataclass(frozen=True)
class Dot:
    """One entry.

    Attributes:
        x: Position.
        y: Position.
        number: Row of the table.
        number_y: Baseline of the number.
        on_front: Whether it is on the Pareto front.
        highlighted: Whether the page is about it.
        tooltip: Entry with its values.
        entry: Name and release.
    """

    x: float
    y: float
    number: int
    number_y: float
    on_front: bool
    highlighted: bool
    tooltip: str
    entry: str


@dataclass(frozen=True)
class Plot:
    """A ranking on a canvas.

    Attributes:
        title: Title of the chart.
        y_title: Title of the vertical axis.
        x_ticks: Ticks of the horizontal axis, milliseconds from zero.
        y_ticks: Ticks of the vertical axis, percent.
        dots: The entries in the order of the table.
        front: Path of the Pareto front: the best accuracy within each latency.
        width: Width of the canvas.
        height: Height of the canvas.
        left: Left edge of the plot.
        right: Right edge.
        bottom: Bottom edge.
    """

    title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    front: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def make_plot(ranking: Ranking, *, highlight: str | None = None) -> Plot:
    """Make the chart of a ranking.

    Args:
        ranking: The entries, fastest first.
        highlight: The entry to highlight.
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
                on_front=row.beaten_by is None,
                highlighted=row.entry == highlight,
                tooltip=f"{row.entry}: {row.accuracy:.1f} in {row.milliseconds:.2f} ms",
                entry=row.entry,
            )
        )
    return Plot(
        title=str(ranking.timing),
        y_title=f"{ranking.accuracy.metric}, %",
        x_ticks=tuple(Tick(x.at(value), f"{value:g}") for value in x.ticks),
        y_ticks=tuple(Tick(y.at(value), f"{value:g}") for value in y.ticks),
        dots=tuple(dots),
        front="".join(_front_path(dots)),
    )


def _number_y(at: tuple[float, float], before: list[Dot]) -> float:
    """Put a number above its mark, or below it if the number of another mark is there."""
    above, below = at[1] - 9, at[1] + 18
    taken = any(abs(dot.x - at[0]) < _NEAR and abs(dot.number_y - above) < _NEAR for dot in before)
    return below if taken else above


def _front_path(dots: list[Dot]) -> Iterator[str]:
    best: Dot | None = None
    for dot in (dot for dot in dots if dot.on_front):
        yield f"M{dot.x} {dot.y}" if best is None else f"H{dot.x}V{dot.y}"
        best = dot
