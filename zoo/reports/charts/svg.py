"""SVG charts as positions on a canvas; the templates draw them.

The canvas is as wide as a phone in portrait orientation and scales with the window, so text stays readable.
A color marks a format and a shape marks an entry, so that a chart is readable without telling colors apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zoo.reports.charts.scales import HEIGHT, WIDTH, Scale, Tick, scale_of

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 16, 16, 46
_ROW, _BAR_TOP = 40, 12

SHAPES = ("circle", "square", "diamond", "triangle", "down", "cross")
"""Shapes of the entries; a chart of more entries starts over."""


@dataclass(frozen=True)
class Measurement:
    """One measured format of one entry.

    Attributes:
        series: Number of the entry; it selects the shape.
        color: Number of the color of the format.
        label: Entry and format.
        x: Value on the horizontal axis.
        y: Measured accuracy, percent.
        low: Lower end of its interval; None without an interval.
        high: Upper end.
        reference: Published accuracy, percent; None where none is published.
    """

    series: int
    color: int
    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    reference: float | None = None


@dataclass(frozen=True)
class Duration:
    """Latency of one format of one entry, in milliseconds.

    Attributes:
        label: Entry and format.
        color: Number of the color of the format.
        p50: Median.
        p90: 90th percentile.
    """

    label: str
    color: int
    p50: float
    p90: float


@dataclass(frozen=True)
class Mark:
    """A measurement on the canvas.

    Attributes:
        x: Horizontal position.
        y: Vertical position.
        high: Position of the upper end of its interval; None without an interval.
        low: Position of the lower end.
        path: Outline.
        color: Number of the color of the format.
        tooltip: Entry and format with the values.
    """

    x: float
    y: float
    high: float | None
    low: float | None
    path: str
    color: int
    tooltip: str


@dataclass(frozen=True)
class ReferenceLine:
    """A horizontal line at a published figure."""

    at: float
    label: str


@dataclass(frozen=True)
class Scatter:
    """Accuracy against another quantity; ``label_x`` is where labels of lines have the most space."""

    title: str
    x_title: str
    y_title: str
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[ReferenceLine, ...]
    marks: tuple[Mark, ...]
    label_x: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Bar:
    """Latency of one format: a bar to the median, a line to the 90th percentile."""

    y: float
    end: float
    p90: float
    label: str
    value: str
    color: int


@dataclass(frozen=True)
class Bars:
    """Latency of several formats."""

    left: float
    right: float
    bottom: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    width: int
    height: int


def scatter(
    measurements: Sequence[Measurement], *, title: str, metric: str, x_title: str, from_zero: bool
) -> Scatter | None:
    """Place measured accuracies against another quantity.

    Args:
        measurements: Measurements that may be compared with each other.
        title: Title of the chart.
        metric: Name of the accuracy figure.
        x_title: Title of the horizontal axis.
        from_zero: Whether the horizontal axis starts at zero.

    Returns:
        The chart; None without measurements.
    """
    if not measurements:
        return None
    references = sorted({each.reference for each in measurements if each.reference is not None})
    heights = [
        end for each in measurements for end in (each.y, each.low, each.high) if end is not None
    ] + references
    x = scale_of([each.x for each in measurements], _LEFT, WIDTH - _RIGHT, from_zero=from_zero)
    y = scale_of(heights, HEIGHT - _BOTTOM, _TOP, from_zero=False)
    return Scatter(
        title=title,
        x_title=x_title,
        y_title=f"{metric}, %",
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        x_ticks=_ticks(x),
        y_ticks=_ticks(y),
        lines=tuple(ReferenceLine(y.at(value), f"published {value:.1f}") for value in references),
        marks=tuple(_mark(each, metric, x, y) for each in measurements),
        label_x=_widest_gap([x.at(each.x) for each in measurements]),
    )


def _widest_gap(taken: Sequence[float]) -> float:
    """Find the middle of the widest horizontal stretch without a mark."""
    stops = sorted({_LEFT, WIDTH - _RIGHT, *taken})
    start, end = max(pairwise(stops), key=lambda pair: pair[1] - pair[0])
    return round((start + end) / 2, 2)


def _mark(measurement: Measurement, metric: str, x: Scale, y: Scale) -> Mark:
    left, top = x.at(measurement.x), y.at(measurement.y)
    return Mark(
        x=left,
        y=top,
        high=y.at(measurement.high) if measurement.high is not None else None,
        low=y.at(measurement.low) if measurement.low is not None else None,
        path=outline(SHAPES[measurement.series % len(SHAPES)], left, top, 6),
        color=measurement.color,
        tooltip=f"{measurement.label}: {metric} {measurement.y:.1f} %, {measurement.x:.2f}",
    )


def bars(durations: Sequence[Duration]) -> Bars | None:
    """Place latencies as horizontal bars.

    Args:
        durations: One per bar, from top to bottom.

    Returns:
        The chart; None without durations.
    """
    if not durations:
        return None
    height = _BAR_TOP + _ROW * len(durations) + _BOTTOM
    scale = scale_of([each.p90 for each in durations], 8, WIDTH - 56, from_zero=True)
    return Bars(
        left=8,
        right=WIDTH - 56,
        bottom=height - _BOTTOM,
        ticks=_ticks(scale),
        bars=tuple(
            Bar(
                y=_BAR_TOP + _ROW * number,
                end=scale.at(each.p50),
                p90=scale.at(each.p90),
                label=each.label,
                value=f"{each.p50:.1f} ms",
                color=each.color,
            )
            for number, each in enumerate(durations)
        ),
        width=WIDTH,
        height=height,
    )


def outline(shape: str, x: float, y: float, size: float) -> str:
    """Draw a shape as an SVG path.

    Args:
        shape: One of ``SHAPES``.
        x: Center.
        y: Center.
        size: About half of its width.
    """
    if shape == "circle":
        half = f"a{size:g} {size:g} 0 1 0"
        return f"M{x - size:g} {y:g}{half} {2 * size:g} 0{half} {-2 * size:g} 0z"
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
        "down": ((0, 1.2), (1.15, -0.9), (-1.15, -0.9)),
        "cross": (
            *((-1.1, -0.4), (-0.4, -0.4), (-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4)),
            *((1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4)),
        ),
    }[shape]
    return "M" + "L".join(f"{x + size * dx:.2f} {y + size * dy:.2f}" for dx, dy in corners) + "z"


def _ticks(scale: Scale) -> tuple[Tick, ...]:
    return tuple(Tick(scale.at(value), f"{value:g}") for value in scale.ticks)
