"""Measure the accuracy of an entry on one backend, under the protocol of its published figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from converters.choices import WeightOnly
from registry.choices import Precision
from registry.errors import UsageError
from registry.schema import DetectionOutput, Entry, HeatmapOutput, Source
from registry.schema.base import Model
from registry.schema.figures import Accuracy as Figure
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.choices import Backend, Exif
from zoo.datasets.coco import CocoSet, load_set
from zoo.datasets.joints import COCO_JOINTS
from zoo.evaluation.against import Against
from zoo.evaluation.average_precision import Metrics
from zoo.evaluation.bootstrap import ConfidenceInterval
from zoo.evaluation.measure import Accuracy, measure_detection, measure_keypoints
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.verdict import (
    Verdict,
    choose_resamples,
    decide_verdict,
    is_whole_split,
    report_without_figure,
    select_figure,
)
from zoo.local_models.source import LocalSource
from zoo.runner.detector import Detector
from zoo.runner.loading import LoadedModel, Normalization, RunConfig
from zoo.runner.postprocess.poses import joint_sigmas
from zoo.runner.preprocess import describe_image_processing
from zoo.runner.protocols import (
    EVALUATION_BOX_THRESHOLD,
    get_detection_protocol,
    get_keypoint_protocol,
    no_protocol_error,
    with_detector_boxes,
)
from zoo.runner.runner import make_detector, make_estimator, require_runnable


class Validation(Model):
    """Measured accuracy of an entry, its conditions, and the verdict on the published figure.

    Attributes:
        entry: ``name@release``.
        detector: Entry whose boxes were used; None for annotated boxes, and for detectors.
        backend: Backend that ran the model.
        precision: Precision of the file. The engine string names the precision of the arithmetic.
        weight_only: Integer type of the stored weights; None where they have the precision of the file.
        calibration: Images that determined the ranges of an ``int8`` file: a folder, or ``drawn figures``.
        artifact: Artifact, for example ``lite-x86-fp32``.
        origin: ``published`` or ``built``.
        engine: Engine and its version.
        image_processing: OpenCV and the instruction sets it uses, on which the last digits depend.
        annotations: Annotation file.
        images: Number of evaluated images.
        results: Number of scored boxes or persons.
        size_mismatches: Images whose size differs from the annotation file: rotated or scaled since.
        notes: Decisions about the data that affect the figures, one sentence each.
        missing: Images of the annotation file that were skipped because they do not exist.
        protocol: Executed protocol.
        published_protocol: Whether this is the protocol of the published figure.
        source: Source of the published figure; None without one.
        metrics: Figures under pycocotools' names, as fractions.
        interval: Their 95 % interval over images; None on the complete split.
        verdict: Comparison with the published figure.
        recorded: Time of the measurement, if it was read from a kept one; None if it was made now.
        against: Comparison with a reference on the same images; None if it was not requested.
        matches: Matches of each image, from which the figures are computed. They are not part of the JSON
            form, and None in a value made from it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    entry: str
    detector: str | None = None
    backend: Backend
    precision: Precision
    weight_only: WeightOnly | None = None
    calibration: str | None = None
    artifact: str
    origin: str
    engine: str
    image_processing: str = ""
    annotations: Path
    images: int
    results: int
    size_mismatches: int = 0
    notes: tuple[str, ...] = ()
    missing: int = 0
    protocol: KeypointProtocol | DetectionProtocol
    published_protocol: bool
    source: Source | None
    metrics: Metrics
    interval: ConfidenceInterval | None
    verdict: Verdict
    recorded: datetime | None = None
    against: Against | None = None
    matches: ImageMatches | None = Field(default=None, exclude=True, repr=False)

    @property
    def passed(self) -> bool:
        """Whether no check failed: that against the reference if there is one, else the published figure."""
        return self.verdict.passed if self.against is None else self.against.verdict.passed


@dataclass(frozen=True)
class MeasuredModel:
    """A model and the engine that runs it, in this process or another.

    Attributes:
        entry: The entry.
        config: Backend, precision and source.
        artifact: Artifact, for example ``lite-x86-fp32``.
        origin: ``published`` or ``built``.
        engine: Engine and its version.
        image_processing: As for ``describe_image_processing``.
        normalization: Whether mean and deviation are applied on the host or inside the graph.
    """

    entry: Entry
    config: RunConfig
    artifact: str
    origin: str
    engine: str
    image_processing: str
    normalization: Normalization


