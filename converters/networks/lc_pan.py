"""LC-PAN, the neck of the 2022 PicoDet: path aggregation with LCNet units as mixing blocks."""

from __future__ import annotations

from paddle import nn

from converters.networks.lcnet import SeparableUnit
from converters.networks.pan import KERNEL


class SeparablePair(nn.Sequential):
    """Two LCNet units without squeeze-excite: 2C channels to 2C, then to C."""

    def __init__(self, channels: int, act: type[nn.Layer]) -> None:
        super().__init__(
            SeparableUnit(2 * channels, 2 * channels, KERNEL, act=act),
            SeparableUnit(2 * channels, channels, KERNEL, act=act),
        )
