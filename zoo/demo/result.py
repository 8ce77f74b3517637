"""What the demo did."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from registry.schema import Model


class DemoAccuracy(Model):
    """Accuracy of one format beside the published figure.

    Attributes:
        engine: What computed, and its version.
        measured: AP in percent; None where no figure was found in any picture.
        low: Lower end of the 95 % interval, percent; None on all images of the published figure.
        high: Upper end.
        met: Whether the published figure holds, judged to both sides.
        reason: The verdict in words.
    """

    engine: str
    measured: float | None
    low: float | None = None
    high: float | None = None
    met: bool
    reason: str


class DemoRow(Model):
    """One format of the sample model.

    Attributes:
        format: ``inference``, ``lite-arm-fp16``, …
        state: ``proven``: made and looked into. ``missing``: its tool is not on this machine.
        size: Bytes; None when missing.
        seconds: What fetching or converting took.
        proof: What the bytes say: maker, target, precision.
        difference: Largest absolute difference of any output from the inference model, in half precision of
            any but indices; None where the format cannot run on this machine.
        held: Whether the tolerance holds for the difference: it is about conversions, not about what half
            precision does.
        accuracy: What it scores; None where the format cannot run on this machine.
        hint: What to type to get what is missing, or why it was not run.
    """

    format: str
    state: Literal["proven", "missing"]
    size: int | None = None
    seconds: float | None = None
    proof: str | None = None
    difference: float | None = None
    held: bool = True
    accuracy: DemoAccuracy | None = None
    hint: str | None = None


class Demo(Model):
    """What the demo did.

    Attributes:
        entry: The sample entry.
        verified: Files of the store whose digest was computed again.
        rows: One a format.
        limit: Largest difference the entry's tolerance allows.
        published: The published figure, AP in percent.
        images: Drawn images that accuracy was measured on.
        published_images: Images the published figure was measured on, of which those are the first.
        annotated: The image of what was found; None where no format could run.
        passed: Whether everything that could be made was proven, every difference that is held to the
            limit is within, and the published figure holds wherever it was measured.
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
