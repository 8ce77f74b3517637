"""Box decoding and suppression inside the graph of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.common_ops_import import LayerHelper

from converters.networks.layers import concat
from converters.networks.pico_head import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.schema.protocol import MulticlassNms

CELL_OFFSET = 0.5
"""A cell's center lies half a cell from its corner."""

NO_BACKGROUND = -1
"""Index of the background class in the suppression operator: there is none."""


class Grid(NamedTuple):
    """Cells of all levels, in the order of the head's outputs.

    Attributes:
        centers: x and y of each cell's center, in cells of its level, [A, 2].
        strides: Network-input pixels per cell, [A, 1].
    """

    centers: NDArray[np.float32]
    strides: NDArray[np.float32]


class Suppressed(NamedTuple):
    """What suppression leaves.

    Attributes:
        boxes: Class, score, x1, y1, x2, y2 in image pixels, [M, 6], image after photo.
        counts: Boxes of each image, [N], int32.
    """

    boxes: Tensor
    counts: Tensor


def grid(height: int, width: int, strides: tuple[int, ...]) -> Grid:
    """Cell centers level by level, inside a level row by row.

    Args:
        height: Rows of the network input.
        width: Columns of the network input.
        strides: Stride of each level; a level's sides are rounded up.
    """
    centers, steps = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns]
        centers.append(np.stack([x.ravel(), y.ravel()], axis=1) + CELL_OFFSET)
        steps.append(np.full((rows * columns, 1), stride))
    return Grid(np.concatenate(centers).astype("float32"), np.concatenate(steps).astype("float32"))


class BoxDecoder(nn.Layer):  # type: ignore[misc]
    """Distances from cell centers to corners, in network-input pixels, not clipped.

    Args:
        cells: The grid of the network input.
        project: Expectation of a distance from its distribution, ``head.distribution_project``.
    """

    def __init__(self, cells: Grid, project: nn.Layer) -> None:
        super().__init__()
        self.project = project
        self.centers = constant("cell_centers", cells.centers[None])
        self.strides = constant("cell_strides", cells.strides[None])

    def forward(self, levels: list[Level]) -> Tensor:
        """Corners x1, y1, x2, y2, [N, A, 4]."""
        distances = self.project(paddle.concat([cells_last(level.distances) for level in levels], axis=1))
        left_top, right_bottom = paddle.split(distances, 2, axis=-1)
        corners = paddle.concat([self.centers - left_top, self.centers + right_bottom], axis=-1)
        return corners * self.strides


def constant(name: str, values: NDArray[np.float32]) -> Tensor:
    """A tensor that is stored with the parameters."""
    return paddle.create_parameter(
        list(values.shape),
        "float32",
        attr=paddle.ParamAttr(name=name, trainable=False),
        default_initializer=nn.initializer.Assign(values),
    )


def cells_flat(x: Tensor) -> Tensor:
    """[N, C, h, w] to [N, C, h * w]."""
    channels, height, width = x.shape[1:]
    return paddle.reshape(x, [-1, channels, height * width])


def cells_last(x: Tensor) -> Tensor:
    """[N, C, h, w] to [N, h * w, C]."""
    return paddle.transpose(cells_flat(x), [0, 2, 1])


def to_image(boxes: Tensor, scale_factor: Tensor) -> Tensor:
    """Corners in image pixels.

    Args:
        boxes: Corners in network-input pixels, [N, A, 4].
        scale_factor: Network-input size divided by image size, y then x, [N, 2].
    """
    y, x = paddle.split(scale_factor, 2, axis=1)
    return boxes / paddle.reshape(concat(x, y, x, y), [-1, 1, 4])


def suppress(boxes: Tensor, scores: Tensor, values: MulticlassNms) -> Suppressed:
    """Class-wise non-maximum suppression.

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
    # paddle has this operator, which Paddle-Lite and ONNX converters know, but no public function for it.
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
