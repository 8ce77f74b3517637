"""Compare two kept measurements: which conditions and which figures differ."""

from __future__ import annotations

from pydantic import JsonValue

from registry.errors import UsageError
from registry.schema.base import Model
from zoo.measurements.measurement import Measurement


class ConditionChange(Model):
    """A condition that differs.

    Attributes:
        name: Field of ``Conditions``; fields of the protocol and the machine with a prefix.
        before: Value in the first measurement; None without one.
        after: Value in the second.
    """

    name: str
    before: JsonValue
    after: JsonValue


class FigureChange(Model):
    """A figure of two measurements.

    Attributes:
        name: Its name.
        before: Value in the first measurement; None where it is undefined or absent.
        after: Value in the second.
    """

    name: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """``after`` minus ``before``; None if one of them is undefined."""
        return None if self.before is None or self.after is None else self.after - self.before


class MeasurementDiff(Model):
    """The difference of two measurements.

    Attributes:
        before: The first measurement.
        after: The second.
        conditions: Conditions that differ.
        figures: All figures of both.
    """

    before: Measurement
    after: Measurement
    conditions: tuple[ConditionChange, ...]
    figures: tuple[FigureChange, ...]

    @property
    def same(self) -> bool:
        """Whether all figures are equal."""
        return all(figure.before == figure.after for figure in self.figures)


def diff(before: Measurement, after: Measurement) -> MeasurementDiff:
    """Compare two measurements of one kind.

    Args:
        before: The first.
        after: The second.

    Raises:
        UsageError: ``results-not-comparable``.
    """
    if before.kind != after.kind:
        raise UsageError(
            "results-not-comparable",
            "these measurements were made by different commands",
            expected=f"two measurements by {before.kind}",
            found=f"{before.kind} and {after.kind}",
            hint=f"zoo results ls --kind {before.kind}",
        )
    old, new = _flat_conditions(before), _flat_conditions(after)
    names = dict.fromkeys([*old, *new])
    figures = dict.fromkeys([*before.figures, *after.figures])
    return MeasurementDiff(
        before=before,
        after=after,
        conditions=tuple(
            ConditionChange(name=name, before=old.get(name), after=new.get(name))
            for name in names
            if old.get(name) != new.get(name)
        ),
        figures=tuple(
            FigureChange(name=name, before=before.figures.get(name), after=after.figures.get(name))
            for name in figures
        ),
    )


def _flat_conditions(measurement: Measurement) -> dict[str, JsonValue]:
    flat: dict[str, JsonValue] = {}
    for name, value in measurement.conditions.model_dump(mode="json").items():
        if isinstance(value, dict):
            flat |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            flat[name] = value
    return flat
