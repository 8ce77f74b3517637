"""Published numbers: accuracy, latency, complexity. Each has a source."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from registry.choices import Precision, Scope
from registry.schema.base import CatalogModel, Line, Text
from registry.schema.protocol import Protocol
from registry.schema.source import Source


class Accuracy(CatalogModel):
    """One accuracy figure.

    Attributes:
        metric: ``AP`` (keypoints), ``mAP`` (boxes, IoU 0.5:0.95), ``AP50`` (IoU 0.5), or ``error`` (of
            3D joint positions, as upstream's evaluator prints it; smaller is better).
        value: Percent, 0 to 100; for ``error`` in a unit that upstream does not state.
        protocol: How the figure was measured.
        source: Where it was published.
        note: Other information for users.
    """

    metric: Literal["AP", "mAP", "AP50", "error"]
    value: NonNegativeFloat
    protocol: Protocol
    source: Source
    note: Text | None = None

    @field_validator("value")
    @classmethod
    def _check_percent(cls, value: float, info: ValidationInfo) -> float:
        if value > 100 and info.data.get("metric") != "error":
            raise ValueError("a figure in percent is at most 100")
        return value


class Latency(CatalogModel):
    """One latency figure.

    Attributes:
        milliseconds: Time of one run, as published.
        device: Processor or phone chip.
        engine: Inference engine; None if upstream contradicts itself, see the entry's ``conflicts``.
        engine_version: Version or version requirement of the engine, as published.
        threads: Worker threads; None if upstream does not state them.
        architecture: Instruction set the engine was built for, as published.
        precision: Arithmetic precision; None if upstream does not state it.
        batch: Batch size of the run.
        harness: Tool that measured the time, as published.
        persons: For a pipeline, number of people in the image.
        scope: ``network`` (inference alone) or ``pipeline`` (with pre- and post-processing).
        source: Where it was published.
        note: Other information for users.
    """

    milliseconds: PositiveFloat
    device: Line
    engine: Line | None
    engine_version: Line | None
    threads: PositiveInt | None
    architecture: Line | None = None
    precision: Precision | None
    batch: PositiveInt = 1
    harness: Line | None = None
    persons: PositiveInt | None = None
    scope: Scope
    source: Source
    note: Text | None = None


class Complexity(CatalogModel):
    """Published size of a network.

    Attributes:
        parameters: Number of parameters, in millions.
        flops: Operations per input, in millions; upstream does not state whether a multiply-add counts as
            one or two.
        lite_megabytes: Size of the Paddle-Lite file, in megabytes.
        source: Where it was published.
    """

    parameters: PositiveFloat | None = None
    flops: PositiveFloat | None = None
    lite_megabytes: PositiveFloat | None = None
    source: Source
