"""Measure accuracy on a data set in COCO layout, under a given protocol.

Images are processed and scored in groups. Only the matches of boxes or persons are kept in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
from pydantic import ConfigDict, Field

from registry.errors import UsageError
from registry.schema.base import Model
from registry.schema.io import DetectionOutput
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.arrays import Array
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.categories import ClassMatch
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.evaluation.average_precision import Metrics, Scores
from zoo.evaluation.bootstrap import ConfidenceInterval, bootstrap_interval
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.scoring import Scorer
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, read_image
from zoo.runner.results import DetectionRecord, PoseRecord

GROUP_SIZE = 8
"""Images of a group; the persons of a group form one batch of the network, so a shard has whole groups."""

Worker = TypeVar("Worker")


class Accuracy(Model):
    """Measured accuracy.

    Attributes:
        metrics: The figures.
        interval: Their interval over images; None if it was not requested.
        images: Number of evaluated images.
        results: Number of scored boxes or persons.
        size_mismatches: Images whose size differs from the annotation file.
        notes: Decisions about the data that affect the figures, one sentence each.
        protocol: Executed protocol.
        matches: Matches of each image, from which the figures are computed; not part of the JSON form.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    metrics: Metrics
    interval: ConfidenceInterval | None = None
    images: int
    results: int
    size_mismatches: int = 0
    notes: tuple[str, ...] = ()
    protocol: KeypointProtocol | DetectionProtocol
    matches: ImageMatches = Field(exclude=True, repr=False)


@dataclass(frozen=True, eq=False)
class Matched:
    """Results on some images, matched with their annotations.

    Attributes:
        matches: The matches.
        results: Number of boxes or persons that were found.
        size_mismatches: Images whose size differs from the annotation file.
    """

    matches: ImageMatches
    results: int
    size_mismatches: int


@dataclass(frozen=True, eq=False)
class _Persons:
    """Boxes of the persons in one image, and their scores."""

    boxes: Array
    scores: Array


@dataclass(frozen=True, eq=False)
class _ScoredGroup:
    """A group of images and the results on them."""

    images: Sequence[CocoImage]
    records: Sequence[DetectionRecord]


class _ImageReader:
    """Reads images from several threads and counts those whose size differs from the annotation file.

    Args:
        honor_exif: Whether to rotate an image by its EXIF orientation, where the data set does not decide it.
    """

    def __init__(self, *, honor_exif: bool) -> None:
        self._honor_exif = honor_exif
        self._other_size: list[int | str] = []  # appending is atomic, incrementing is not

    def __call__(self, image: CocoImage) -> Image:
        """Read and decode an image; errors as for ``read_image``."""
        honor_exif = self._honor_exif if image.honor_exif is None else image.honor_exif
        pixels = read_image(image.path, honor_exif=honor_exif)
        if (pixels.width, pixels.height) != (image.width, image.height):
            self._other_size.append(image.id)
        return pixels

    @property
    def size_mismatches(self) -> int:
        """Number of images of a different size."""
        return len(self._other_size)


