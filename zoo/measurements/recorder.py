"""Recall a measurement that was made under equal conditions, or keep a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from registry.errors import IntegrityError, ZooError
from zoo.measurements.measurement import Conditions, Kind, Measurement
from zoo.measurements.store import MeasurementStore


@dataclass(frozen=True)
class Recorder:
    """The kept measurements of a cache, as a command uses them.

    Attributes:
        cache: Root of the cache.
        note: Receives messages.
        fresh: Whether everything is measured again.
    """

    cache: Path
    note: Callable[[str], None]
    fresh: bool = False

    def recall(self, key: str) -> Measurement | None:
        """Find the newest measurement of a key, unless everything is measured again."""
        return None if self.fresh else MeasurementStore(self.cache).find(key)

    def per_image(self, measurement: Measurement) -> bytes | None:
        """Read what was found in each image; None if that is missing or damaged."""
        try:
            return MeasurementStore(self.cache).per_image(measurement)
        except IntegrityError as error:
            self.note(error.message)
            return None

    def keep(
        self,
        kind: Kind,
        key: str,
        conditions: Conditions,
        figures: dict[str, float | None],
        result: dict[str, JsonValue],
        *,
        per_image: bytes | None = None,
    ) -> None:
        """Keep a measurement; arguments as for ``MeasurementStore.add``.

        A cache that cannot be written must not cost a finished measurement: the failure is only a note.
        """
        try:
            MeasurementStore(self.cache).add(kind, key, conditions, figures, result, per_image=per_image)
        except ZooError as error:
            self.note(f"the measurement was not kept: {error.message}")
