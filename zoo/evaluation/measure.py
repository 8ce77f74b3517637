"""Accuracy on a folder laid out as COCO is, under the protocol of a catalog entry.

Images are taken in groups, looked at, scored and forgotten; what stays is which box or person matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from registry.errors import UsageError
from registry.schema.base import Model
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.arrays import Array
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.evaluation.scoring import Metrics, Scorer, Spread
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, read_image
from zoo.runner.results import DetectionRecord, PoseRecord

_GROUP = 8  # images; their persons fill a batch of the network

Worker = TypeVar("Worker")


class Accuracy(Model):
    """What was measured.

    Attributes:
        metrics: The figures.
        spread: Their interval over images; None where none was asked for.
        images: Images looked at.
        results: Boxes or persons that were scored.
        other_size: Images that are not as large as the annotation file says.
        protocol: How it was measured.
    """

    metrics: Metrics
    spread: Spread | None = None
    images: int
    results: int
    other_size: int = 0
    protocol: KeypointProtocol | DetectionProtocol


@dataclass(frozen=True, eq=False)
class _Persons:
    """Boxes of the persons in one image and their scores."""

    boxes: Array
    scores: Array


@dataclass(frozen=True, eq=False)
class _Looked:
    """A group of images and what was found in them."""

    images: Sequence[CocoImage]
    records: Sequence[DetectionRecord]


class _Reading:
    """Reads images, from several threads, and counts those that are not as large as the file says.

    Args:
        honor_exif: Whether an image is turned by its EXIF orientation.
    """

    def __init__(self, *, honor_exif: bool) -> None:
        self._honor_exif = honor_exif
        self._other_size: list[int | str] = []  # appending is atomic, adding to a number is not

    def __call__(self, image: CocoImage) -> Image:
        """The image, decoded; errors as for ``read_image``."""
        pixels = read_image(image.path, honor_exif=self._honor_exif)
        if (pixels.width, pixels.height) != (image.width, image.height):
            self._other_size.append(image.id)
        return pixels

    @property
    def other_size(self) -> int:
        """How many were of another size."""
        return len(self._other_size)


def measure_keypoints(
    data: CocoSet,
    estimators: Sequence[PoseEstimator],
    *,
    detectors: Sequence[Detector] = (),
    resamples: int = 0,
    on_images: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Object keypoint similarity AP of a pose network.

    Args:
        data: Images and annotations.
        estimators: One per thread, all alike; the first one's protocol is what is executed. Estimators may
            share a session that answers several callers at a time.
        detectors: Find the persons, for protocols whose boxes come from a detector: one per estimator, all
            alike, made with the suppression of that detector's own evaluation.
        resamples: Sets of images to draw for the interval; 0 leaves it out.
        on_images: Called with the number of images just finished.

    Raises:
        UsageError: ``boxes-mismatch``.
    """
    protocol = estimators[0].protocol
    if (protocol.boxes == "detector") != bool(detectors):
        raise UsageError(
            "boxes-mismatch",
            "protocol and arguments disagree about where person boxes come from",
            expected=f"boxes from {protocol.boxes}",
            found="a detector was given" if detectors else "no detector was given",
            hint="leave the detectors out" if detectors else "give a detector for each estimator",
        )
    person = data.person
    read = _Reading(honor_exif=protocol.honor_exif)
    finders: Sequence[Detector | None] = detectors or [None] * len(estimators)
    pairs = list(zip(estimators, finders, strict=True))

    def look(photos: Sequence[CocoImage], pair: tuple[PoseEstimator, Detector | None]) -> list[PoseRecord]:
        return _poses_of(photos, read, *pair, category=person)

    scorer = Scorer(data, "keypoints", categories=(person,), max_detections=protocol.max_detections)
    results = _scored(scorer, _over_images(data.images, pairs, look, on_images))
    return _accuracy(data, scorer, protocol, resamples, results=results, other_size=read.other_size)


