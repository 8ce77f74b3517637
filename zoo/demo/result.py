"""Results of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from registry.schema import Model
from zoo.evaluation.outcome import FAILED, Outcome


class DemoAccuracy(Model):
    """Accuracy of one format, and its comparison with the published figure.

    Attributes:
        engine: Engine and its version.
        measured: AP in percent; None if the images contain no figure.
        low: Lower end of the 95 % interval, percent; None on all images of the published figure.
        high: Upper end.
        outcome: Outcome of the comparison, as in ``Verdict``.
        reason: Explanation of the outcome.
    """

    engine: str
    measured: float | None
    low: float | None = None
    high: float | None = None
    outcome: Outcome
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the measurement does not contradict the published figure."""
        return self.outcome not in FAILED


class DemoRow(Model):
    """One format of the sample model.

    Attributes:
        format: ``inference``, ``lite-arm-fp16``, …
        state: ``verified``: converted and inspected. ``missing``: its tool is not on this machine.
        size: Size in bytes; None if missing.
        seconds: Duration of the fetch or the conversion.
        contents: Tool, target and precision that the inspection found.
        difference: Largest absolute difference of any output from the inference model, for FP16 of any output
            without indices; None if the format cannot run on this machine.
        limited: Whether the tolerance applies to the difference: it limits conversion errors, not FP16.
        accuracy: Accuracy; None if the format cannot run on this machine.
        hint: Command that installs what is missing, or the reason why the format was not run.
    """

    format: str
    state: Literal["verified", "missing"]
    size: int | None = None
    seconds: float | None = None
    contents: str | None = None
    difference: float | None = None
    limited: bool = True
    accuracy: DemoAccuracy | None = None
    hint: str | None = None


class Demo(Model):
    """Results of the demo.

    Attributes:
        entry: The sample entry.
        verified: Number of cached files whose digest was verified.
        rows: One per format.
        limit: Largest difference that the tolerance of the entry allows.
        published: Published AP in percent.
        images: Number of drawn images on which the accuracy was measured.
        published_images: Number of images of the published figure; ``images`` are the first of them.
        annotated: Image with the drawn results; None if no format could run.
        passed: Whether every limited difference is within the limit and no accuracy contradicts the published
            figure.
    """

    entry: str
    verified: int
    rows: tuple[DemoRow, ...]
    limit: float
    published: float
    images: int
    published_images: int
    annotated: Path | None
    passed: bool
