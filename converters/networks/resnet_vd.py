"""ResNet-18 "vd", a backbone of the 2021 PicoDet: average pooling before the convolution of a shortcut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import ConvNorm

if TYPE_CHECKING:
    from registry.schema.architecture import ResNet18Vd

STEM_CHANNELS = (32, 32, 64)
STAGES = {"res2": 64, "res3": 128, "res4": 256, "res5": 512}
"""Channels of each stage; a stage has two blocks, ``a`` and ``b``."""

OUTPUTS = ("res3", "res4", "res5")


class Backbone(nn.Layer):
    """Stem of three convolutions and four stages of two basic blocks.

    Attributes:
        out_channels: Channels of the output maps, strides 8, 16 and 32.
    """

    def __init__(self, spec: ResNet18Vd) -> None:
        super().__init__()
        first, second, third = STEM_CHANNELS
        self.conv1 = nn.Sequential(
            ("conv1_1", ConvNorm(3, first, 3, stride=2, act=nn.ReLU)),
            ("conv1_2", ConvNorm(first, second, 3, act=nn.ReLU)),
            ("conv1_3", ConvNorm(second, third, 3, act=nn.ReLU)),
        )
        in_channels = third
        for stage, channels in STAGES.items():
            # The pooling of the stem has already halved the resolution for the first stage.
            stride = 1 if stage == "res2" else 2
            short = shortcut(in_channels, channels, stride)
            blocks = [
                (f"{stage}a", BasicBlock(in_channels, channels, stride, short)),
                (f"{stage}b", BasicBlock(channels, channels, 1, nn.Identity())),
            ]
            self.add_sublayer(stage, nn.Sequential(*blocks))
            in_channels = channels
        self.out_channels = [STAGES[stage] for stage in OUTPUTS]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 8, 16 and 32."""
        x = F.max_pool2d(self.conv1(image), kernel_size=3, stride=2, padding=1)
        outs = []
        for stage in STAGES:
            x = getattr(self, stage)(x)
            if stage in OUTPUTS:
                outs.append(x)
        return outs


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and a shortcut; ReLU after their sum.

    Args:
        in_channels: Input channels.
        channels: Output channels.
        stride: Step of the first convolution.
        short: Layer from the input to the shape of the output.
    """

    def __init__(self, in_channels: int, channels: int, stride: int, short: nn.Layer) -> None:
        super().__init__()
        self.branch2a = ConvNorm(in_channels, channels, 3, stride, act=nn.ReLU)
        self.branch2b = ConvNorm(channels, channels, 3)
        self.short = short

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with ``channels`` channels."""
        return F.relu(self.branch2b(self.branch2a(x)) + self.short(x))


def shortcut(in_channels: int, channels: int, stride: int) -> nn.Layer:
    """Create the shortcut of the first block of a stage; it has a convolution even at unchanged shape."""
    if stride == 1:
        return ConvNorm(in_channels, channels)
    # Upstream rounds the sides up. They are even here: inputs are multiples of 32.
    return nn.Sequential(("pool", nn.AvgPool2D(2, 2)), ("conv", ConvNorm(in_channels, channels)))
