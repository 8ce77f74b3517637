"""Kept measurements as a flat table: a row for each figure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from zoo.measurements.measurement import Measurement


class Row(NamedTuple):
    """One figure of one measurement; the fields are those of ``Measurement`` and ``Conditions``."""

    id: str
    created: datetime
    kind: str
    entry: str
    format: str
    figure: str
    value: float | None
    engine: str
    image_processing: str
    artifact: str
    dataset: str | None
    images: int
    processor: str
    processors: int
    system: str
    python: str
    version: str


def rows_of(measurements: Sequence[Measurement]) -> list[Row]:
    """List the figures of measurements, in the order of the measurements."""
    return [
        Row(
            id=each.id,
            created=each.created,
            kind=each.kind,
            entry=each.conditions.entry,
            format=each.conditions.format,
            figure=name,
            value=value,
            engine=each.conditions.engine,
            image_processing=each.conditions.image_processing,
            artifact=each.conditions.artifact,
            dataset=each.conditions.dataset,
            images=each.conditions.images,
            processor=each.conditions.machine.processor,
            processors=each.conditions.machine.processors,
            system=each.conditions.machine.system,
            python=each.conditions.machine.python,
            version=each.conditions.machine.version,
        )
        for each in measurements
        for name, value in each.figures.items()
    ]
