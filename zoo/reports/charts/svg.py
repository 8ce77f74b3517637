"""Plots as positions on a canvas; the template draws them.

The canvas is as wide as a phone held upright and grows with the window, so its letters never get too small.
A color stands for a format and a shape for an entry: nobody has to tell colors apart to read a plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from zoo.artifacts.formats import ROWS
from zoo.reports.charts.scales import HEIGHT, WIDTH, Scale, Tick, scale_of
from zoo.reports.report.result import EntryReport, FormatReport

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 16, 16, 46
_ROW, _BAR_TOP = 40, 12

SHAPES = ("circle", "square", "diamond", "triangle", "down", "cross")
"""One an entry, in turn."""

Reach: TypeAlias = Callable[[FormatReport], float | None]


@dataclass(frozen=True)
class Mark:
    """One format of one entry.

    Attributes:
        x: Position.
        y: Position.
        high: Position of the upper end of its interval; None without one.
        low: Position of the lower end.
        path: Outline.
        color: Number of its format.
        words: What it is, with its values.
    """

    x: float
    y: float
    high: float | None
    low: float | None
    path: str
    color: int
    words: str


@dataclass(frozen=True)
class Level:
    """A horizontal line at a published figure."""

    at: float
    label: str


@dataclass(frozen=True)
class Scatter:
    """Accuracy against something; ``quiet`` is where across it there is most room for letters."""

    title: str
    across: str
    up: str
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    levels: tuple[Level, ...]
    marks: tuple[Mark, ...]
    quiet: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Bar:
    """Times of one format: a bar to the median, a line on to the 90th percentile."""

    y: float
    end: float
    p90: float
    label: str
    value: str
    color: int


@dataclass(frozen=True)
class Bars:
    """Latency of every format."""

    left: float
    right: float
    bottom: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    width: int
    height: int


def color_of(name: str) -> int:
    """Number of a format's color."""
    return ROWS.index(name)


def scatter(
    entries: Sequence[EntryReport], title: str, across: str, reach: Reach, *, from_zero: bool
) -> Scatter | None:
    """Measured accuracy of every format against something; None where nothing was measured.

    Args:
        entries: Entries whose figures may be compared.
        title: What it shows.
        across: Title of the horizontal axis.
        reach: The horizontal value of a format, if it has one.
        from_zero: Whether the horizontal axis starts at zero.
    """
    measured = [
        (number, report, row)
        for number, report in enumerate(entries)
        for row in report.formats
        if row.validation and row.validation.verdict.measured is not None and reach(row) is not None
    ]
    if not measured:
        return None
    verdicts = [row.validation.verdict for _, _, row in measured if row.validation]
    values = [verdict.published for verdict in verdicts]
    for verdict in verdicts:
        values += [end for end in (verdict.measured, verdict.low, verdict.high) if end is not None]
    x = scale_of([reach(row) or 0.0 for _, _, row in measured], _LEFT, WIDTH - _RIGHT, from_zero=from_zero)
    y = scale_of(values, HEIGHT - _BOTTOM, _TOP, from_zero=False)
    metric = verdicts[0].metric
    return Scatter(
        title=title,
        across=across,
        up=f"{metric}, %",
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        x_ticks=_ticks(x),
        y_ticks=_ticks(y),
        levels=tuple(
            Level(y.at(value), f"published {value:.1f}")
            for value in sorted({verdict.published for verdict in verdicts})
        ),
        marks=tuple(
            _mark(SHAPES[number % len(SHAPES)], report, row, (x, y), reach)
            for number, report, row in measured
        ),
        quiet=_widest_gap([x.at(reach(row) or 0.0) for _, _, row in measured]),
    )


def _widest_gap(taken: Sequence[float]) -> float:
    """Middle of the widest stretch of the plot that no mark is in."""
    stops = sorted({_LEFT, WIDTH - _RIGHT, *taken})
    start, end = max(pairwise(stops), key=lambda pair: pair[1] - pair[0])
    return round((start + end) / 2, 2)


def _mark(
    shape: str, report: EntryReport, row: FormatReport, scales: tuple[Scale, Scale], reach: Reach
) -> Mark:
    assert row.validation is not None
    x, y = scales
    verdict = row.validation.verdict
    across, up = reach(row) or 0.0, verdict.measured or 0.0
    left, top = x.at(across), y.at(up)
    return Mark(
        x=left,
        y=top,
        high=y.at(verdict.high) if verdict.high is not None else None,
        low=y.at(verdict.low) if verdict.low is not None else None,
        path=outline(shape, left, top, 6),
        color=color_of(row.format),
        words=f"{report.entry.id}, {row.format}: {verdict.metric} {up:.1f} %, {across:.2f}",
    )


def bars(entries: Sequence[EntryReport]) -> Bars | None:
    """Latency of the network alone, of every format that was timed; None where none was."""
    timed = [
        (report, row, row.network.summary)
        for report in entries
        for row in report.formats
        if row.network and row.network.summary
    ]
    if not timed:
        return None
    height = _BAR_TOP + _ROW * len(timed) + _BOTTOM
    scale = scale_of([summary.p90 for _, _, summary in timed], 8, WIDTH - 56, from_zero=True)
    return Bars(
        left=8,
        right=WIDTH - 56,
        bottom=height - _BOTTOM,
        ticks=_ticks(scale),
        bars=tuple(
            Bar(
                y=_BAR_TOP + _ROW * number,
                end=scale.at(summary.p50),
                p90=scale.at(summary.p90),
                label=f"{report.entry.id}  {row.format}",
                value=f"{summary.p50:.1f} ms",
                color=color_of(row.format),
            )
            for number, (report, row, summary) in enumerate(timed)
        ),
        width=WIDTH,
        height=height,
    )


def outline(shape: str, x: float, y: float, size: float) -> str:
    """A shape as an SVG path.

    Args:
        shape: One of ``SHAPES``.
        x: Center.
        y: Center.
        size: Half of its width, about.
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