class CocoFolder(Model):
    """A folder in COCO layout and the part of it to evaluate.

    Attributes:
        folder: Folder with ``val2017/`` and ``annotations/``.
        annotations: Annotation file, if it is not in ``folder``.
        images: Folder of the images, if it is not in ``folder``.
        limit: Evaluate only the first N images.
        skip_missing: Skip images that the annotation file names but the folder does not contain.
        exif: Whether EXIF orientations apply; None decides by the annotated image sizes.
    """

    folder: Path
    annotations: Path | None = None
    images: Path | None = None
    limit: int | None = None
    skip_missing: bool = False
    exif: Exif | None = None

    def load(self, protocol: KeypointProtocol | DetectionProtocol, entry: Entry) -> CocoSet:
        """Load the images that the protocol selects, and check that the entry can be evaluated on them.

        Raises:
            NotFoundError: As for ``load_set``.
            UsageError: As for ``load_set``, ``joint_sigmas``, ``match_classes`` and ``require_truth``.
        """
        output = entry.output
        joints = output.joints if isinstance(output, HeatmapOutput) else COCO_JOINTS
        if isinstance(protocol, KeypointProtocol):
            joint_sigmas(joints)
        data = load_set(
            self.folder,
            protocol,
            annotations=self.annotations,
            images=self.images,
            limit=self.limit,
            skip_missing=self.skip_missing,
            joints=joints,
            exif=self.exif,
        )
        if isinstance(protocol, DetectionProtocol) and isinstance(output, DetectionOutput):
            data.match_classes(output.classes, persons_only=protocol.category_scope == "person")
        data.require_truth("keypoints" if isinstance(protocol, KeypointProtocol) else "bbox")
        return data


class DetectorBoxes(Model):
    """Boxes of a detector that replace the annotated ones.

    Attributes:
        detector: Entry of the detector.
        threshold: Minimum score of a box.
    """

    detector: Entry
    threshold: float = Field(default=EVALUATION_BOX_THRESHOLD, ge=0, le=1)


def select_protocol(
    entry: Entry, flip: bool | None, boxes: DetectorBoxes | None = None
) -> KeypointProtocol | DetectionProtocol:
    """Select the protocol of the published figure and apply the options of the caller.

    Args:
        entry: The entry.
        flip: Enable or disable the flip test; None keeps that of the published figure.
        boxes: Detector boxes to use; None uses the annotated ones.

    Raises:
        UsageError: ``option-not-applicable``, or as for ``select_figure`` and ``require_runnable``.
    """
    if boxes is not None:
        require_runnable(entry, boxes.detector)
    figure = select_figure(entry, with_detector_boxes=boxes is not None)
    protocol = figure.protocol if figure else _default_protocol(entry)
    if isinstance(protocol, KeypointProtocol):
        protocol = with_detector_boxes(protocol, boxes.threshold) if boxes else protocol
        return protocol if flip is None else protocol.model_copy(update={"flip": flip})
    if not isinstance(protocol, DetectionProtocol):
        raise no_protocol_error(entry)
    if flip is None:
        return protocol
    raise UsageError(
        "option-not-applicable",
        f"{entry.id} is a detector: its protocol has no flip test",
        hint="repeat without --flip and --no-flip",
    )


def with_stated_thresholds(
    protocol: KeypointProtocol | DetectionProtocol, local: LocalSource | None
) -> KeypointProtocol | DetectionProtocol:
    """Return a protocol with the thresholds that the user stated for a model on disk.

    Args:
        protocol: The protocol. The suppression that a configuration next to the model recommends is that of
            deployment: it has a higher score threshold than an evaluation, and does not apply here.
        local: The model on disk; None for an entry of the catalog.
    """
    if local is None or not isinstance(protocol, DetectionProtocol):
        return protocol
    return protocol.model_copy(update={"nms": local.options.override(protocol.nms)})


def _default_protocol(entry: Entry) -> KeypointProtocol | DetectionProtocol:
    """The protocol of an entry without a figure that can be measured."""
    if isinstance(entry.output, HeatmapOutput):
        return get_keypoint_protocol(entry)
    return get_detection_protocol(entry)


