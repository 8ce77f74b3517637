"""PicoHead, the head of the 2021 PicoDet: one tower and one prediction convolution per level.

A level is one resolution of the neck. Classification and box regression share the tower; levels share
nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import ACTIVATIONS, ConvNorm, conv, sigmoid

if TYPE_CHECKING:
    from registry.schema.architecture import PicoDet

KERNEL = 5
"""Side of every depthwise kernel in the towers."""


class Level(NamedTuple):
    """Predictions of one level.

    Attributes:
        scores: Class scores from 0 to 1, [N, classes, h, w].
        distances: Logits of the box distribution, [N, 4 * (reg_max + 1), h, w]; left, top, right and bottom
            side, each with its bins in order.
    """

    scores: Tensor
    distances: Tensor


class PicoHead(nn.Layer):
    """Scores and box distributions from one convolution, whose output channels are split."""

    def __init__(self, spec: PicoDet) -> None:
        super().__init__()
        self.classes = spec.classes
        self.levels = len(spec.strides)
        act = ACTIVATIONS[spec.activation]
        self.conv_feat = Tower(spec.width, spec.tower_depth, self.levels, act)
        for level in range(self.levels):
            self.add_sublayer(
                f"head_cls{level}", conv(spec.width, spec.classes + box_channels(spec), 1, bias=True)
            )
        add_training_parameters(self, spec)

    def forward(self, maps: list[Tensor]) -> list[Level]:
        """Return the predictions for each map of the neck."""
        return [self.predict(level, self.conv_feat(level, x)) for level, x in enumerate(maps)]

    def predict(self, level: int, tower: Tensor) -> Level:
        """Return the predictions for the output of the tower."""
        logits = getattr(self, f"head_cls{level}")(tower)
        scores, distances = paddle.split(logits, [self.classes, logits.shape[1] - self.classes], axis=1)
        return Level(sigmoid(scores), distances)


class Tower(nn.Layer):
    """Pairs of depthwise and pointwise convolutions, ``depth`` of them per level."""

    def __init__(self, channels: int, depth: int, levels: int, act: type[nn.Layer]) -> None:
        super().__init__()
        for level in range(levels):
            depthwise = [ConvNorm.depthwise(channels, KERNEL, act=act) for _ in range(depth)]
            pointwise = [ConvNorm(channels, channels, act=act) for _ in range(depth)]
            self.add_sublayer(f"cls_conv_dw{level}", nn.LayerList(depthwise))
            self.add_sublayer(f"cls_conv_pw{level}", nn.LayerList(pointwise))

    def forward(self, level: int, x: Tensor) -> Tensor:
        """Return a map with the shape of ``x``, the map of the neck for that level."""
        pairs = zip(getattr(self, f"cls_conv_dw{level}"), getattr(self, f"cls_conv_pw{level}"), strict=True)
        for depthwise, pointwise in pairs:
            x = pointwise(depthwise(x))
        return x


def box_channels(spec: PicoDet) -> int:
    """Return the channels of the box distribution: four sides with ``reg_max + 1`` bins each."""
    return 4 * (spec.reg_max + 1)


def add_training_parameters(head: nn.Layer, spec: PicoDet) -> None:
    """Register parameters that checkpoints contain and the raw outputs do not use.

    A learnable scale per level that upstream never applies, and the bin values from 0 to reg_max, which
    decoding inside the graph uses.
    """
    for stride in spec.strides:
        head.add_sublayer(f"p{int(math.log2(stride))}_feat", UnusedScale())
    head.distribution_project = DistributionProject(spec.reg_max)


class UnusedScale(nn.Layer):
    """One parameter that no operator reads."""

    def __init__(self) -> None:
        super().__init__()
        self.scale_reg = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))


class DistributionProject(nn.Layer):
    """Computes the expected distance from the logits of its bins."""

    def __init__(self, reg_max: int) -> None:
        super().__init__()
        self.bins = reg_max + 1
        # A parameter that is not trained: a buffer needs dynamic graph mode, and the export builds networks
        # in static graph mode.
        self.project = self.create_parameter(
            [self.bins],
            attr=paddle.ParamAttr(trainable=False),
            default_initializer=nn.initializer.Assign([float(value) for value in range(self.bins)]),
        )

    def forward(self, logits: Tensor) -> Tensor:
        """Convert [N, A, 4 * bins] to distances [N, A, 4], in cells of the level."""
        cells = logits.shape[1]
        share = F.softmax(paddle.reshape(logits, [-1, cells, 4, self.bins]), axis=-1)
        return F.linear(share, self.project)
