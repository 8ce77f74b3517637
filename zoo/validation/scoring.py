"""COCO's average precision, computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
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


def score(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Literal["bbox", "keypoints"],
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Metrics:
    """Score results against a set's annotations.

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
    evaluation = COCOeval_faster(truth, truth.loadRes(list(records)), kind, kpt_oks_sigmas=sigmas)
    evaluation.params.imgIds = [photo.id for photo in data.photos]
    evaluation.params.catIds = list(categories)
    evaluation.params.maxDets = [max_detections]
    evaluation.evaluate()
    evaluation.accumulate()
    return _metrics(evaluation)


def _metrics(evaluation: Any) -> Metrics:
    """Means over the accumulated tables at area "all" and the only detection limit.

    Read from the tables and not from the evaluator's summary, which expects three limits for boxes.
    """
    precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1]  # threshold, recall, category
    recall = np.asarray(evaluation.eval["recall"])[:, :, 0, -1]  # threshold, category
    thresholds = np.asarray(evaluation.params.iouThrs)
    return Metrics(
        AP=_mean(precision),
        AP50=_mean(precision[np.isclose(thresholds, 0.5)]),
        AP75=_mean(precision[np.isclose(thresholds, 0.75)]),
        AR=_mean(recall),
    )


def _mean(values: Any) -> float | None:
    present = values[values > -1]  # -1 marks a category without annotations
    return float(present.mean()) if present.size else None