def measure(
    networks: Sequence[LoadedModel],
    data: CocoSet,
    protocol: KeypointProtocol | DetectionProtocol,
    *,
    detectors: Sequence[LoadedModel] = (),
    limit: int | None = None,
    whole: bool | None = None,
    jobs: int = 1,
    on_images: Callable[[int], None] = lambda count: None,
) -> Validation:
    """Run a network over a set of images and compare the accuracy with the published figure.

    Args:
        networks: The network, loaded once or several times; the threads share the copies.
        data: Images that the protocol selects.
        protocol: Protocol to execute.
        detectors: The detector, loaded as many times, if the protocol takes its boxes from one.
        limit: Limit that was applied to the set; None if it contains all images of its folder.
        whole: Whether the set is the complete split of the published figure. Default: decided by
            ``is_whole_split``.
        jobs: Images processed in parallel.
        on_images: Called with the number of images just finished.

    Raises:
        ZooError: As for ``measure_keypoints`` and ``measure_detection``.
    """
    if whole is None:
        whole = is_whole_split(protocol, len(data.document["images"]) - data.missing, limit)
    workers = [
        _Worker(networks[job % len(networks)], detectors[job % len(detectors)] if detectors else None)
        for job in range(jobs)
    ]
    resamples = 0 if whole else choose_resamples(len(data.images))
    measured = _measure(workers, data, protocol, resamples, on_images)
    detector = detectors[0].entry.id if detectors else None
    return make_validation(describe_model(networks[0]), data, measured, detector=detector)


def describe_model(network: LoadedModel) -> MeasuredModel:
    """Describe a loaded network as a value that other processes understand."""
    return MeasuredModel(
        entry=network.entry,
        config=network.config,
        artifact=network.fetched.artifact,
        origin=network.fetched.origin,
        engine=f"{network.session.engine} {network.session.engine_version}",
        image_processing=describe_image_processing(),
        normalization=network.normalization,
    )


def make_validation(
    model: MeasuredModel, data: CocoSet, measured: Accuracy, *, detector: str | None = None
) -> Validation:
    """Compare a measured accuracy with the published figure.

    Args:
        model: The model.
        data: Images that the protocol selects.
        measured: The accuracy.
        detector: Entry of the detector that found the persons.
    """
    protocol = measured.protocol
    figure = select_figure(model.entry, with_detector_boxes=detector is not None)
    calibrator = model.config.calibrator
    # A protocol does not name its detector, so two figures with detector boxes are never comparable.
    published_protocol = detector is None and figure is not None and protocol == figure.protocol
    return Validation(
        entry=model.entry.id,
        detector=detector,
        backend=model.config.backend,
        precision=model.config.precision,
        weight_only=model.config.weight_only,
        calibration=calibrator.source if calibrator else None,
        artifact=model.artifact,
        origin=model.origin,
        engine=model.engine,
        image_processing=model.image_processing,
        annotations=data.annotations,
        images=measured.images,
        results=measured.results,
        size_mismatches=measured.size_mismatches,
        notes=(*measured.notes, *((calibrator.note,) if calibrator else ())),
        missing=data.missing,
        protocol=protocol,
        published_protocol=published_protocol,
        source=figure.source if figure else None,
        metrics=measured.metrics,
        interval=measured.interval,
        verdict=_verdict(figure, measured, published_protocol=published_protocol, detector=detector),
        matches=measured.matches,
    )


def _verdict(
    figure: Figure | None, measured: Accuracy, *, published_protocol: bool, detector: str | None
) -> Verdict:
    if figure is None:
        metric: Literal["AP", "mAP"] = "AP" if isinstance(measured.protocol, KeypointProtocol) else "mAP"
        return report_without_figure(metric, measured.metrics, measured.interval)
    return decide_verdict(
        figure,
        measured.metrics,
        measured.interval,
        images=measured.images,
        published_protocol=published_protocol,
        detector=detector,
    )


@dataclass(frozen=True, eq=False)
class _Worker:
    """Networks of one thread."""

    network: LoadedModel
    detector: LoadedModel | None


def _measure(
    workers: Sequence[_Worker],
    data: CocoSet,
    protocol: KeypointProtocol | DetectionProtocol,
    resamples: int,
    on_images: Callable[[int], None],
) -> Accuracy:
    if isinstance(protocol, KeypointProtocol):
        estimators = [make_estimator(worker.network, protocol) for worker in workers]
        person_detectors = [_person_detector(worker.detector) for worker in workers if worker.detector]
        return measure_keypoints(
            data, estimators, detectors=person_detectors, resamples=resamples, on_images=on_images
        )
    detectors = [make_detector(worker.network, protocol.nms) for worker in workers]
    return measure_detection(data, detectors, protocol, resamples=resamples, on_images=on_images)


def _person_detector(network: LoadedModel) -> Detector:
    return make_detector(network, get_detection_protocol(network.entry).nms)
