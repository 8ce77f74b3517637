"""Suppression of overlapping boxes in the graph, in single precision on the host."""

from __future__ import annotations

import numpy as np

from registry.schema.protocol import MulticlassNms
from zoo._utils.arrays import Array, Floats
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute
from zoo.runner.postprocess.suppression import multiclass_nms


def build(bound: BoundOperator) -> Compute:
    """Build ``multiclass_nms3``: rows of class, score and box, by class and with the best first.

    Raises:
        UnsupportedKernelError: A background class, boxes that include their last pixel, or a threshold that
            changes from box to box.
    """
    bound.require(background_label=-1, nms_eta=1.0, normalized=True)
    rule = MulticlassNms(
        score_threshold=bound.number("score_threshold"),
        iou_threshold=bound.number("nms_threshold"),
        top_k=bound.integer("nms_top_k"),
        keep=bound.integer("keep_top_k"),
    )

    def compute(boxes: Floats, scores: Floats) -> tuple[Array, ...]:
        kept = multiclass_nms(boxes[0], scores[0].T, rule)
        order = np.argsort(kept.label, kind="stable")
        index = kept.index[order]
        columns = (kept.label[order, None], kept.score[order, None], boxes[0][index])
        rows = np.concatenate(columns, axis=1).astype(np.float32)
        return rows, index[:, None].astype(np.int32), np.array([len(rows)], np.int32)

    return compute