def measure_keypoints(
    data: CocoSet,
    estimators: Sequence[PoseEstimator],
    *,
    detectors: Sequence[Detector] = (),
    resamples: int = 0,
    on_images: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Measure the object keypoint similarity (OKS) AP of a pose network.

    Args:
        data: Images and annotations.
        estimators: One per thread, all equal; the protocol of the first is executed. Estimators may share a
            thread-safe session.
        detectors: One per estimator, all equal, if the protocol takes the boxes from a detector. Each must be
            configured with the suppression of the detector's own evaluation.
        resamples: Number of bootstrap samples for the interval; 0 computes none.
        on_images: Called with the number of images just finished.

    Raises:
        UsageError: ``boxes-mismatch``.
    """
    matched = match_persons(data, estimators, detectors=detectors, on_images=on_images)
    return score_matches(data, matched, estimators[0].protocol, resamples)


def match_persons(
    data: CocoSet,
    estimators: Sequence[PoseEstimator],
    *,
    detectors: Sequence[Detector] = (),
    on_images: Callable[[int], None] = lambda count: None,
) -> Matched:
    """Run a pose network and match the persons it finds; arguments and errors as for ``measure_keypoints``.

    Args:
        data: The set, or a shard of it.
        estimators: As for ``measure_keypoints``.
        detectors: As for ``measure_keypoints``.
        on_images: As for ``measure_keypoints``.
    """
    protocol = estimators[0].protocol
    if (protocol.boxes == "detector") != bool(detectors):
        raise UsageError(
            "boxes-mismatch",
            "the protocol and the arguments disagree about the source of the person boxes",
            expected=f"boxes from {protocol.boxes}",
            found="a detector" if detectors else "no detector",
            hint="omit the detectors" if detectors else "pass one detector per estimator",
        )
    person = data.person
    read = _ImageReader(honor_exif=protocol.honor_exif)
    person_detectors: Sequence[Detector | None] = detectors or [None] * len(estimators)
    pairs = list(zip(estimators, person_detectors, strict=True))

    def predict(images: Sequence[CocoImage], pair: tuple[PoseEstimator, Detector | None]) -> list[PoseRecord]:
        return _estimate_poses(images, read, *pair, category=person)

    scorer = Scorer(data, "keypoints", categories=(person,), max_detections=protocol.max_detections)
    results = _score_groups(scorer, _predict_groups(data.images, pairs, predict, on_images))
    return Matched(scorer.finish(), results, read.size_mismatches)


def measure_detection(
    data: CocoSet,
    detectors: Sequence[Detector],
    protocol: DetectionProtocol,
    *,
    resamples: int = 0,
    on_images: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Measure the box AP of a detector.

    Classes and categories are matched as by :meth:`zoo.datasets.coco.CocoSet.match_classes`.

    Args:
        data: Images and annotations.
        detectors: One per thread, all equal, configured with the suppression of the protocol. Detectors may
            share a thread-safe session.
        protocol: Protocol with the scored categories and the maximum number of boxes per image.
        resamples: Number of bootstrap samples for the interval; 0 computes none.
        on_images: Called with the number of images just finished.

    Raises:
        UsageError: ``classes-mismatch``.
    """
    classes = select_classes(data, detectors[0].output, protocol)
    matched = match_boxes(data, detectors, protocol, classes=classes, on_images=on_images)
    accuracy = score_matches(data, matched, protocol, resamples)
    return (
        accuracy.model_copy(update={"notes": (*accuracy.notes, classes.note)}) if classes.note else accuracy
    )


def select_classes(data: CocoSet, output: DetectionOutput, protocol: DetectionProtocol) -> ClassMatch:
    """Match the classes of a detector with the categories of a set, as the protocol selects them.

    Args:
        data: The whole set: its annotations take part in the decision.
        output: Output of the network.
        protocol: Protocol with the scored categories.

    Raises:
        UsageError: ``classes-mismatch``.
    """
    return data.match_classes(output.classes, persons_only=protocol.category_scope == "person")


def match_boxes(
    data: CocoSet,
    detectors: Sequence[Detector],
    protocol: DetectionProtocol,
    *,
    classes: ClassMatch,
    on_images: Callable[[int], None] = lambda count: None,
) -> Matched:
    """Run a detector and match the boxes it finds; arguments as for ``measure_detection``.

    Args:
        data: The set, or a shard of it.
        detectors: As for ``measure_detection``.
        protocol: As for ``measure_detection``.
        classes: Categories of the classes, for the whole set.
        on_images: As for ``measure_detection``.
    """
    persons_only = protocol.category_scope == "person"
    scope = (data.person,) if persons_only else tuple(each for each in classes.ids if each is not None)
    read = _ImageReader(honor_exif=protocol.honor_exif)

    def predict(images: Sequence[CocoImage], detector: Detector) -> list[DetectionRecord]:
        records: list[DetectionRecord] = []
        for image in images:
            found = detector(read(image)).records(image.id, classes.ids)
            records += [record for record in found if record["category_id"] in scope]
        return records

    scorer = Scorer(data, "bbox", categories=scope, max_detections=protocol.max_detections)
    results = _score_groups(scorer, _predict_groups(data.images, detectors, predict, on_images))
    return Matched(scorer.finish(), results, read.size_mismatches)


def _score_groups(scorer: Scorer, groups: Iterable[_ScoredGroup]) -> int:
    """Score groups of images as they arrive and return the number of results."""
    results = 0
    for group in groups:
        scorer.add(group.images, group.records)
        results += len(group.records)
    return results


def score_matches(
    data: CocoSet, matched: Matched, protocol: KeypointProtocol | DetectionProtocol, resamples: int
) -> Accuracy:
    """Compute the figures of matched images.

    Args:
        data: The set.
        matched: Matches of all its images.
        protocol: Executed protocol.
        resamples: Number of bootstrap samples for the interval; 0 computes none.
    """
    matches = matched.matches
    scores = Scores(matches)
    return Accuracy(
        metrics=scores.metrics,
        interval=bootstrap_interval(scores, len(matches.images), resamples) if resamples else None,
        images=len(data.images),
        results=matched.results,
        size_mismatches=matched.size_mismatches,
        notes=data.notes,
        protocol=protocol,
        matches=matches,
    )


def _estimate_poses(
    images: Sequence[CocoImage],
    read: Callable[[CocoImage], Image],
    estimator: PoseEstimator,
    detector: Detector | None,
    *,
    category: int,
) -> list[PoseRecord]:
    """Estimate the poses in a group of images; the persons of all images form one batch."""
    protocol = estimator.protocol
    prepared, persons = [], []
    for image in images:
        pixels = read(image)
        found = _detect_persons(pixels, detector, protocol) if detector else _annotated_persons(image)
        persons.append(found)
        prepared.append(estimator.prepare(pixels, found.boxes))
    maps = estimator.heatmaps(np.concatenate([part.tensor for part in prepared]))
    ends = np.cumsum([len(part.regions) for part in prepared])
    records: list[PoseRecord] = []
    for image, part, found, own in zip(images, prepared, persons, np.split(maps, ends[:-1]), strict=True):
        records += estimator.finish(own, part, found.boxes, found.scores).records(image.id, category)
    return records


def _annotated_persons(image: CocoImage) -> _Persons:
    boxes = image.persons_with_keypoints()
    return _Persons(boxes, np.ones(len(boxes)))


def _detect_persons(pixels: Image, detector: Detector, protocol: KeypointProtocol) -> _Persons:
    persons = detector(pixels).above(protocol.box_threshold or 0.0, label=detector.person)
    return _Persons(persons.boxes, persons.scores)


def _predict_groups(
    images: Sequence[CocoImage],
    workers: Sequence[Worker],
    predict: Callable[[Sequence[CocoImage], Worker], Sequence[DetectionRecord]],
    on_images: Callable[[int], None],
) -> Iterator[_ScoredGroup]:
    """Yield the results of all images, group by group and in order, from one thread per worker."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def work(group: Sequence[CocoImage]) -> Sequence[DetectionRecord]:
        worker = idle.get()
        try:
            return predict(group, worker)
        finally:
            idle.put(worker)

    groups = [images[start : start + GROUP_SIZE] for start in range(0, len(images), GROUP_SIZE)]
    results = map_ahead(work, groups, threads=len(workers), ahead=2 * len(workers))
    for group, records in zip(groups, results, strict=True):
        on_images(len(group))
        yield _ScoredGroup(group, records)
