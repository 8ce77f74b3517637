"""Does every format compute what the inference model computes: layer by layer, on the same pictures.

The layers are what the network hands out, what decoding makes of it in network input pixels, and what a
user gets in image pixels. Each layer amplifies or hides differences of the one before, so the first that
differs says where to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from registry.errors import ConversionError
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.io import DetectionOutput
from zoo._utils.arrays import Array, Doubles
from zoo.evaluation.output_diff import compare_outputs, other_kind
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.loading import LoadedModel, with_session
from zoo.runner.postprocess.boxes import choose_decoded, decode_raw
from zoo.runner.postprocess.heads import head_of
from zoo.runner.postprocess.heatmaps import decode
from zoo.runner.results import Detections
from zoo.runner.runner import detection_protocol, detector_of, estimator_of, keypoint_protocol
from zoo.runner.sessions.session import Arrays, Session

Layer = Literal["raw", "decoded", "final"]
State = Literal["same", "differs", "failed", "measured", "not-run", "missing"]

Unit = Literal["value", "input px", "image px", "count"]


class LayerDifference(Model):
    """One quantity of one layer, compared over all pictures.

    Attributes:
        layer: Where it is.
        what: Name of the output, or ``points``, ``boxes``, ``scores`` or ``unpaired``.
        unit: Of ``max_abs`` and ``limit``.
        max_abs: Largest absolute difference; for counts, how many differ.
        relative: The same as a share of the reference's largest value; None where that means nothing.
        cosine: Between the two as long vectors; None where that means nothing.
        limit: Largest difference that is allowed; None where the catalog bounds nothing.
    """

    layer: Layer
    what: str
    unit: Unit
    max_abs: float
    relative: float | None = None
    cosine: float | None = None
    limit: float | None

    @property
    def within(self) -> bool:
        """Whether it is allowed."""
        return self.limit is None or self.max_abs <= self.limit


class FormatParity(Model):
    """One format beside the inference model.

    Attributes:
        format: Which artifact, for example ``lite-x86-fp32``.
        state: ``same`` or ``differs``; ``failed``: it could not be made, or its engine failed; ``measured``:
            in half precision, which nobody has stated a bound for; ``not-run``: it cannot run here;
            ``missing``: it, or a tool it takes, is not on this machine.
        engine: Engine and its version; None where it was not run.
        layers: What was compared.
        first: The first layer that differs.
        reason: Why it was not run, or what differs in kind.
    """

    format: str
    state: State
    engine: str | None = None
    layers: tuple[LayerDifference, ...] = ()
    first: Layer | None = None
    reason: str | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with it: neither does it differ, nor did it fail."""
        return self.state not in ("differs", "failed")


class Parity(Model):
    """All formats of an entry beside its inference model.

    Attributes:
        entry: ``name@release``.
        reference: Engine and version that ran the inference model.
        images: How many were looked at.
        found: Persons or boxes the reference found in them.
        formats: One a format.
    """

    entry: str
    reference: str
    images: int
    found: int
    formats: tuple[FormatParity, ...]

    @property
    def passed(self) -> bool:
        """Whether no format differs or failed."""
        return all(row.holds for row in self.formats)


@dataclass(frozen=True, eq=False)
class Sample:
    """An image to compare on.

    Attributes:
        image: The picture.
        boxes: ``(N, 4)`` x1, y1, x2, y2 of the persons in it, for pose models; None for all of it.
    """

    image: ImageSource
    boxes: Doubles | None = None


@dataclass(frozen=True, eq=False)
class Layers:
    """What one format computed.

    Attributes:
        raw: Outputs, all images one after the other; empty where the graph suppresses by itself, since
            the order of its rows is nobody's promise.
        decoded: ``(M, 2)`` points or ``(M, 4)`` boxes in network input pixels; None as for ``raw``.
        points: ``(M, 2)`` joints in image pixels; None for detectors.
        scores: ``(M,)`` scores of the joints; None for detectors.
        boxes: Final boxes of each image; empty for pose models.
    """

    raw: Arrays
    decoded: Doubles | None
    points: Doubles | None = None
    scores: Doubles | None = None
    boxes: tuple[Detections, ...] = ()

    @property
    def found(self) -> int:
        """Persons or boxes."""
        return (
            sum(map(len, self.boxes)) if self.points is None else int(next(iter(self.raw.values())).shape[0])
        )


