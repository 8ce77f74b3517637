"""Constants of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paddle
from paddle import Tensor, nn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def constant(name: str, values: NDArray[np.float32]) -> Tensor:
    """Create a constant tensor, which is stored with the parameters."""
    return paddle.create_parameter(
        list(values.shape),
        "float32",
        attr=paddle.ParamAttr(name=name, trainable=False),
        default_initializer=nn.initializer.Assign(values),
    )