def measure_detection(
    data: CocoSet,
    detectors: Sequence[Detector],
    protocol: DetectionProtocol,
    *,
    resamples: int = 0,
    on_images: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Box AP of a detector.

    Class ``i`` of the network is the ``i``-th category of the annotation file, or person for a network that
    knows nothing else.

    Args:
        data: Images and annotations.
        detectors: One per thread, all alike, made with the protocol's suppression. Detectors may share a
            session that answers several callers at a time.
        protocol: Which categories count, and how many boxes of a photo.
        resamples: Sets of images to draw for the interval; 0 leaves it out.
        on_images: Called with the number of images just finished.

    Raises:
        UsageError: ``classes-mismatch``.
    """
    categories = _categories(data, detectors[0])
    scope = (data.person,) if protocol.category_scope == "person" else data.categories

    read = _Reading(honor_exif=protocol.honor_exif)

    def look(photos: Sequence[CocoImage], detector: Detector) -> list[DetectionRecord]:
        records: list[DetectionRecord] = []
        for image in photos:
            found = detector(read(image)).records(image.id, categories)
            records += [record for record in found if record["category_id"] in scope]
        return records

    scorer = Scorer(data, "bbox", categories=scope, max_detections=protocol.max_detections)
    results = _scored(scorer, _over_images(data.images, detectors, look, on_images))
    return _accuracy(data, scorer, protocol, resamples, results=results, other_size=read.other_size)


def _scored(scorer: Scorer, looked: Iterable[_Looked]) -> int:
    """Scores groups of images as they come, and counts what was found in them."""
    results = 0
    for group in looked:
        scorer.add(group.images, group.records)
        results += len(group.records)
    return results


def _accuracy(
    data: CocoSet,
    scorer: Scorer,
    protocol: KeypointProtocol | DetectionProtocol,
    resamples: int,
    *,
    results: int,
    other_size: int,
) -> Accuracy:
    scored = scorer.scored()
    return Accuracy(
        metrics=scored.metrics,
        spread=scored.spread(resamples) if resamples else None,
        images=len(data.images),
        results=results,
        other_size=other_size,
        protocol=protocol,
    )


def _categories(data: CocoSet, detector: Detector) -> tuple[int, ...]:
    classes = detector.output.classes
    if classes == ("person",):
        return (data.person,)
    if len(classes) != len(data.categories):
        raise UsageError(
            "classes-mismatch",
            f"the network and {data.annotations} do not know the same categories",
            expected=f"{len(classes)} categories",
            found=f"{len(data.categories)}",
            hint="name the annotations the network was trained for with --annotations",
        )
    return data.categories


def _poses_of(
    photos: Sequence[CocoImage],
    read: Callable[[CocoImage], Image],
    estimator: PoseEstimator,
    detector: Detector | None,
    *,
    category: int,
) -> list[PoseRecord]:
    """Poses in a group of images; the network sees the persons of all of them together."""
    protocol = estimator.protocol
    prepared, persons = [], []
    for image in photos:
        pixels = read(image)
        found = _found(pixels, detector, protocol) if detector else _annotated(image)
        persons.append(found)
        prepared.append(estimator.prepare(pixels, found.boxes))
    maps = estimator.heatmaps(np.concatenate([part.tensor for part in prepared]))
    ends = np.cumsum([len(part.regions) for part in prepared])
    records: list[PoseRecord] = []
    for image, part, found, own in zip(photos, prepared, persons, np.split(maps, ends[:-1]), strict=True):
        records += estimator.finish(own, part, found.boxes, found.scores).records(image.id, category)
    return records


def _annotated(image: CocoImage) -> _Persons:
    boxes = image.persons_with_keypoints()
    return _Persons(boxes, np.ones(len(boxes)))


def _found(pixels: Image, detector: Detector, protocol: KeypointProtocol) -> _Persons:
    persons = detector(pixels).above(protocol.box_threshold or 0.0, label=detector.person)
    return _Persons(persons.boxes, persons.scores)


def _over_images(
    photos: Sequence[CocoImage],
    workers: Sequence[Worker],
    look: Callable[[Sequence[CocoImage], Worker], Sequence[DetectionRecord]],
    on_images: Callable[[int], None],
) -> Iterator[_Looked]:
    """Records of all images, group by group, in order, from as many threads as there are workers."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def work(group: Sequence[CocoImage]) -> Sequence[DetectionRecord]:
        worker = idle.get()
        try:
            return look(group, worker)
        finally:
            idle.put(worker)

    groups = [photos[start : start + _GROUP] for start in range(0, len(photos), _GROUP)]
    results = map_ahead(work, groups, threads=len(workers), ahead=2 * len(workers))
    for group, records in zip(groups, results, strict=True):
        on_images(len(group))
        yield _Looked(group, records)
