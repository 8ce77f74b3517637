"""PP-LCNet, a backbone of PicoDet: a sequence of depthwise-separable units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from paddle import Tensor, nn

from converters.networks.layers import ACTIVATIONS, ConvBN, SqueezeExcite, round_channels

if TYPE_CHECKING:
    from registry.schema.architecture import LCNet


class UnitShape(NamedTuple):
    """One row of the architecture table, channels before scaling."""

    kernel: int
    in_channels: int
    out_channels: int
    stride: int
    squeeze_excite: bool = False


STEM_CHANNELS = 16
STAGES = {
    "blocks2": [UnitShape(3, 16, 32, 1)],
    "blocks3": [UnitShape(3, 32, 64, 2), UnitShape(3, 64, 64, 1)],
    "blocks4": [UnitShape(3, 64, 128, 2), UnitShape(3, 128, 128, 1)],
    "blocks5": [UnitShape(3, 128, 256, 2), *[UnitShape(5, 256, 256, 1)] * 5],
    "blocks6": [UnitShape(5, 256, 512, 2, True), UnitShape(5, 512, 512, 1, True)],
}
OUTPUTS = ("blocks4", "blocks5", "blocks6")


class Backbone(nn.Layer):
    """Stem and stages 2 to 6.

    Attributes:
        out_channels: Channels of the output maps, strides 8, 16 and 32.
    """

    def __init__(self, spec: LCNet) -> None:
        super().__init__()

        def scaled(channels: int) -> int:
            return round_channels(channels * spec.scale, 8)

        act = ACTIVATIONS[spec.activation]
        self.conv1 = ConvBN(3, scaled(STEM_CHANNELS), 3, stride=2, act=act)
        for stage, shapes in STAGES.items():
            units = [
                SeparableUnit(
                    scaled(shape.in_channels),
                    scaled(shape.out_channels),
                    shape.kernel,
                    shape.stride,
                    act=act,
                    squeeze_excite=shape.squeeze_excite,
                )
                for shape in shapes
            ]
            self.add_sublayer(stage, nn.Sequential(*units))
        self.out_channels = [scaled(STAGES[stage][-1].out_channels) for stage in OUTPUTS]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 8, 16 and 32."""
        x = self.conv1(image)
        outs = []
        for stage in STAGES:
            x = getattr(self, stage)(x)
            if stage in OUTPUTS:
                outs.append(x)
        return outs


class SeparableUnit(nn.Sequential):
    """Depthwise convolution, optional squeeze-excite, pointwise convolution; no shortcut."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        *,
        act: type[nn.Layer],
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__(
            ("dw_conv", ConvBN.depthwise(in_channels, kernel, stride, act=act)),
            *([("se", SqueezeExcite(in_channels))] if squeeze_excite else []),
            ("pw_conv", ConvBN(in_channels, out_channels, act=act)),
        )
