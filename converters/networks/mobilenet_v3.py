"""MobileNetV3-large, a backbone of the 2021 PicoDet: inverted residual blocks with squeeze-excite."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import ConvBN, SqueezeExcite

if TYPE_CHECKING:
    from registry.schema.architecture import MobileNetV3Large

STEM_CHANNELS = 16


class BlockShape(NamedTuple):
    """One row of the architecture table."""

    kernel: int
    expanded: int
    out_channels: int
    squeeze_excite: bool
    act: type[nn.Layer]
    stride: int


BLOCKS = (
    BlockShape(3, 16, 16, False, nn.ReLU, 1),
    BlockShape(3, 64, 24, False, nn.ReLU, 2),
    BlockShape(3, 72, 24, False, nn.ReLU, 1),
    BlockShape(5, 72, 40, True, nn.ReLU, 2),
    BlockShape(5, 120, 40, True, nn.ReLU, 1),
    BlockShape(5, 120, 40, True, nn.ReLU, 1),
    BlockShape(3, 240, 80, False, nn.Hardswish, 2),
    BlockShape(3, 200, 80, False, nn.Hardswish, 1),
    BlockShape(3, 184, 80, False, nn.Hardswish, 1),
    BlockShape(3, 184, 80, False, nn.Hardswish, 1),
    BlockShape(3, 480, 112, True, nn.Hardswish, 1),
    BlockShape(3, 672, 112, True, nn.Hardswish, 1),
    BlockShape(5, 672, 160, True, nn.Hardswish, 2),
    BlockShape(5, 960, 160, True, nn.Hardswish, 1),
    BlockShape(5, 960, 160, True, nn.Hardswish, 1),
)
FIRST = 2
"""Number in the name of the first block: ``conv1`` is the stem."""

OUTPUTS = (7, 13, 16)
"""Numbers of the blocks whose outputs, and not their expanded maps, leave the backbone."""


class Backbone(nn.Layer):
    """Stem and 15 inverted residual blocks.

    Attributes:
        out_channels: Channels of the output maps, strides 8, 16 and 32.
    """

    def __init__(self, spec: MobileNetV3Large) -> None:
        super().__init__()
        self.conv1 = ConvBN(3, STEM_CHANNELS, 3, stride=2, act=nn.Hardswish)
        in_channels = STEM_CHANNELS
        for number, shape in enumerate(BLOCKS, FIRST):
            self.add_sublayer(f"conv{number}", InvertedResidual(in_channels, shape))
            in_channels = shape.out_channels
        self.out_channels = [BLOCKS[number - FIRST].out_channels for number in OUTPUTS]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 8, 16 and 32."""
        x = self.conv1(image)
        outs = []
        for number in range(FIRST, FIRST + len(BLOCKS)):
            x = getattr(self, f"conv{number}")(x)
            if number in OUTPUTS:
                outs.append(x)
        return outs


class InvertedResidual(nn.Layer):
    """Expansion, depthwise convolution, optional squeeze-excite, linear projection, and a shortcut."""

    def __init__(self, in_channels: int, shape: BlockShape) -> None:
        super().__init__()
        self.shortcut = shape.stride == 1 and in_channels == shape.out_channels
        self.expand_conv = ConvBN(in_channels, shape.expanded, act=shape.act)
        self.bottleneck_conv = ConvBN.depthwise(shape.expanded, shape.kernel, shape.stride, act=shape.act)
        self.mid_se = SteepSqueezeExcite(shape.expanded) if shape.squeeze_excite else nn.Identity()
        self.linear_conv = ConvBN(shape.expanded, shape.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with ``out_channels`` channels; no activation follows the sum."""
        out = self.linear_conv(self.mid_se(self.bottleneck_conv(self.expand_conv(x))))
        return x + out if self.shortcut else out


class SteepSqueezeExcite(SqueezeExcite):
    """`SqueezeExcite` with slope 0.2 in its gate, as in upstream's source for this backbone alone."""

    def gate(self, logits: Tensor) -> Tensor:
        """Map logits to factors from 0 to 1."""
        return F.hardsigmoid(logits, slope=0.2)
