"""CSP-PAN, the neck of the 2021 PicoDet: path aggregation with cross-stage-partial mixing blocks."""

from __future__ import annotations

from paddle import Tensor, nn

from converters.networks.layers import ConvBN, SeparableConv, concat
from converters.networks.pan import KERNEL


class CrossStagePartial(nn.Layer):
    """A bottleneck and a parallel shortcut, joined by a pointwise convolution: 2C channels to C."""

    def __init__(self, channels: int, act: type[nn.Layer]) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = ConvBN(2 * channels, half, act=act)
        self.short_conv = ConvBN(2 * channels, half, act=act)
        self.final_conv = ConvBN(channels, channels, act=act)
        self.blocks = nn.Sequential(Bottleneck(half, act))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, 2C, H, W] to [N, C, H, W]."""
        return self.final_conv(concat(self.blocks(self.main_conv(x)), self.short_conv(x)))


class Bottleneck(nn.Sequential):
    """Pointwise then separable convolution, without the usual skip connection."""

    def __init__(self, channels: int, act: type[nn.Layer]) -> None:
        super().__init__(
            ("conv1", ConvBN(channels, channels, act=act)),
            ("conv2", SeparableConv(channels, channels, KERNEL, act=act)),
        )
