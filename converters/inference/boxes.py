"""Box decoding and suppression inside the graph of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.common_ops_import import LayerHelper

from converters.inference.constants import constant
from converters.networks.layers import concat
from converters.networks.pico_head import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.schema.protocol import MulticlassNms

CELL_OFFSET = 0.5
"""Offset of the center of a cell from its corner, in cells."""

NO_BACKGROUND = -1
"""Value of the suppression operator for a model without a background class."""


class Grid(NamedTuple):
    """Cells of all levels, in the order of the outputs of the head.

    Attributes:
        centers: x and y of the center of each cell, in cells of its level, [A, 2].
        strides: Network-input pixels per cell, [A, 1].
    """

    centers: NDArray[np.float32]
    strides: NDArray[np.float32]


class Suppressed(NamedTuple):
    """Boxes after suppression.

    Attributes:
        boxes: Class, score, x1, y1, x2, y2 in image pixels, [M, 6], ordered by image.
        counts: Number of boxes of each image, [N], int32.
    """

    boxes: Tensor
    counts: Tensor


def make_grid(height: int, width: int, strides: tuple[int, ...]) -> Grid:
    """Compute the cell centers of all levels, row by row within a level.

    Args:
        height: Rows of the network input.
        width: Columns of the network input.
        strides: Stride of each level; the sides of a level are rounded up.
    """
    centers, steps = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns]
        centers.append(np.stack([x.ravel(), y.ravel()], axis=1) + CELL_OFFSET)
        steps.append(np.full((rows * columns, 1), stride))
    return Grid(np.concatenate(centers).astype("float32"), np.concatenate(steps).astype("float32"))


class BoxDecoder(nn.Layer):
    """Decodes box distributions to box corners in network-input pixels, without clipping.

    Args:
        cells: The grid of the network input.
        project: Layer that computes the expected distance of a distribution, ``head.distribution_project``.
    """

    def __init__(self, cells: Grid, project: nn.Layer) -> None:
        super().__init__()
        self.project = project
        self.centers = constant("cell_centers", cells.centers[None])
        self.strides = constant("cell_strides", cells.strides[None])

    def forward(self, levels: list[Level]) -> Tensor:
        """Return the corners x1, y1, x2, y2, [N, A, 4]."""
        distances = self.project(paddle.concat([channels_last(level.distances) for level in levels], axis=1))
        left_top, right_bottom = paddle.split(distances, 2, axis=-1)
        corners = paddle.concat([self.centers - left_top, self.centers + right_bottom], axis=-1)
        return corners * self.strides


def flatten_cells(x: Tensor) -> Tensor:
    """Reshape [N, C, h, w] to [N, C, h * w]."""
    channels, height, width = x.shape[1:]
    return paddle.reshape(x, [-1, channels, height * width])


def channels_last(x: Tensor) -> Tensor:
    """Reshape [N, C, h, w] to [N, h * w, C]."""
    return paddle.transpose(flatten_cells(x), [0, 2, 1])


def to_image_pixels(boxes: Tensor, scale_factor: Tensor) -> Tensor:
    """Scale corners to image pixels.

    Args:
        boxes: Corners in network-input pixels, [N, A, 4].
        scale_factor: Network-input size divided by image size, y then x, [N, 2].
    """
    y, x = paddle.split(scale_factor, 2, axis=1)
    return boxes / paddle.reshape(concat(x, y, x, y), [-1, 1, 4])


def suppress(boxes: Tensor, scores: Tensor, values: MulticlassNms) -> Suppressed:
    """Apply non-maximum suppression per class.

    Args:
        boxes: Corners, [N, A, 4].
        scores: Class scores, [N, classes, A].
        values: Thresholds and limits.
    """
    attributes = {
        "score_threshold": values.score_threshold,
        "nms_top_k": values.top_k,
        "keep_top_k": values.keep,
        "nms_threshold": values.iou_threshold,
        "normalized": True,
        "nms_eta": 1.0,
        "background_label": NO_BACKGROUND,
    }
    # paddle has no public function for this operator, which Paddle-Lite and the ONNX converters support.
    if paddle.base.framework.in_dynamic_or_pir_mode():
        out, _, counts = paddle._C_ops.multiclass_nms3(boxes, scores, None, *attributes.values())
        return Suppressed(out, counts)
    helper = LayerHelper("multiclass_nms3")
    out, index, counts = (
        helper.create_variable_for_type_inference(dtype) for dtype in (boxes.dtype, "int32", "int32")
    )
    helper.append_op(
        type="multiclass_nms3",
        inputs={"BBoxes": boxes, "Scores": scores},
        outputs={"Out": out, "Index": index, "NmsRoisNum": counts},
        attrs=attributes,
    )
    return Suppressed(out, counts)
