"""Compare the formats of an entry with its inference model, layer by layer, on the same images.

The layers are the raw outputs of the network, the points or boxes decoded from them in network input pixels,
and the final results in image pixels. Each layer amplifies or hides differences of the previous one, so the
first layer that differs shows where to look for the cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from registry.choices import FloatPrecision
from registry.errors import ConversionError
from registry.schema import Entry
from registry.schema.base import Model
from zoo._utils.arrays import Doubles
from zoo.evaluation.layers import LayerOutputs
from zoo.evaluation.limits import Limits, LimitSource, select_limits
from zoo.evaluation.output_diff import compare_outputs, kind_mismatch
from zoo.runner.results import Detections

Layer = Literal["raw", "decoded", "final"]
State = Literal["same", "differs", "failed", "measured", "not-run", "missing"]

Unit = Literal["value", "input px", "image px", "count"]


class LayerDifference(Model):
    """Difference of one quantity of one layer, over all images.

    Attributes:
        layer: The layer.
        quantity: Name of the output, or ``points``, ``boxes``, ``scores`` or ``unpaired``.
        unit: Unit of ``max_abs`` and ``limit``.
        max_abs: Largest absolute difference; for counts, the number of different elements.
        relative: Largest difference divided by the reference's largest value; None if not applicable.
        cosine: Cosine similarity of the flattened outputs; None if not applicable.
        limit: Largest allowed difference; None without a limit.
    """

    layer: Layer
    quantity: str
    unit: Unit
    max_abs: float
    relative: float | None = None
    cosine: float | None = None
    limit: float | None

    @property
    def within_limit(self) -> bool:
        """Whether the difference is allowed."""
        return self.limit is None or self.max_abs <= self.limit


class FormatParity(Model):
    """Comparison of one format with the inference model.

    Attributes:
        format: Artifact, for example ``lite-x86-fp32``.
        state: ``same`` or ``differs``; ``failed``: the conversion or the engine failed; ``measured``: FP16
            without a limit in the catalog, or quantized; ``not-run``: cannot run on this machine;
            ``missing``: the artifact or a tool it requires is not on this machine.
        engine: Engine and its version; None if the format was not run.
        layers: The compared quantities.
        first_layer: First layer that differs.
        limits: Where the limits come from: the catalog, or the defaults; None without limits.
        reason: Reason why the format was not run, or how its outputs differ in kind.
        recorded: Time of the comparison, if it was read from a kept one; None if it was made now.
    """

    format: str
    state: State
    engine: str | None = None
    layers: tuple[LayerDifference, ...] = ()
    first_layer: Layer | None = None
    limits: LimitSource | None = None
    reason: str | None = None
    recorded: datetime | None = None

    @property
    def passed(self) -> bool:
        """Whether the format neither differs nor failed."""
        return self.state not in ("differs", "failed")


class Parity(Model):
    """Comparison of all formats of an entry with its inference model.

    Attributes:
        entry: ``name@release``.
        reference: Engine and version that ran the inference model.
        images: Number of images.
        instances: Number of persons or boxes that the reference found in them.
        formats: One per format.
    """

    entry: str
    reference: str
    images: int
    instances: int
    formats: tuple[FormatParity, ...]

    @property
    def passed(self) -> bool:
        """Whether no format differs or failed."""
        return all(row.passed for row in self.formats)


def compare_layers(
    reference: LayerOutputs, other: LayerOutputs, entry: Entry, precision: FloatPrecision | None
) -> FormatParity:
    """Compare the outputs of a format with those of the inference model.

    Args:
        reference: Outputs of the inference model.
        other: Outputs of the format on the same images.
        entry: The entry; its tolerances are the limits, or the defaults if it has none.
        precision: Precision whose tolerances apply; None for quantized files.

    Returns:
        The comparison, with an empty format name and no engine.
    """
    limits = select_limits(entry, precision)
    try:
        layers = tuple(_differences(reference, other, limits))
    except ConversionError as error:
        reason = f"{error.message}: {error.found}"
        return FormatParity(
            format="", state="differs", first_layer="raw", limits=limits.source, reason=reason
        )
    if limits.source is None:
        return FormatParity(format="", state="measured", layers=layers)
    first = next((difference.layer for difference in layers if not difference.within_limit), None)
    return FormatParity(
        format="",
        state="differs" if first else "same",
        layers=layers,
        first_layer=first,
        limits=limits.source,
    )


def _differences(reference: LayerOutputs, other: LayerOutputs, limits: Limits) -> Iterator[LayerDifference]:
    # A graph with suppression guarantees nothing before its final layer.
    for output in compare_outputs(reference.raw, other.raw) if reference.raw else ():
        yield LayerDifference(
            layer="raw",
            quantity=output.name,
            unit="count" if output.index else "value",
            max_abs=output.max_abs,
            relative=None if output.index else output.relative,
            cosine=None if output.index else output.cosine,
            limit=limits.raw_limit(output.max_value, index=output.index),
        )
    if reference.decoded is not None and other.decoded is not None:
        quantity = "boxes" if reference.boxes else "points"
        yield _distance("decoded", quantity, "input px", (reference.decoded, other.decoded), limits.pixels)
    if reference.points is None or other.points is None:
        yield from _compare_boxes(reference.boxes, other.boxes, limits)
        return
    yield _distance("final", "points", "image px", (reference.points, other.points), limits.pixels)
    if reference.scores is not None and other.scores is not None:
        yield _distance("final", "scores", "value", (reference.scores, other.scores), limits.scores)


def _compare_boxes(
    reference: Sequence[Detections], other: Sequence[Detections], limits: Limits
) -> Iterator[LayerDifference]:
    """Compare final boxes; each is paired with the nearest box of the same class.

    A box whose score is within the score limit of the lowest kept score may be missing in one of the formats.
    """
    pairings = [_pair_boxes(one, two, limits) for one, two in zip(reference, other, strict=True)]
    rows = [pairing for pairing in pairings if len(pairing.boxes)]
    boxes = np.concatenate([row.boxes for row in rows]) if rows else np.zeros((0, 2, 4))
    scores = np.concatenate([row.scores for row in rows]) if rows else np.zeros((0, 2))
    unpaired = sum(pairing.unpaired for pairing in pairings)
    yield _distance("final", "boxes", "image px", (boxes[:, 0], boxes[:, 1]), limits.pixels)
    yield _distance("final", "scores", "value", (scores[:, 0], scores[:, 1]), limits.scores)
    yield LayerDifference(
        layer="final",
        quantity="unpaired",
        unit="count",
        max_abs=unpaired,
        limit=None if limits.source is None else 0,
    )


@dataclass(frozen=True, eq=False)
class _Pairing:
    """Paired boxes of one image in two formats.

    Attributes:
        boxes: ``(M, 2, 4)`` of the reference and the other format.
        scores: ``(M, 2)``.
        unpaired: Boxes without a partner whose score is not near the lowest kept score.
    """

    boxes: Doubles
    scores: Doubles
    unpaired: int


_PAIRING_DISTANCE = 8.0  # image pixels; boxes that are farther apart are different boxes


def _pair_boxes(reference: Detections, other: Detections, limits: Limits) -> _Pairing:
    first, second = reference.boxes.astype(np.float64), other.boxes.astype(np.float64)
    free = np.ones(len(second), dtype=bool)
    pairs: list[tuple[int, int]] = []
    unmatched = []
    for row, box in enumerate(first):
        distance = np.abs(second - box).max(axis=1, initial=0.0)
        distance[~free | (other.labels != reference.labels[row])] = np.inf
        nearest = int(distance.argmin()) if len(distance) else -1
        if nearest < 0 or distance[nearest] > _PAIRING_DISTANCE:
            unmatched.append(float(reference.scores[row]))
        else:
            free[nearest] = False
            pairs.append((row, nearest))
    unmatched += other.scores[free].tolist()
    lowest = min([*reference.scores.tolist(), *other.scores.tolist()], default=0.0)
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return _Pairing(
        boxes=np.stack([first[index[:, 0]], second[index[:, 1]]], axis=1),
        scores=np.stack([reference.scores[index[:, 0]], other.scores[index[:, 1]]], axis=1).astype(
            np.float64
        ),
        unpaired=sum(score > lowest + (limits.scores or 0) for score in unmatched),
    )


def _distance(
    layer: Layer, quantity: str, unit: Unit, pair: tuple[Doubles, Doubles], limit: float | None
) -> LayerDifference:
    reference, other = pair
    if reference.shape != other.shape:
        raise kind_mismatch(f"{layer} {quantity} of shape {reference.shape}", str(other.shape))
    largest = float(np.abs(reference - other).max(initial=0.0))
    return LayerDifference(layer=layer, quantity=quantity, unit=unit, max_abs=largest, limit=limit)
