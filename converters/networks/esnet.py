"""ESNet, the backbone of the 2021 PicoDet: ShuffleNet V2 units with squeeze-excite and ghost features."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import (
    SqueezeExcite,
    UnderscoredConvNorm,
    channel_shuffle,
    concat,
    round_channels,
    split_channels,
)

if TYPE_CHECKING:
    from registry.schema.architecture import ESNet

STEM_CHANNELS = 24


class StageShape(NamedTuple):
    """One stage: output channels before scaling, and number of blocks."""

    channels: int
    blocks: int


STAGES = {2: StageShape(128, 3), 3: StageShape(256, 7), 4: StageShape(512, 3)}


class Backbone(nn.Layer):
    """Stem and stages 2, 3 and 4.

    Attributes:
        out_channels: Channels of the output maps, strides 8, 16 and 32.
    """

    def __init__(self, spec: ESNet) -> None:
        super().__init__()
        self._conv1 = UnderscoredConvNorm(3, STEM_CHANNELS, 3, stride=2, act=nn.Hardswish)
        self.out_channels = [round_channels(stage.channels * spec.scale, 16) for stage in STAGES.values()]
        ratios = iter(spec.channel_ratios)
        in_channels = STEM_CHANNELS
        for (stage, shape), out_channels in zip(STAGES.items(), self.out_channels, strict=True):
            for block in range(1, shape.blocks + 1):
                middle = round_channels(int(out_channels * next(ratios)), 8)
                unit = (
                    DownBlock(in_channels, middle, out_channels)
                    if block == 1
                    else Block(middle, out_channels)
                )
                self.add_sublayer(f"{stage}_{block}", unit)
            in_channels = out_channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 8, 16 and 32."""
        x = F.max_pool2d(self._conv1(image), kernel_size=3, stride=2, padding=1)
        outs = []
        for stage, shape in STAGES.items():
            for block in range(1, shape.blocks + 1):
                x = getattr(self, f"{stage}_{block}")(x)
            outs.append(x)
        return outs


class DownBlock(nn.Layer):
    """First block of a stage: two branches halve the resolution, a separable convolution mixes them."""

    def __init__(self, in_channels: int, middle: int, out_channels: int) -> None:
        super().__init__()
        act = nn.Hardswish
        half_middle, half_out = middle // 2, out_channels // 2
        self._conv_dw_1 = UnderscoredConvNorm.depthwise(in_channels, 3, stride=2)
        self._conv_linear_1 = UnderscoredConvNorm(in_channels, half_out, act=act)
        self._conv_pw_2 = UnderscoredConvNorm(in_channels, half_middle, act=act)
        self._conv_dw_2 = UnderscoredConvNorm.depthwise(half_middle, 3, stride=2)
        self._se = SqueezeExcite(half_middle)
        self._conv_linear_2 = UnderscoredConvNorm(half_middle, half_out, act=act)
        self._conv_dw_mv1 = UnderscoredConvNorm.depthwise(out_channels, 3, act=act)
        self._conv_pw_mv1 = UnderscoredConvNorm(out_channels, out_channels, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with half the resolution and ``out_channels`` channels, without a channel shuffle."""
        first = self._conv_linear_1(self._conv_dw_1(x))
        second = self._conv_linear_2(self._se(self._conv_dw_2(self._conv_pw_2(x))))
        return self._conv_pw_mv1(self._conv_dw_mv1(concat(first, second)))


class Block(nn.Layer):
    """Further blocks of a stage: one half of the channels is processed, then both halves are shuffled."""

    def __init__(self, middle: int, out_channels: int) -> None:
        super().__init__()
        half_middle, half_out = middle // 2, out_channels // 2
        self._conv_pw = UnderscoredConvNorm(half_out, half_middle, act=nn.Hardswish)
        self._conv_dw = UnderscoredConvNorm.depthwise(half_middle, 3)
        self._se = SqueezeExcite(middle)
        self._conv_linear = UnderscoredConvNorm(middle, half_out, act=nn.Hardswish)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with the shape of ``x``."""
        first, second = split_channels(x)
        pointwise = self._conv_pw(second)
        ghost = self._conv_dw(pointwise)
        processed = self._conv_linear(self._se(concat(pointwise, ghost)))
        return channel_shuffle(concat(first, processed))
