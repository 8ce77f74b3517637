"""COCO's average precision, computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from registry.errors import MissingToolError
from registry.schema.base import Model
from zoo.runner.postprocess.poses import COCO_SIGMAS
from zoo.runner.results import DetectionRecord, PoseRecord
from zoo.validation.dataset import CocoSet


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
    """How far the figures move when the photos are drawn anew from the same set.

    Attributes:
        low: The figures' lower ends of the 95 % interval, as fractions.
        high: Their upper ends.
        resamples: Sets of photos that were drawn.
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
        evaluation: The evaluator, photo by photo.
    """

    metrics: Metrics
    evaluation: Any

    def spread(self, resamples: int, *, seed: int = 0) -> Spread:
        """Bootstrap percentile interval over photos (Efron, Annals of Statistics 7, 1979).

        Args:
            resamples: Sets to draw, each as large as the set itself.
            seed: Of the draws; the same seed gives the same interval.
        """
        # The evaluator has no public way to accumulate a photo twice. Its tables are ordered by category
        # and photo; the function below takes any list in that order.
        from faster_coco_eval.faster_eval_api_cpp import COCOevalAccumulate

        by_photo, parameters = self.evaluation._evalImgs_cpp, self.evaluation._paramsEval
        photos = len(parameters.imgIds)
        blocks = range(0, len(by_photo), photos)
        # Named, because the generator behind default_rng may change.
        random = np.random.Generator(np.random.PCG64(seed))
        figures: dict[str, list[float]] = {name: [] for name in Metrics.model_fields}
        for _ in range(resamples):
            drawn = random.integers(photos, size=photos).tolist()
            tables = COCOevalAccumulate(
                parameters, [by_photo[block + photo] for block in blocks for photo in drawn]
            )
            for name, value in _metrics(tables, parameters.iouThrs).model_dump().items():
                figures[name] += [value] if value is not None else []
        ends = {
            name: np.percentile(values, (2.5, 97.5)).tolist() if values else (None, None)
            for name, values in figures.items()
        }
        low, high = (Metrics(**{name: pair[end] for name, pair in ends.items()}) for end in (0, 1))
        return Spread(low=low, high=high, resamples=resamples, seed=seed)


def evaluate(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Literal["bbox", "keypoints"],
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Scored:
    """Compare results with a set's annotations.

    Args:
        data: The set; only its chosen photos count.
        records: Results on those photos.
        kind: Compare boxes by overlap or key points by similarity.
        categories: COCO category ids that are averaged over.
        max_detections: Results per photo that count, best first.

    Raises:
        MissingToolError: ``evaluator-missing``.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster  # native code that only scoring needs
    except ImportError as error:
        raise MissingToolError(
            "evaluator-missing",
            "faster-coco-eval is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    truth = COCO(dict(data.document))
    sigmas = COCO_SIGMAS.tolist() if kind == "keypoints" else None
    evaluation = COCOeval_faster(
        truth, truth.loadRes(list(records)), kind, kpt_oks_sigmas=sigmas, separate_eval=True
    )
    evaluation.params.imgIds = [photo.id for photo in data.photos]
    evaluation.params.catIds = list(categories)
    evaluation.params.maxDets = [max_detections]
    # The other ranges, small to large objects, are figures nobody asks for here, and most of the time.
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    evaluation.evaluate()
    evaluation.accumulate()
    return Scored(_metrics(evaluation.eval, evaluation.params.iouThrs), evaluation)


def score(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Literal["bbox", "keypoints"],
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Metrics:
    """The figures alone; arguments and errors as for :func:`evaluate`."""
    return evaluate(data, records, kind, categories=categories, max_detections=max_detections).metrics


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
