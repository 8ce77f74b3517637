"""Compute COCO's average precision with faster-coco-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from registry.errors import MissingToolError
from registry.schema.base import Model
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.datasets.coco_annotations import Kind, count_visible_joints
from zoo.runner.postprocess.poses import joint_sigmas
from zoo.runner.results import DetectionRecord, PoseRecord

_SUPPORTED = "1.8."
"""Prefix of the supported versions, whose internal functions are used below; the extra ``run`` pins them."""


class Metrics(Model):
    """Figures under pycocotools' names, as fractions; None if the set contains no instance to find.

    Attributes:
        AP: Mean average precision over the thresholds 0.50, 0.55, … 0.95.
        AP50: Average precision at threshold 0.50.
        AP75: Average precision at threshold 0.75.
        AR: Mean recall over the same thresholds, at the protocol's maximum number of detections per image.
    """

    AP: float | None
    AP50: float | None
    AP75: float | None
    AR: float | None


class ConfidenceInterval(Model):
    """95 % bootstrap interval of the figures over images.

    Attributes:
        low: Lower ends, as fractions.
        high: Upper ends.
        resamples: Number of bootstrap samples.
        seed: Seed of the random generator.
    """

    low: Metrics
    high: Metrics
    resamples: int
    seed: int


@dataclass(frozen=True, eq=False)
class ScoredResults:
    """Results that were matched with annotations.

    Attributes:
        metrics: The figures.
        matches: Matches of each image: one list per category, images ordered by id.
        parameters: Parameters of the evaluator for all images.
    """

    metrics: Metrics
    matches: Sequence[Sequence[Any]]
    parameters: Any

    def bootstrap_interval(self, resamples: int, *, seed: int = 0) -> ConfidenceInterval:
        """Compute the bootstrap percentile interval over images (Efron, Annals of Statistics 7, 1979).

        Args:
            resamples: Number of bootstrap samples, each as large as the set.
            seed: Seed of the random generator; equal seeds give equal intervals.
        """
        images = len(self.parameters.imgIds)
        # PCG64 is named explicitly because the generator behind default_rng may change.
        random = np.random.Generator(np.random.PCG64(seed))
        figures: dict[str, list[float]] = {name: [] for name in Metrics.model_fields}
        for _ in range(resamples):
            drawn = random.integers(images, size=images).tolist()
            found = _accumulate(
                [[block[image] for image in drawn] for block in self.matches], self.parameters
            )
            for name, value in found.model_dump().items():
                figures[name] += [value] if value is not None else []
        ends = {
            name: np.percentile(values, (2.5, 97.5)).tolist() if values else (None, None)
            for name, values in figures.items()
        }
        low, high = (Metrics(**{name: pair[end] for name, pair in ends.items()}) for end in (0, 1))
        return ConfidenceInterval(low=low, high=high, resamples=resamples, seed=seed)


def _evaluator() -> Any:
    try:
        import faster_coco_eval  # imported here: only scoring needs its native code
    except ImportError as error:
        raise MissingToolError(
            "evaluator-missing",
            "faster-coco-eval is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    version = metadata.version("faster-coco-eval")
    if not version.startswith(_SUPPORTED):
        raise MissingToolError(
            "evaluator-incompatible",
            "this version of faster-coco-eval is not supported: it may match and average differently",
            expected=f"faster-coco-eval {_SUPPORTED}x",
            found=version,
            hint="pip install 'paddle-zoo[run]'",
        )
    return faster_coco_eval


class Scorer:
    """Matches results with annotations, group by group, and keeps only the matches.

    Images and annotations are renumbered in the order of their ids: the evaluator accepts only integers as
    ids, confuses annotations with equal ids and, like pycocotools, counts annotation 0 as not found.

    Args:
        data: The set; only its selected images count.
        kind: Match boxes by overlap, or keypoints by similarity.
        categories: COCO category ids to average over.
        max_detections: Maximum number of results per image, best first.

    Raises:
        MissingToolError: ``evaluator-missing``, or ``evaluator-incompatible`` for an unsupported version.
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
        """Match the results on some images; their annotations and results are not needed afterwards."""
        evaluation = self._evaluation(images, records)
        evaluation.evaluate()
        # Matches ordered by category and image. The evaluator has no public name for them; the versions that
        # `_evaluator` accepts have this private one.
        matches = evaluation._evalImgs_cpp
        for place, image in enumerate(sorted(self._numbers[image.id] for image in images)):
            self._matches[image] = matches[place :: len(images)]

    def finish(self) -> ScoredResults:
        """Compute the figures over all added images."""
        parameters = self._evaluation((), ()).params
        parameters.imgIds = sorted(self._matches)
        rows = [self._matches[image] for image in parameters.imgIds]
        by_category = [[row[block] for row in rows] for block in range(len(self._categories))]
        return ScoredResults(_accumulate(by_category, parameters), by_category, parameters)

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
        sigmas = joint_sigmas(self._data.joints).tolist() if self._kind == "keypoints" else None
        evaluation = self._library.COCOeval_faster(
            truth, truth.loadRes(results), self._kind, kpt_oks_sigmas=sigmas, separate_eval=True
        )
        evaluation.params.imgIds = [self._numbers[image.id] for image in images]
        evaluation.params.catIds = self._categories
        evaluation.params.maxDets = [self._max_detections]
        # The ranges of small, medium and large objects are not reported but would take most of the time.
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        return evaluation

    def _truth(self, image: CocoImage) -> list[dict[str, Any]]:
        """Annotations of the scored categories, with defaults for optional fields."""
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
        joints = annotation.get("keypoints") or [0] * 3 * len(self._data.joints)
        # Counted here: a wrong num_keypoints of 0 would make the evaluator ignore the person.
        return fields | {
            "keypoints": [float(value) for value in joints],
            "num_keypoints": count_visible_joints(annotation),
        }


def _accumulate(by_category: Sequence[Sequence[Any]], parameters: Any) -> Metrics:
    # The evaluator has no public way to accumulate an image twice. This function of its native module accepts
    # any list ordered by category and image.
    from faster_coco_eval.faster_eval_api_cpp import COCOevalAccumulate

    flat = [matches for block in by_category for matches in block]
    return _read_metrics(COCOevalAccumulate(parameters, flat), parameters.iouThrs)


def score(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Kind,
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Metrics:
    """Score results on all images of a set; arguments and errors as for :class:`Scorer`."""
    scorer = Scorer(data, kind, categories=categories, max_detections=max_detections)
    scorer.add(data.images, records)
    return scorer.finish().metrics


def _read_metrics(tables: Any, overlaps: Any) -> Metrics:
    """Average the accumulated tables at the only area, "all", and the only detection limit.

    The evaluator's own summary cannot be used: it expects three detection limits for boxes.
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
