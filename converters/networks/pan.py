"""The path-aggregation neck of both generations of PicoDet, which differ only in the mixing block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import ConvBN, SeparableConv, concat

KERNEL = 5
"""Side of every depthwise kernel in the necks."""

Mixing = Callable[[int, type[nn.Layer]], nn.Layer]


class PathAggregation(nn.Layer):
    """Top-down then bottom-up aggregation, with an extra level of stride 64.

    Args:
        in_channels: Channels of the backbone's maps, strides 8, 16 and 32.
        channels: Channels of every output.
        mixing: Creates the block that mixes a concatenation: from ``2 * channels`` to ``channels``.
        act: Class of the activation after every convolution.
    """

    def __init__(
        self, in_channels: Sequence[int], channels: int, mixing: Mixing, *, act: type[nn.Layer]
    ) -> None:
        super().__init__()
        self.conv_t = ChannelEqualizer(in_channels, channels, act)
        self.top_down_blocks = nn.LayerList([mixing(channels, act) for _ in range(2)])
        self.downsamples = nn.LayerList([downsample(channels, act) for _ in range(2)])
        self.bottom_up_blocks = nn.LayerList([mixing(channels, act) for _ in range(2)])
        self.first_top_conv = downsample(channels, act)
        self.second_top_conv = downsample(channels, act)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return maps of strides 8, 16, 32 and 64; the sides of the last one are rounded up."""
        t8, t16, t32 = self.conv_t(maps)
        u16 = self.top_down_blocks[0](concat(upsample(t32), t16))
        p8 = self.top_down_blocks[1](concat(upsample(u16), t8))
        p16 = self.bottom_up_blocks[0](concat(self.downsamples[0](p8), u16))
        p32 = self.bottom_up_blocks[1](concat(self.downsamples[1](p16), t32))
        p64 = self.first_top_conv(t32) + self.second_top_conv(p32)
        return [p8, p16, p32, p64]


class ChannelEqualizer(nn.Layer):
    """Converts every map of the backbone to the same number of channels."""

    def __init__(self, in_channels: Sequence[int], channels: int, act: type[nn.Layer]) -> None:
        super().__init__()
        self.convs = nn.LayerList([ConvBN(width, channels, act=act) for width in in_channels])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return one map per input, with unchanged resolution."""
        return [layer(x) for layer, x in zip(self.convs, maps, strict=True)]


def downsample(channels: int, act: type[nn.Layer]) -> SeparableConv:
    """Create a layer that halves the resolution and keeps the channels."""
    return SeparableConv(channels, channels, KERNEL, stride=2, act=act)


def upsample(x: Tensor) -> Tensor:
    """Double the resolution with nearest-neighbor interpolation."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
