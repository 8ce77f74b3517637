"""COCO's average precision, computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from registry.errors import MissingToolError
from registry.schema.base import Model
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.datasets.coco_annotations import JOINT_VALUES, Kind
from zoo.runner.postprocess.poses import COCO_SIGMAS
from zoo.runner.results import DetectionRecord, PoseRecord

_FIT = "1.8."
"""Versions whose inner functions are those used here; the extra ``run`` asks for them."""


class Metrics(Model):
    """Figures under pycocotools' names, as fractions; None where the set holds nothing to find.

    Attributes:
        AP: Mean over the thresholds 0.50, 0.55, … 0.95.
        AP50: At 0.50.
        AP75: At 0.75.
        AR: Mean recall over the same thresholds, at the protocol's number of detections per photo.
    """

    AP: float | None
    AP50: float | None
    AP75: float | None
    AR: float | None


class Spread(Model):
    """How far the figures move when the images are drawn anew from the same set.

    Attributes:
        low: The figures' lower ends of the 95 % interval, as fractions.
        high: Their upper ends.
        resamples: Sets of images that were drawn.
        seed: Of the draws.
    """

    low: Metrics
    high: Metrics
    resamples: int
    seed: int


@dataclass(frozen=True, eq=False)
class Scored:
    """Results that were compared with annotations.

    Attributes:
        metrics: The figures.
        matches: What the evaluator matched in each image: a list a category, images ordered by id.
        parameters: The evaluator's parameters for all of them.
    """

    metrics: Metrics
    matches: Sequence[Sequence[Any]]
    parameters: Any

    def spread(self, resamples: int, *, seed: int = 0) -> Spread:
        """Bootstrap percentile interval over images (Efron, Annals of Statistics 7, 1979).

        Args:
            resamples: Sets to draw, each as large as the set itself.
            seed: Of the draws; the same seed gives the same interval.
        """
        images = len(self.parameters.imgIds)
        # Named, because the generator behind default_rng may change.
        random = np.random.Generator(np.random.PCG64(seed))
        figures: dict[str, list[float]] = {name: [] for name in Metrics.model_fields}
        for _ in range(resamples):
            drawn = random.integers(images, size=images).tolist()
            found = _accumulated(
                [[block[image] for image in drawn] for block in self.matches], self.parameters
            )
            for name, value in found.model_dump().items():
                figures[name] += [value] if value is not None else []
        ends = {
            name: np.percentile(values, (2.5, 97.5)).tolist() if values else (None, None)
            for name, values in figures.items()
        }
        low, high = (Metrics(**{name: pair[end] for name, pair in ends.items()}) for end in (0, 1))
        return Spread(low=low, high=high, resamples=resamples, seed=seed)


def _evaluator() -> Any:
    try:
        import faster_coco_eval  # native code that only scoring needs
    except ImportError as error:
        raise MissingToolError(
            "evaluator-missing",
            "faster-coco-eval is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    version = metadata.version("faster-coco-eval")
    if not version.startswith(_FIT):
        raise MissingToolError(
            "evaluator-incompatible",
            "this version of faster-coco-eval may match and average in another way",
            expected=f"faster-coco-eval {_FIT}x",
            found=version,
            hint="pip install 'paddle-zoo[run]'",
        )
    return faster_coco_eval


class Scorer:
    """Compares results with annotations, some images at a time, and keeps no more than how they matched.

    Images and annotations get numbers of our own, in the order of their ids: the evaluator knows no other ids
    than whole numbers, mixes up annotations of one id, and like pycocotools counts one of id 0 as not found.

    Args:
        data: The set; only its chosen images count.
        kind: Compare boxes by overlap or key points by similarity.
        categories: COCO category ids that are averaged over.
        max_detections: Results per image that count, best first.

    Raises:
        MissingToolError: ``evaluator-missing``, or ``evaluator-incompatible`` for a version it was not tried with.
    """

    def __init__(
        self, data: CocoSet, kind: Kind, *, categories: tuple[int, ...], max_detections: int
    ) -> None:
        self._library = _evaluator()
        self._data = data
        self._kind = kind
        self._categories = sorted(categories)
        self._max_detections = max_detections
        self._matches: dict[int, list[Any]] = {}
        ids = sorted((image.id for image in data.images), key=lambda each: (isinstance(each, str), each))
        self._numbers = {number: place for place, number in enumerate(ids, start=1)}

    def add(self, images: Sequence[CocoImage], records: Sequence[DetectionRecord | PoseRecord]) -> None:
        """Compare the results on some images, whose annotations and results can be forgotten then."""
        evaluation = self._evaluation(images, records)
        evaluation.evaluate()
        # What matched in each image, ordered by category and photo. The evaluator has no public name for it;
        # the versions that `_evaluator` lets pass have this one.
        matches = evaluation._evalImgs_cpp
        for place, image in enumerate(sorted(self._numbers[image.id] for image in images)):
            self._matches[image] = matches[place :: len(images)]

    def scored(self) -> Scored:
        """The figures over all images that were added."""
        parameters = self._evaluation((), ()).params
        parameters.imgIds = sorted(self._matches)
        rows = [self._matches[image] for image in parameters.imgIds]
        by_category = [[row[block] for row in rows] for block in range(len(self._categories))]
        return Scored(_accumulated(by_category, parameters), by_category, parameters)

    def _evaluation(
        self, images: Sequence[CocoImage], records: Sequence[DetectionRecord | PoseRecord]
    ) -> Any:
        annotations = [item for image in images for item in self._truth(image)]
        document = {
            "images": [{"id": self._numbers[image.id]} for image in images],
            "annotations": [item | {"id": place} for place, item in enumerate(annotations, start=1)],
            "categories": [{"id": category} for category in self._categories],
        }
        results = [{**record, "image_id": self._numbers[record["image_id"]]} for record in records]
        truth = self._library.COCO(document)
        sigmas = COCO_SIGMAS.tolist() if self._kind == "keypoints" else None
        evaluation = self._library.COCOeval_faster(
            truth, truth.loadRes(results), self._kind, kpt_oks_sigmas=sigmas, separate_eval=True
        )
        evaluation.params.imgIds = [self._numbers[image.id] for image in images]
        evaluation.params.catIds = self._categories
        evaluation.params.maxDets = [self._max_detections]
        # The other ranges, small to large objects, are figures nobody asks for here, and most of the time.
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        return evaluation

    def _truth(self, image: CocoImage) -> list[dict[str, Any]]:
        """The annotations of the scored categories, with the fields that may be left out of the file."""
        kept = [item for item in image.annotations if item["category_id"] in self._categories]
        return [self._complete(item) | {"image_id": self._numbers[image.id]} for item in kept]

    def _complete(self, annotation: Mapping[str, Any]) -> dict[str, Any]:
        width, height = annotation["bbox"][2:]
        fields = {
            "category_id": annotation["category_id"],
            "bbox": [float(value) for value in annotation["bbox"]],
            "area": float(annotation.get("area", width * height)),
            "iscrowd": int(bool(annotation.get("iscrowd"))),
        }
        if self._kind == "bbox":
            return fields
        joints = annotation.get("keypoints") or [0] * JOINT_VALUES
        seen = sum(value > 0 for value in joints[2::3])
        return fields | {"keypoints": joints, "num_keypoints": annotation.get("num_keypoints", seen)}


def _accumulated(by_category: Sequence[Sequence[Any]], parameters: Any) -> Metrics:
    # The evaluator has no public way to accumulate an image twice; this function of its native half takes
    # any list that is ordered by category and photo.
    from faster_coco_eval.faster_eval_api_cpp import COCOevalAccumulate

    flat = [matches for block in by_category for matches in block]
    return _metrics(COCOevalAccumulate(parameters, flat), parameters.iouThrs)


def score(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Kind,
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Metrics:
    """The figures of results on all images of a set; arguments and errors as for :class:`Scorer`."""
    scorer = Scorer(data, kind, categories=categories, max_detections=max_detections)
    scorer.add(data.images, records)
    return scorer.scored().metrics


def _metrics(tables: Any, overlaps: Any) -> Metrics:
    """Means over the accumulated tables at the only area, "all", and the only detection limit.

    Read from the tables and not from the evaluator's summary, which expects three limits for boxes.
    """
    precision = np.asarray(tables["precision"])[:, :, :, 0, -1]  # threshold, recall, category
    recall = np.asarray(tables["recall"])[:, :, 0, -1]  # threshold, category
    thresholds = np.asarray(overlaps)
    return Metrics(
        AP=_mean(precision),
        AP50=_mean(precision[np.isclose(thresholds, 0.5)]),
        AP75=_mean(precision[np.isclose(thresholds, 0.75)]),
        AR=_mean(recall),
    )


def _mean(values: Any) -> float | None:
    present = values[values > -1]  # -1 marks a category without annotations
    return float(present.mean()) if present.size else None
