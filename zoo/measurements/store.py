"""Add, find and remove measurements in a cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from registry.errors import IntegrityError, NotFoundError, UsageError
from zoo.measurements.measurement import Conditions, Kind, Measurement, parse_document
from zoo.store.layout import Layout
from zoo.store.results import (
    ResultFile,
    list_orphans,
    list_results,
    read_images,
    read_result,
    remove_result,
    write_result,
)

_SHORTEST_ID = 4
_UNNAMED = "0" * 16


@dataclass(frozen=True)
class Damage:
    """A measurement that cannot be read.

    Attributes:
        file: Its files.
        reason: Why.
    """

    file: ResultFile
    reason: str


class MeasurementStore:
    """The measurements in a cache.

    Args:
        root: Root of the cache.
    """

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root)

    def add(
        self,
        kind: Kind,
        key: str,
        conditions: Conditions,
        figures: dict[str, float | None],
        result: dict[str, JsonValue],
        *,
        per_image: bytes | None = None,
    ) -> Measurement:
        """Keep a measurement.

        Args:
            kind: The command that measured.
            key: As for ``digest_key``.
            conditions: What was measured, and how.
            figures: The figures by name.
            result: The complete result.
            per_image: What was found in each image.

        Raises:
            ZooError: The cache cannot be written.
        """
        kept = Measurement(
            id=_UNNAMED,
            kind=kind,
            key=key,
            created=datetime.now(timezone.utc),
            conditions=conditions,
            figures=figures,
            result=result,
            per_image=sha256(per_image).hexdigest() if per_image is not None else None,
        )
        written = write_result(self._layout, key, kept.document(), per_image)
        return kept.model_copy(update={"id": written.id})

    def find(self, key: str) -> Measurement | None:
        """Find the newest measurement of a key; damaged ones are passed over."""
        found = [
            each for each in self._read(list_results(self._layout, key)) if isinstance(each, Measurement)
        ]
        return max(found, key=lambda each: each.created, default=None)

    def read(self) -> tuple[tuple[Measurement, ...], tuple[Damage, ...]]:
        """Read all measurements, oldest first, and list the damaged ones."""
        found = list(self._read(list_results(self._layout)))
        kept = [each for each in found if isinstance(each, Measurement)]
        damaged = tuple(each for each in found if isinstance(each, Damage))
        return tuple(sorted(kept, key=lambda each: (each.created, each.id))), damaged

    def get(self, name: str) -> Measurement:
        """Get a measurement by its id, or by the beginning of its id.

        Raises:
            UsageError: ``result-ambiguous``.
            NotFoundError: ``result-not-found``.
            IntegrityError: It is damaged.
        """
        long_enough = len(name) >= _SHORTEST_ID
        files = [file for file in list_results(self._layout) if long_enough and file.id.startswith(name)]
        if len(files) > 1:
            raise UsageError(
                "result-ambiguous",
                f"several measurements have an id that begins with {name}",
                found=", ".join(file.id for file in files[:4]),
                hint="type more digits of the id",
            )
        found = _read_one(files[0]) if files else None
        if found is None:
            raise NotFoundError(
                "result-not-found",
                f"no measurement has the id {name}",
                expected=f"at least {_SHORTEST_ID} digits of an id",
                hint="zoo results ls",
            )
        return found

    def per_image(self, measurement: Measurement) -> bytes | None:
        """Read what was found in each image; None if that was not kept, or was removed."""
        if measurement.per_image is None:
            return None
        files = [file for file in list_results(self._layout, measurement.key) if file.id == measurement.id]
        try:
            return read_images(files[0], measurement.per_image) if files else None
        except FileNotFoundError:
            return None

    def remove(self, measurement: Measurement) -> None:
        """Remove a measurement; one that is gone already is no error."""
        for file in list_results(self._layout, measurement.key):
            if file.id == measurement.id:
                remove_result(file)

    def remove_damaged(self) -> tuple[Path, ...]:
        """Remove measurements that cannot be read, and files that belong to none; return their paths."""
        _, damaged = self.read()
        for each in damaged:
            remove_result(each.file)
        orphans = list_orphans(self._layout)
        for path in orphans:
            path.unlink(missing_ok=True)
        return (*(each.file.path for each in damaged), *orphans)

    def _read(self, files: list[ResultFile]) -> Iterator[Measurement | Damage]:
        for file in files:
            try:
                found = _read_one(file)
            except IntegrityError as error:
                yield Damage(file, error.message)
                continue
            if found is not None:
                yield found


def _read_one(file: ResultFile) -> Measurement | None:
    try:
        return parse_document(read_result(file), file.id)
    except FileNotFoundError:  # removed since the folder was listed
        return None
