"""The result of judging a model against a reference."""

from __future__ import annotations

from registry.schema.base import Model
from zoo.evaluation.average_precision import Metrics
from zoo.evaluation.bootstrap import ConfidenceInterval
from zoo.evaluation.changes import Changes
from zoo.evaluation.paired import DifferenceVerdict


class Against(Model):
    """Paired comparison of a model with a reference, on the same images and under the same protocol.

    Attributes:
        entry: ``name@release`` of the reference.
        artifact: Its artifact, for example ``onnx-fp32``.
        origin: ``published`` or ``built``.
        engine: Its engine and version.
        metrics: Its figures, as fractions.
        difference: Figures of the model minus those of the reference, as fractions.
        interval: Their 95 % intervals, by a paired bootstrap over images.
        verdict: Whether the difference matters.
        changes: The images and instances that changed most.
    """

    entry: str
    artifact: str
    origin: str
    engine: str
    metrics: Metrics
    difference: Metrics
    interval: ConfidenceInterval
    verdict: DifferenceVerdict
    changes: Changes
