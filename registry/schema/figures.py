"""Published numbers: accuracy, latency, complexity. None comes without its source."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from registry.choices import Precision, Scope
from registry.schema.base import Model
from registry.schema.protocol import Protocol
from registry.schema.source import Source


class Accuracy(Model):
    """One accuracy figure.

    Attributes:
        metric: ``AP`` (keypoints), ``mAP`` (boxes, IoU 0.5:0.95), ``AP50`` (IoU 0.5), or ``error`` (of
            joints in space, as upstream's evaluator prints it; less is better).
        value: Percent, 0 to 100; for ``error`` the unit upstream does not name.
        protocol: How the figure was obtained.
        source: Where it was published.
        note: What a reader must know besides.
    """

    metric: Literal["AP", "mAP", "AP50", "error"]
    value: NonNegativeFloat
    protocol: Protocol
    source: Source
    note: str | None = None

    @field_validator("value")
    @classmethod
    def _percent(cls, value: float, info: ValidationInfo) -> float:
        if value > 100 and info.data.get("metric") != "error":
            raise ValueError("a figure in percent is at most 100")
        return value


class Latency(Model):
    """One latency figure.

    Attributes:
        milliseconds: Time, as published; of one input unless ``batch`` says otherwise.
        device: Processor or phone chip.
        engine: Inference engine; None where upstream contradicts itself, see the entry's conflicts.
        engine_version: Version or bound of it, as published.
        threads: Worker threads; None where upstream does not say.
        architecture: Build flavor of the engine, as published.
        precision: Arithmetic precision; None where upstream does not say.
        batch: Inputs of one run.
        harness: What did the timing, as published.
        persons: For a pipeline, people in the picture.
        scope: ``network`` (inference alone) or ``pipeline`` (with pre- and post-processing).
        source: Where it was published.
        note: What a reader must know besides.
    """

    milliseconds: PositiveFloat
    device: str
    engine: str | None
    engine_version: str | None
    threads: PositiveInt | None
    architecture: str | None = None
    precision: Precision | None
    batch: PositiveInt = 1
    harness: str | None = None
    persons: PositiveInt | None = None
    scope: Scope
    source: Source
    note: str | None = None


class Complexity(Model):
    """Published size of the network.

    Attributes:
        parameters: Number of parameters, in millions.
        flops: Operations per input, in millions; upstream does not say whether a multiply-add counts once.
        lite_megabytes: Size of the Paddle-Lite file made from it.
        source: Where it was published.
    """

    parameters: PositiveFloat | None = None
    flops: PositiveFloat | None = None
    lite_megabytes: PositiveFloat | None = None
    source: Source
