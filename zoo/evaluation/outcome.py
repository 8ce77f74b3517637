"""Outcomes of the comparison with a published figure; imports nothing, so that every module can use it."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["met", "below", "above", "undecided", "not-comparable", "not-published"]
"""``met``; ``below`` or ``above`` the published figure; ``undecided`` if the set is too small;
``not-comparable`` if the protocols differ; ``not-published`` if there is no published figure."""

FAILED: tuple[Outcome, ...] = ("below", "above")
"""Outcomes that contradict the published figure."""
