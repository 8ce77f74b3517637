"""Published numbers: accuracy, latency, complexity. None comes without its source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from registry.schema.base import Model
from registry.schema.protocol import Protocol
from registry.schema.source import Source


class Accuracy(Model):
    """One accuracy figure.

    Attributes:
        metric: ``AP`` (keypoints), ``mAP`` (boxes, IoU 0.5:0.95) or ``AP50`` (IoU 0.5).
        value: Percent, 0 to 100.
        protocol: How the figure was obtained.
        source: Where it was published.
        note: What a reader must know besides.
    """

    metric: Literal["AP", "mAP", "AP50"]
    value: Annotated[float, Field(ge=0, le=100)]
    protocol: Protocol
    source: Source
    note: str | None = None


class Latency(Model):
    """One latency figure.

    Attributes:
        milliseconds: Time of one input, batch 1.
        device: Processor or phone chip.
        engine: Inference engine.
        engine_version: Version or bound of it, as published.
        threads: Worker threads; None where upstream does not say.
        architecture: Build flavour of the engine, as published.
        precision: Arithmetic precision; None where upstream does not say.
        scope: ``network`` (inference alone) or ``pipeline`` (with pre- and post-processing).
        source: Where it was published.
        note: What a reader must know besides.
    """

    milliseconds: PositiveFloat
    device: str
    engine: str
    engine_version: str | None
    threads: PositiveInt | None
    architecture: str | None = None
    precision: Literal["fp32", "fp16", "int8"] | None
    scope: Literal["network", "pipeline"]
    source: Source
    note: str | None = None


class Complexity(Model):
    """Published size of the network.

    Attributes:
        parameters: Number of parameters, in millions.
        flops: Operations per input, in millions; upstream does not say whether a multiply-add counts once.
        source: Where it was published.
    """

    parameters: PositiveFloat | None = None
    flops: PositiveFloat | None = None
    source: Source
