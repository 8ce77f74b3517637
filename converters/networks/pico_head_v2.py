"""PicoHeadV2, the head of the 2022 PicoDet: task-aligned scores, squeeze-excite after the tower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle import Tensor, nn

from converters.networks.layers import ACTIVATIONS, ConvNorm, SeparableConv, conv, sigmoid, sqrt
from converters.networks.pico_head import KERNEL, Level, Tower, add_training_parameters, box_channels

if TYPE_CHECKING:
    from registry.schema.architecture import PicoDet

EPSILON = 1e-9
"""Added before the square root of the aligned score."""


class PicoHeadV2(nn.Layer):
    """Separate convolutions for classes and boxes, and a branch that scores how well the two agree."""

    def __init__(self, spec: PicoDet) -> None:
        super().__init__()
        self.levels = len(spec.strides)
        act = ACTIVATIONS[spec.activation]
        self.conv_feat = SqueezedTower(spec.width, spec.tower_depth, self.levels, act)
        add_training_parameters(self, spec)
        self.head_cls_list = nn.LayerList(
            [conv(spec.width, spec.classes, 1, bias=True) for _ in spec.strides]
        )
        self.head_reg_list = nn.LayerList(
            [conv(spec.width, box_channels(spec), 1, bias=True) for _ in spec.strides]
        )
        self.cls_align = nn.LayerList(
            [SeparableConv(spec.width, 1, KERNEL, act=act, last_act=False) for _ in spec.strides]
        )
        for level in range(self.levels):
            # Checkpoints contain each prediction convolution under two names.
            self.add_sublayer(f"head_cls{level}", self.head_cls_list[level])
            self.add_sublayer(f"head_reg{level}", self.head_reg_list[level])

    def forward(self, maps: list[Tensor]) -> list[Level]:
        """Return the predictions for each map of the neck."""
        return [self.predict(level, x) for level, x in enumerate(maps)]

    def predict(self, level: int, x: Tensor) -> Level:
        """Return the predictions for a map; a score is the geometric mean of class score and alignment."""
        tower = self.conv_feat(level, x)
        squeezed = self.conv_feat.squeeze(level, tower)
        score = sigmoid(self.head_cls_list[level](squeezed))
        alignment = sigmoid(self.cls_align[level](tower))
        return Level(sqrt(score * alignment + EPSILON), self.head_reg_list[level](squeezed))


class SqueezedTower(Tower):
    """The tower, and one squeeze-excite per level before the predictions."""

    def __init__(self, channels: int, depth: int, levels: int, act: type[nn.Layer]) -> None:
        super().__init__(channels, depth, levels, act)
        self.se = nn.LayerList([PicoSE(channels, act) for _ in range(levels)])

    def squeeze(self, level: int, tower: Tensor) -> Tensor:
        """Apply squeeze-excite to the output of the tower."""
        return self.se[level](tower)


class PicoSE(nn.Layer):
    """Channel gate from the global average, then a pointwise convolution of the gated map."""

    def __init__(self, channels: int, act: type[nn.Layer]) -> None:
        super().__init__()
        # Adaptive pooling, for the reason given in SqueezeExcite.
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.fc = conv(channels, channels, 1, bias=True)
        self.conv = ConvNorm(channels, channels, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with the shape of ``x``."""
        return self.conv(x * sigmoid(self.fc(self.pool(x))))
