"""Class-wise non-maximum suppression of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from registry.schema.protocol import MulticlassNms
from zoo._utils.arrays import Array, Floats, Integers


@dataclass(frozen=True, eq=False)
class Kept:
    """Boxes that remain after suppression, best first.

    Attributes:
        index: ``(K,)`` row of the candidate.
        label: ``(K,)`` class.
        score: ``(K,)`` score in that class.
    """

    index: Integers
    label: Integers
    score: Floats


def multiclass_nms(boxes: Array, scores: Array, rule: MulticlassNms) -> Kept:
    """Suppress overlapping boxes within each class, then keep the best over all classes.

    A box can survive in several classes. A score must exceed the score threshold; an overlap must exceed
    the IoU threshold to suppress. Areas are ``(x2 - x1) * (y2 - y1)``, without adding a pixel. Of equal
    scores the earlier candidate and the lower class come first.

    Args:
        boxes: ``(M, 4)`` x1, y1, x2, y2; M may be 0.
        scores: ``(M, classes)``.
        rule: Thresholds; ``top_k`` candidates per class, ``keep`` results in total.
    """
    import cv2  # heavy: see the package's docstring

    corners = np.asarray(boxes, dtype=np.float64)
    # OpenCV's stubs declare sequences; arrays are faster.
    xywh: Any = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    parts = []
    for class_id in np.flatnonzero((scores > rule.score_threshold).any(axis=0)):
        candidates = np.flatnonzero(scores[:, class_id] > rule.score_threshold)
        class_scores: Any = scores[candidates, class_id]
        remaining = cv2.dnn.NMSBoxes(
            xywh[candidates], class_scores, rule.score_threshold, rule.iou_threshold, top_k=rule.top_k
        )
        index = candidates[np.asarray(remaining, dtype=np.int64).reshape(-1)]
        parts.append(Kept(index, np.full(len(index), class_id), scores[index, class_id]))
    if not parts:
        return Kept(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    rows = np.concatenate([part.index for part in parts])
    label = np.concatenate([part.label for part in parts])
    score = np.concatenate([part.score for part in parts])
    order = np.argsort(-score, kind="stable")[: rule.keep]
    return Kept(rows[order], label[order], score[order])
