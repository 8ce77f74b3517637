"""Soft-arg-max inside the graph of a 3D pose model: the expected position of a joint in its volume."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import Tensor
from paddle.utils import unique_name

from converters.inference.constants import constant


def expected_cells(volumes: Tensor, depth: int) -> Tensor:
    """Compute the expectation of x, y and z under the softmax over all cells of a joint.

    Upstream sums the distribution to one marginal per axis and then takes three expectations. The product
    with the positions of all cells is the same sum, in operators that every converter supports.

    Args:
        volumes: Logits, [N, joints * depth, h, w]; the depth cells of a joint are neighboring channels.
        depth: Cells along the depth axis.

    Returns:
        x, y and z in cells from 0, [N, joints, 3].
    """
    channels, rows, columns = volumes.shape[1:]
    z, y, x = np.mgrid[:depth, :rows, :columns]
    positions = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1).astype("float32")
    logits = paddle.reshape(volumes, [-1, channels // depth, len(positions)])
    weights = constant(unique_name.generate("cell_positions"), positions)
    return F.linear(F.softmax(logits, axis=-1), weights)
