"""Accuracy on a folder laid out as COCO is, under the protocol of a catalogue entry.

Photos are taken in groups, looked at, scored and forgotten; what stays is which box or person matched.
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
from zoo.datasets.coco import CocoPhoto, CocoSet
from zoo.evaluation.scoring import Metrics, Scorer, Spread
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Photo, read_photo
from zoo.runner.results import DetectionRecord, PoseRecord

_GROUP = 8  # photos; their persons fill a batch of the network

Worker = TypeVar("Worker")


class Accuracy(Model):
    """What was measured.

    Attributes:
        metrics: The figures.
        spread: Their interval over photos; None where none was asked for.
        photos: Photos looked at.
        results: Boxes or persons that were scored.
        other_size: Photos that are not as large as the annotation file says.
        protocol: How it was measured.
    """

    metrics: Metrics
    spread: Spread | None = None
    photos: int
    results: int
    other_size: int = 0
    protocol: KeypointProtocol | DetectionProtocol


@dataclass(frozen=True, eq=False)
class _Persons:
    """Boxes of the persons in one photo and their scores."""

    boxes: Array
    scores: Array


@dataclass(frozen=True, eq=False)
class _Looked:
    """A group of photos and what was found in them."""

    photos: Sequence[CocoPhoto]
    records: Sequence[DetectionRecord]


class _Reading:
    """Reads photos, from several threads, and counts those that are not as large as the file says.

    Args:
        honour_exif: Whether a photo is turned by its EXIF orientation.
    """

    def __init__(self, *, honour_exif: bool) -> None:
        self._honour_exif = honour_exif
        self._other_size: list[int | str] = []  # appending is atomic, adding to a number is not

    def __call__(self, photo: CocoPhoto) -> Photo:
        """The photo, decoded; errors as for ``read_photo``."""
        pixels = read_photo(photo.path, honour_exif=self._honour_exif)
        if (pixels.width, pixels.height) != (photo.width, photo.height):
            self._other_size.append(photo.id)
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
    on_photos: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Object keypoint similarity AP of a pose network.

    Args:
        data: Photos and annotations.
        estimators: One per thread, all alike; the first one's protocol is what is executed. Estimators may
            share a session that answers several callers at a time.
        detectors: Find the persons, for protocols whose boxes come from a detector: one per estimator, all
            alike, made with the suppression of that detector's own evaluation.
        resamples: Sets of photos to draw for the interval; 0 leaves it out.
        on_photos: Called with the number of photos just finished.

    Raises:
        UsageError: ``boxes-contradict-protocol``.
    """
    protocol = estimators[0].protocol
    if (protocol.boxes == "detector") != bool(detectors):
        raise UsageError(
            "boxes-contradict-protocol",
            "protocol and arguments disagree about where person boxes come from",
            expected=f"boxes from {protocol.boxes}",
            found="a detector was given" if detectors else "no detector was given",
            hint="leave the detectors out" if detectors else "give a detector for each estimator",
        )
    person = data.person
    read = _Reading(honour_exif=protocol.honour_exif)
    finders: Sequence[Detector | None] = detectors or [None] * len(estimators)
    pairs = list(zip(estimators, finders, strict=True))

    def look(photos: Sequence[CocoPhoto], pair: tuple[PoseEstimator, Detector | None]) -> list[PoseRecord]:
        return _poses_of(photos, read, *pair, category=person)

    scorer = Scorer(data, "keypoints", categories=(person,), max_detections=protocol.max_detections)
    results = _scored(scorer, _over_photos(data.photos, pairs, look, on_photos))
    return _accuracy(data, scorer, protocol, resamples, results=results, other_size=read.other_size)


