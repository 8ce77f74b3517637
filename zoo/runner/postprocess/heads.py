"""Convert the outputs of a detector graph, in any of three forms, to final boxes.

The forms are distinguished by number and shape of the outputs: tensor names change with the version of the
exporter, and artifacts of one entry can have different forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from registry.errors import ConversionError
from registry.schema.io import DetectionOutput, Input
from registry.schema.protocol import MulticlassNms
from zoo._utils.arrays import Array, Floats
from zoo.runner.postprocess.boxes import decode_raw, select_candidates
from zoo.runner.postprocess.suppression import multiclass_nms
from zoo.runner.results import Detections

Head = Literal["raw", "boxes", "nms"]


def decode_detections(
    outputs: Sequence[Array], spec: Input, output: DetectionOutput, rule: MulticlassNms, scale: Floats
) -> Detections:
    """Convert the network outputs of one image to boxes in image pixels.

    Args:
        outputs: In the graph's order.
        spec: Input tensor, for the grid.
        output: Strides and bins.
        rule: Suppression. For a graph that contains NMS only the score threshold is applied; the suppressed
            boxes are no longer available.
        scale: Network pixels per image pixel in y and x.

    Raises:
        ConversionError: ``output-shape``.
    """
    head = identify_head([value.shape for value in outputs], output)
    if head == "nms":
        # The order of Paddle and onnxruntime: by class, best first. OpenVINO returns another order.
        rows = outputs[0][np.lexsort((-outputs[0][:, 1], outputs[0][:, 0]))]
        found = Detections(rows[:, 2:6], rows[:, 1], rows[:, 0].astype(np.int64))
        return found.above(rule.score_threshold)
    if head == "boxes":
        candidates = select_candidates(outputs[0], outputs[1], rule.score_threshold)
    else:
        candidates = decode_raw(outputs, spec, output, rule.score_threshold)
    kept = multiclass_nms(candidates.boxes, candidates.scores, rule)
    per_image_pixel = np.concatenate([scale[::-1], scale[::-1]])
    return Detections(candidates.boxes[kept.index] / per_image_pixel, kept.score, kept.label)


def identify_head(shapes: Sequence[tuple[int | None, ...]], output: DetectionOutput) -> Head:
    """Identify the form of a graph's outputs.

    Args:
        shapes: Shapes of the outputs, in order; None for an open extent.
        output: Strides and bins of the entry.

    Raises:
        ConversionError: ``output-shape`` if they have none of the known forms.
    """
    ranks = [len(shape) for shape in shapes]
    logits = 4 * (output.reg_max + 1)
    levels = len(output.strides)
    if ranks == [3] * 2 * levels and all(shape[2] == logits for shape in shapes[levels:]):
        return "raw"
    if ranks == [3, 3] and shapes[0][2] == 4:
        return "boxes"
    if ranks == [2, 1] and shapes[0][1] in (6, None):
        return "nms"
    raise ConversionError(
        "output-shape",
        "the outputs are not those of a detector of this family",
        expected=f"{2 * levels} outputs of scores and logits per level, or boxes and scores, or final boxes",
        found="; ".join(str(list(shape)) for shape in shapes),
        hint="check that the file belongs to this entry: zoo inspect FILE",
    )
