"""Select kept measurements to remove. Nothing is selected unless a rule names it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from registry.schema.base import Model
from zoo.measurements.measurement import Measurement


class ResultsPolicy(Model):
    """Which measurements to remove.

    Attributes:
        older_than: Measurements made longer ago than this.
        keep: Number of newest measurements of each key to keep.
        damaged: Also files that cannot be read.
    """

    older_than: timedelta | None = None
    keep: int | None = None
    damaged: bool = False

    @property
    def empty(self) -> bool:
        """Whether the policy selects nothing."""
        return self.older_than is None and self.keep is None and not self.damaged


def select(measurements: Sequence[Measurement], policy: ResultsPolicy, now: datetime) -> list[Measurement]:
    """Select the measurements that a policy names. Pure.

    Args:
        measurements: The measurements, oldest first.
        policy: Which to remove.
        now: The present time.
    """
    by_key: dict[str, list[Measurement]] = {}
    for each in measurements:
        by_key.setdefault(each.key, []).append(each)
    surplus: set[str] = set()
    if policy.keep is not None:
        for group in by_key.values():
            surplus |= {each.id for each in group[: max(0, len(group) - policy.keep)]}
    oldest = now - policy.older_than if policy.older_than is not None else None
    return [each for each in measurements if each.id in surplus or (oldest and each.created < oldest)]