def measure_detection(
    data: CocoSet,
    detectors: Sequence[Detector],
    protocol: DetectionProtocol,
    *,
    resamples: int = 0,
    on_photos: Callable[[int], None] = lambda count: None,
) -> Accuracy:
    """Box AP of a detector.

    Class ``i`` of the network is the ``i``-th category of the annotation file, or person for a network that
    knows nothing else.

    Args:
        data: Photos and annotations.
        detectors: One per thread, all alike, made with the protocol's suppression. Detectors may share a
            session that answers several callers at a time.
        protocol: Which categories count, and how many boxes of a photo.
        resamples: Sets of photos to draw for the interval; 0 leaves it out.
        on_photos: Called with the number of photos just finished.

    Raises:
        UsageError: ``classes-contradict-annotations``.
    """
    categories = _categories(data, detectors[0])
    scope = (data.person,) if protocol.category_scope == "person" else data.categories

    read = _Reading(honour_exif=protocol.honour_exif)

    def look(photos: Sequence[CocoPhoto], detector: Detector) -> list[DetectionRecord]:
        records: list[DetectionRecord] = []
        for photo in photos:
            found = detector(read(photo)).records(photo.id, categories)
            records += [record for record in found if record["category_id"] in scope]
        return records

    scorer = Scorer(data, "bbox", categories=scope, max_detections=protocol.max_detections)
    results = _scored(scorer, _over_photos(data.photos, detectors, look, on_photos))
    return _accuracy(data, scorer, protocol, resamples, results=results, other_size=read.other_size)


def _scored(scorer: Scorer, looked: Iterable[_Looked]) -> int:
    """Scores groups of photos as they come, and counts what was found in them."""
    results = 0
    for group in looked:
        scorer.add(group.photos, group.records)
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
        photos=len(data.photos),
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
            "classes-contradict-annotations",
            f"the network and {data.annotations} do not know the same categories",
            expected=f"{len(classes)} categories",
            found=f"{len(data.categories)}",
            hint="name the annotations the network was trained for with --annotations",
        )
    return data.categories


def _poses_of(
    photos: Sequence[CocoPhoto],
    read: Callable[[CocoPhoto], Photo],
    estimator: PoseEstimator,
    detector: Detector | None,
    *,
    category: int,
) -> list[PoseRecord]:
    """Poses in a group of photos; the network sees the persons of all of them together."""
    protocol = estimator.protocol
    prepared, persons = [], []
    for photo in photos:
        pixels = read(photo)
        found = _found(pixels, detector, protocol) if detector else _annotated(photo)
        persons.append(found)
        prepared.append(estimator.prepare(pixels, found.boxes))
    maps = estimator.heatmaps(np.concatenate([part.tensor for part in prepared]))
    ends = np.cumsum([len(part.regions) for part in prepared])
    records: list[PoseRecord] = []
    for photo, part, found, own in zip(photos, prepared, persons, np.split(maps, ends[:-1]), strict=True):
        records += estimator.finish(own, part, found.boxes, found.scores).records(photo.id, category)
    return records


def _annotated(photo: CocoPhoto) -> _Persons:
    boxes = photo.persons_with_keypoints()
    return _Persons(boxes, np.ones(len(boxes)))


def _found(pixels: Photo, detector: Detector, protocol: KeypointProtocol) -> _Persons:
    persons = detector(pixels).above(protocol.box_threshold or 0.0, label=detector.person)
    return _Persons(persons.boxes, persons.scores)


def _over_photos(
    photos: Sequence[CocoPhoto],
    workers: Sequence[Worker],
    look: Callable[[Sequence[CocoPhoto], Worker], Sequence[DetectionRecord]],
    on_photos: Callable[[int], None],
) -> Iterator[_Looked]:
    """Records of all photos, group by group, in order, from as many threads as there are workers."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def work(group: Sequence[CocoPhoto]) -> Sequence[DetectionRecord]:
        worker = idle.get()
        try:
            return look(group, worker)
        finally:
            idle.put(worker)

    groups = [photos[start : start + _GROUP] for start in range(0, len(photos), _GROUP)]
    results = map_ahead(work, groups, threads=len(workers), ahead=2 * len(workers))
    for group, records in zip(groups, results, strict=True):
        on_photos(len(group))
        yield _Looked(group, records)
