"""Layers shared by the networks: convolution with batch norm, squeeze-excite, channel shuffle.

Names of sublayers are the names in published checkpoints, so a weights file loads by key. Where two families
of networks use different names for one layer, a subclass overrides only the name.
"""

from __future__ import annotations

from collections.abc import Callable

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn
from paddle.common_ops_import import LayerHelper

ACTIVATIONS: dict[str, type[nn.Layer]] = {"hard_swish": nn.Hardswish, "relu6": nn.ReLU6}
"""Layer class of each activation of `registry.schema.architecture`."""


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, *, groups: int = 1, bias: bool = False
) -> nn.Conv2D:
    """Create a convolution with "same" padding for odd kernels: stride 2 halves a side, rounding up."""
    padding = (kernel - 1) // 2
    return nn.Conv2D(
        in_channels, out_channels, kernel, stride, padding, groups=groups, bias_attr=None if bias else False
    )


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, and an optional activation.

    Args:
        in_channels: Input channels.
        out_channels: Output channels.
        kernel: Side of the square kernel, odd.
        stride: Step in both directions.
        groups: Channel groups of the convolution.
        act: Class of the activation after the norm; None for no activation.
    """

    conv_name = "conv"
    norm_name = "norm"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        act: type[nn.Layer] | None = None,
    ) -> None:
        super().__init__(
            (self.conv_name, conv(in_channels, out_channels, kernel, stride, groups=groups)),
            (self.norm_name, nn.BatchNorm2D(out_channels)),
            *([("act", act())] if act else []),
        )

    @classmethod
    def depthwise(
        cls, channels: int, kernel: int, stride: int = 1, *, act: type[nn.Layer] | None = None
    ) -> ConvNorm:
        """Create a convolution with one filter per channel."""
        return cls(channels, channels, kernel, stride, groups=channels, act=act)


class ConvBN(ConvNorm):
    """`ConvNorm` with the names of LCNet and the necks."""

    norm_name = "bn"


class UnderscoredConvNorm(ConvNorm):
    """`ConvNorm` with the names of ESNet and ShuffleNet V2."""

    conv_name = "_conv"
    norm_name = "_batch_norm"


class SeparableConv(nn.Sequential):
    """Grouped then pointwise convolution, each with batch norm; activation between and, optionally, after.

    The first convolution has one group per output channel: depthwise when the channel counts agree, an
    ordinary convolution when there is a single output channel, as in the align branch of the head.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        *,
        act: type[nn.Layer],
        last_act: bool = True,
    ) -> None:
        super().__init__(
            ("dwconv", conv(in_channels, out_channels, kernel, stride, groups=out_channels)),
            ("bn1", nn.BatchNorm2D(out_channels)),
            ("act1", act()),
            ("pwconv", conv(out_channels, out_channels, 1)),
            ("bn2", nn.BatchNorm2D(out_channels)),
            *([("act2", act())] if last_act else []),
        )


class SqueezeExcite(nn.Layer):
    """Channel gate from the global average: reduce to a quarter, ReLU, expand, gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Adaptive pooling, because a plain mean sums in another order and changes box logits by 1e-5.
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.conv1 = conv(channels, channels // 4, 1, bias=True)
        self.conv2 = conv(channels // 4, channels, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel of ``x`` [N, C, H, W] by its gate."""
        hidden = F.relu(self.conv1(self.pool(x)))
        return x * self.gate(self.conv2(hidden))

    def gate(self, logits: Tensor) -> Tensor:
        """Map logits to factors from 0 to 1."""
        # The published models were trained with the default slope, the literal 0.1666667 and not 1/6.
        return F.hardsigmoid(logits)


def sigmoid(x: Tensor) -> Tensor:
    """Compute the logistic function of each element."""
    return elementwise("sigmoid", F.sigmoid, x)


def sqrt(x: Tensor) -> Tensor:
    """Compute the square root of each element."""
    return elementwise("sqrt", paddle.sqrt, x)


def elementwise(operator: str, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of one tensor in any graph mode.

    paddle 3.2 removed the legacy static form of some functions but kept their operators. In that mode the
    operator is appended by name.
    """
    if paddle.base.framework.in_dynamic_or_pir_mode():
        return function(x)
    helper = LayerHelper(operator)
    out = helper.create_variable_for_type_inference(dtype=x.dtype)
    helper.append_op(type=operator, inputs={"X": x}, outputs={"Out": out})
    return out


def split_channels(x: Tensor) -> list[Tensor]:
    """Split the channels into two halves."""
    first, second = paddle.split(x, 2, axis=1)
    return [first, second]


def concat(*maps: Tensor) -> Tensor:
    """Concatenate maps along the channel axis."""
    return paddle.concat(maps, axis=1)


def channel_shuffle(x: Tensor) -> Tensor:
    """Interleave the two halves of the channels: 0, C/2, 1, C/2 + 1 and so on."""
    channels, height, width = x.shape[1:]
    # As three operators, because Paddle-Lite has no channel_shuffle. Only the batch is open, so that the
    # graph contains no shape arithmetic.
    pairs = paddle.reshape(x, [-1, 2, channels // 2, height, width])
    return paddle.reshape(paddle.transpose(pairs, [0, 2, 1, 3, 4]), [-1, channels, height, width])


def round_channels(channels: float, divisor: int) -> int:
    """Round to the nearest multiple of ``divisor`` that is at least ``divisor`` and 90 % of ``channels``.

    All PicoDet backbones follow this rule of the MobileNet family.
    """
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest
