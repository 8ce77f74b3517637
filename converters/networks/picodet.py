"""PicoDet: backbone, neck and head as the architecture defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle import Tensor, nn

from converters.networks import esnet, lcnet, mobilenet_v3, resnet_vd, shufflenet_v2
from converters.networks.csp_pan import CrossStagePartial
from converters.networks.layers import ACTIVATIONS
from converters.networks.lc_pan import SeparablePair
from converters.networks.pan import PathAggregation
from converters.networks.pico_head import Level, PicoHead
from converters.networks.pico_head_v2 import PicoHeadV2

if TYPE_CHECKING:
    from registry.schema.architecture import PicoDet as Spec

BACKBONES: dict[str, type[nn.Layer]] = {
    "esnet": esnet.Backbone,
    "lcnet": lcnet.Backbone,
    "mobilenet_v3_large": mobilenet_v3.Backbone,
    "resnet18_vd": resnet_vd.Backbone,
    "shufflenet_v2": shufflenet_v2.Backbone,
}
MIXING = {"csp_pan": CrossStagePartial, "lc_pan": SeparablePair}
HEADS: dict[str, type[nn.Layer]] = {"pico_head": PicoHead, "pico_head_v2": PicoHeadV2}


class PicoDet(nn.Layer):
    """An anchor-free detector on strides 8, 16, 32 and 64."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.backbone = BACKBONES[spec.backbone.kind](spec.backbone)
        act = ACTIVATIONS[spec.activation]
        self.neck = PathAggregation(self.backbone.out_channels, spec.width, MIXING[spec.neck], act=act)
        self.head = HEADS[spec.head](spec)

    def forward(self, image: Tensor) -> list[Level]:
        """Return the predictions of each level for a normalized image [N, 3, H, W]; H, W multiples of 32."""
        levels: list[Level] = self.head(self.neck(self.backbone(image)))
        return levels