def observe(network: LoadedModel, samples: Sequence[Sample]) -> Layers:
    """Runs a network on images and keeps every layer.

    Args:
        network: The network.
        samples: Pictures.

    Raises:
        ZooError: As for ``PoseEstimator`` and ``Detector``.
    """
    recorder = _Recorder(network.session)
    recorded = with_session(network, recorder)
    if isinstance(network.entry.output, DetectionOutput):
        return _observe_detector(recorded, recorder, network.entry.output, samples)
    return _observe_pose(recorded, recorder, samples)


def heat_maps_alone(layers: Layers) -> Layers:
    """What a pose network computed, without the maxima that stand beside its heat maps and follow from them.

    Args:
        layers: Of any network; those of a detector stay as they are.
    """
    return layers if layers.points is None else replace(layers, raw=dict([*layers.raw.items()][:1]))


def compare(
    reference: Layers, other: Layers, entry: Entry, precision: Literal["fp32", "fp16"]
) -> FormatParity:
    """Compares what a format computed with what the inference model computed.

    Args:
        reference: Of the inference model.
        other: Of the format, on the same pictures.
        entry: States how far each layer may lie apart.
        precision: Of the format.

    Returns:
        The comparison, still without the names of format and engine.
    """
    limits = limits_of(entry, precision)
    try:
        layers = tuple(_differences(reference, other, limits))
    except ConversionError as error:
        return FormatParity(format="", state="differs", first="raw", reason=f"{error.message}: {error.found}")
    if limits == _UNBOUNDED:
        # The catalog bounds what conversions may cost, not what half precision does: that is accuracy.
        return FormatParity(format="", state="measured", layers=layers)
    first = next((difference.layer for difference in layers if not difference.within), None)
    return FormatParity(format="", state="differs" if first else "same", layers=layers, first=first)


@dataclass(frozen=True)
class Limits:
    """How far formats may lie apart; None bounds nothing.

    Attributes:
        raw: Values of the network's outputs.
        pixels: Points and boxes.
        scores: Final scores.
    """

    raw: float | None
    pixels: float | None
    scores: float | None


_UNBOUNDED = Limits(None, None, None)


def limits_of(entry: Entry, precision: Literal["fp32", "fp16"]) -> Limits:
    """The catalog's bounds. Where it has none, nothing may differ in full precision."""
    for bound in entry.tolerances:
        if bound.precision == precision:
            return Limits(bound.max_abs, bound.pixels, bound.scores)
    return Limits(0, 0, 0) if precision == "fp32" else _UNBOUNDED


def image_of(sample: Sample) -> Image:
    """The image, read once: every format has to see the same pixels."""
    return as_image(sample.image, honor_exif=True)


