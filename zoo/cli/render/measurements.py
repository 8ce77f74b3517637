"""Kept measurements as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.measurements.diff import MeasurementDiff
    from zoo.measurements.measurement import Measurement

_FRACTIONS = ("AP", "AP50", "AP75", "AR")
_MAIN = {"validate": "AP", "bench": "p50"}


def format_list(measurements: Sequence[Measurement]) -> tuple[list[str], list[list[str]]]:
    """Return the head cells and one row for each measurement."""
    head = ["id", "measured (UTC)", "kind", "entry", "format", "figure", "images", "engine"]
    rows = [
        [
            each.id,
            f"{each.created:%Y-%m-%d %H:%M}",
            each.kind,
            each.conditions.entry,
            each.conditions.format,
            _main_figure(each),
            str(each.conditions.images or "-"),
            each.conditions.engine,
        ]
        for each in measurements
    ]
    return head, rows


def describe(measurement: Measurement) -> str:
    """Describe a measurement in one line."""
    conditions = measurement.conditions
    return (
        f"{measurement.id}  {measurement.created:%Y-%m-%d %H:%M}  {measurement.kind} {conditions.entry} "
        f"{conditions.format}: {_main_figure(measurement)}"
    )


def format_measurement(found: Measurement) -> Iterator[str]:
    """Format conditions and figures, one on each line."""
    conditions = found.conditions
    yield describe(found)
    yield f"  artifact  {conditions.artifact}"
    yield f"  engine    {conditions.engine}"
    if conditions.image_processing:
        yield f"  images    {conditions.image_processing}"
    if conditions.dataset:
        yield f"  data      {conditions.images} images, {conditions.dataset}"
    machine = conditions.machine
    yield f"  machine   {machine.processor}, {machine.processors} processors, {machine.system}"
    yield f"  program   paddle-zoo {machine.version}, Python {machine.python}"
    for name, value in conditions.protocol.items():
        if value is not None and name != "source":
            yield f"  {name:<18} {value}"
    for name, value in found.figures.items():
        yield f"  {name:<18} {_format_figure(name, value)}"


def format_diff(found: MeasurementDiff) -> Iterator[str]:
    """Format two measurements, the conditions that differ, and the figures."""
    yield f"before  {describe(found.before)}"
    yield f"after   {describe(found.after)}"
    for change in found.conditions:
        yield f"  {change.name}: {change.before} → {change.after}"
    for figure in found.figures:
        before, after = (_format_figure(figure.name, value) for value in (figure.before, figure.after))
        line = f"  {figure.name:<18} {before} → {after}"
        if figure.difference:
            scale = 100 if figure.name in _FRACTIONS else 1
            line += f"  ({scale * figure.difference:+.4g})"
        yield line


def _main_figure(measurement: Measurement) -> str:
    name = _MAIN.get(measurement.kind)
    if name is not None:
        return f"{name} {_format_figure(name, measurement.figures.get(name))}"
    parity = measurement.result.get("parity")
    return str(parity.get("state")) if isinstance(parity, dict) else "-"


def _format_figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if name in _FRACTIONS else f"{value:.4g}"
