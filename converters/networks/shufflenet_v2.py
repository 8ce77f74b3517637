"""ShuffleNet V2, a backbone of the 2021 PicoDet: half of the channels pass each block unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import UnderscoredConvNorm, channel_shuffle, concat, split_channels

if TYPE_CHECKING:
    from registry.schema.architecture import ShuffleNetV2

STEM_CHANNELS = 24
BLOCKS = {2: 4, 3: 8, 4: 4}
"""Blocks of each stage."""

ACTIVATION = nn.LeakyReLU
"""With the default slope of paddle, 0.01."""


class Backbone(nn.Layer):
    """Stem and stages 2, 3 and 4, without the convolution to 1024 channels of the classifier.

    Attributes:
        out_channels: Channels of the output maps, strides 8, 16 and 32.
    """

    def __init__(self, spec: ShuffleNetV2) -> None:
        super().__init__()
        self._conv1 = UnderscoredConvNorm(3, STEM_CHANNELS, 3, stride=2, act=ACTIVATION)
        self.out_channels = list(spec.widths)
        in_channels = STEM_CHANNELS
        for (stage, blocks), out_channels in zip(BLOCKS.items(), self.out_channels, strict=True):
            self.add_sublayer(f"{stage}_1", DownBlock(in_channels, out_channels))
            for block in range(2, blocks + 1):
                self.add_sublayer(f"{stage}_{block}", Block(out_channels))
            in_channels = out_channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 8, 16 and 32."""
        x = F.max_pool2d(self._conv1(image), kernel_size=3, stride=2, padding=1)
        outs = []
        for stage, blocks in BLOCKS.items():
            for block in range(1, blocks + 1):
                x = getattr(self, f"{stage}_{block}")(x)
            outs.append(x)
        return outs


class DownBlock(nn.Layer):
    """First block of a stage: both branches read the whole input and halve its resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self._conv_dw_1 = UnderscoredConvNorm.depthwise(in_channels, 3, stride=2)
        self._conv_linear_1 = UnderscoredConvNorm(in_channels, half, act=ACTIVATION)
        self._conv_pw_2 = UnderscoredConvNorm(in_channels, half, act=ACTIVATION)
        self._conv_dw_2 = UnderscoredConvNorm.depthwise(half, 3, stride=2)
        self._conv_linear_2 = UnderscoredConvNorm(half, half, act=ACTIVATION)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with half the resolution and ``out_channels`` channels."""
        first = self._conv_linear_1(self._conv_dw_1(x))
        second = self._conv_linear_2(self._conv_dw_2(self._conv_pw_2(x)))
        return channel_shuffle(concat(first, second))


class Block(nn.Layer):
    """Further blocks of a stage: the second half of the channels is processed, then both are shuffled."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self._conv_pw = UnderscoredConvNorm(half, half, act=ACTIVATION)
        self._conv_dw = UnderscoredConvNorm.depthwise(half, 3)
        self._conv_linear = UnderscoredConvNorm(half, half, act=ACTIVATION)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with the shape of ``x``."""
        first, second = split_channels(x)
        return channel_shuffle(concat(first, self._conv_linear(self._conv_dw(self._conv_pw(second)))))