class _Recorder:
    """A session that keeps what it hands out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.inputs = session.inputs
        self.outputs = session.outputs
        self.engine = session.engine
        self.engine_version = session.engine_version
        self.threads = session.threads
        self.runs: list[Arrays] = []

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        outputs = self._session.run(feeds)
        self.runs.append(outputs)
        return outputs

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def joined(self) -> Arrays:
        """Each output over all runs, one after the other."""
        return {name: np.concatenate([run[name] for run in self.runs]) for name in self.runs[0]}


def _observe_pose(network: LoadedModel, recorder: _Recorder, samples: Sequence[Sample]) -> Layers:
    # One pass, nothing suppressed: rows of all formats stay one to one.
    protocol = keypoint_protocol(network.entry).model_copy(update={"flip": False, "suppression": None})
    estimator = estimator_of(network, protocol)
    poses = [estimator(image_of(sample), sample.boxes) for sample in samples]
    raw = recorder.joined()
    cells = decode(next(iter(raw.values())), protocol.decoder).points
    keypoints = np.concatenate([pose.keypoints for pose in poses]).reshape(-1, 3)
    decoded = cells.reshape(-1, 2) * estimator.output.stride
    return Layers(raw, decoded, keypoints[:, :2], keypoints[:, 2])


def _observe_detector(
    network: LoadedModel, recorder: _Recorder, output: DetectionOutput, samples: Sequence[Sample]
) -> Layers:
    detector = detector_of(network, detection_protocol(network.entry).nms)
    boxes = tuple(detector(image_of(sample)) for sample in samples)
    head = head_of([value.shape for value in recorder.runs[0].values()], output)
    if head == "nms":
        return Layers({}, None, boxes=boxes)
    decoded = []
    for run in recorder.runs:
        values = list(run.values())
        # Every box, however low its score: the rows of all formats stay one to one.
        if head == "raw":
            decoded.append(decode_raw(values, network.entry.input, output, -np.inf).boxes)
        else:
            decoded.append(choose_decoded(values[0], values[1], -np.inf).boxes)
    return Layers(recorder.joined(), np.concatenate(decoded).astype(np.float64), boxes=boxes)


def _differences(reference: Layers, other: Layers, limits: Limits) -> Iterator[LayerDifference]:
    # A graph that suppresses boxes itself promises nothing before its last layer.
    for output in compare_outputs(reference.raw, other.raw) if reference.raw else ():
        yield LayerDifference(
            layer="raw",
            what=output.name,
            unit="count" if output.index else "value",
            max_abs=output.max_abs,
            relative=None if output.index else output.relative,
            cosine=None if output.index else output.cosine,
            limit=limits.raw,
        )
    if reference.decoded is not None and other.decoded is not None:
        what = "boxes" if reference.boxes else "points"
        yield _distance("decoded", what, "input px", (reference.decoded, other.decoded), limits.pixels)
    if reference.points is None or other.points is None:
        yield from _final_boxes(reference.boxes, other.boxes, limits)
        return
    yield _distance("final", "points", "image px", (reference.points, other.points), limits.pixels)
    if reference.scores is not None and other.scores is not None:
        yield _distance("final", "scores", "value", (reference.scores, other.scores), limits.scores)


def _final_boxes(
    reference: Sequence[Detections], other: Sequence[Detections], limits: Limits
) -> Iterator[LayerDifference]:
    """Boxes after suppression, each with its nearest of the same class.

    A box whose score lies within the precision's reach of the lowest score that is kept may be there in one
    format and not in the other; it is no difference.
    """
    pairings = [_paired(one, two, limits) for one, two in zip(reference, other, strict=True)]
    rows = [pairing for pairing in pairings if len(pairing.boxes)]
    boxes = np.concatenate([row.boxes for row in rows]) if rows else np.zeros((0, 2, 4))
    scores = np.concatenate([row.scores for row in rows]) if rows else np.zeros((0, 2))
    unpaired = sum(pairing.unpaired for pairing in pairings)
    yield _distance("final", "boxes", "image px", (boxes[:, 0], boxes[:, 1]), limits.pixels)
    yield _distance("final", "scores", "value", (scores[:, 0], scores[:, 1]), limits.scores)
    yield LayerDifference(
        layer="final",
        what="unpaired",
        unit="count",
        max_abs=unpaired,
        limit=None if limits == _UNBOUNDED else 0,
    )


@dataclass(frozen=True, eq=False)
class _Pairing:
    """Boxes of one image in two formats.

    Attributes:
        boxes: ``(M, 2, 4)`` reference's and other's.
        scores: ``(M, 2)``.
        unpaired: Boxes without a partner that are no matter of rounding.
    """

    boxes: Doubles
    scores: Doubles
    unpaired: int


_APART = 8.0  # image pixels from which two boxes are different boxes, not the same one moved


def _paired(reference: Detections, other: Detections, limits: Limits) -> _Pairing:
    first, second = reference.boxes.astype(np.float64), other.boxes.astype(np.float64)
    free = np.ones(len(second), dtype=bool)
    pairs: list[tuple[int, int]] = []
    alone = []
    for row, box in enumerate(first):
        distance = np.abs(second - box).max(axis=1, initial=0.0)
        distance[~free | (other.labels != reference.labels[row])] = np.inf
        nearest = int(distance.argmin()) if len(distance) else -1
        if nearest < 0 or distance[nearest] > _APART:
            alone.append(float(reference.scores[row]))
        else:
            free[nearest] = False
            pairs.append((row, nearest))
    alone += other.scores[free].tolist()
    lowest = min([*reference.scores.tolist(), *other.scores.tolist()], default=0.0)
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return _Pairing(
        boxes=np.stack([first[index[:, 0]], second[index[:, 1]]], axis=1),
        scores=np.stack([reference.scores[index[:, 0]], other.scores[index[:, 1]]], axis=1).astype(
            np.float64
        ),
        unpaired=sum(score > lowest + (limits.scores or 0) for score in alone),
    )


def _distance(
    layer: Layer, what: str, unit: Unit, pair: tuple[Doubles, Doubles], limit: float | None
) -> LayerDifference:
    reference, other = pair
    if reference.shape != other.shape:
        raise other_kind(f"{layer} {what} of shape {reference.shape}", str(other.shape))
    farthest = float(np.abs(reference - other).max(initial=0.0))
    return LayerDifference(layer=layer, what=what, unit=unit, max_abs=farthest, limit=limit)
