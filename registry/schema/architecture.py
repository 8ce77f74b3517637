"""Typed descriptions of network architectures: sizes and class counts are data, not code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from registry.schema.base import CatalogModel

Activation = Literal["hard_swish", "relu6"]

ESNET_BLOCKS = (3, 7, 3)
"""Blocks in stages 2, 3 and 4 of ESNet; each has one channel ratio."""


class LiteHRNet(CatalogModel):
    """LiteHRNet, variant "wider naive": shuffle units only, no conditional channel weighting.

    Attributes:
        kind: ``lite_hrnet``.
        stem_channels: Output channels of the stem, at a quarter of the input's height and width.
        width: Channels of branch 0; branch ``b`` has ``width * 2**b``.
        modules: Number of high-resolution modules in each stage; stage ``s`` has ``s + 2`` branches.
        units: Shuffle units per branch and module.
        joints: Number of joints; the network outputs one heatmap a joint.
        depth: Cells along the depth axis. 1 for heatmaps of the image plane; with more, the network outputs
            one volume a joint, whose depth cells are neighboring channels.
    """

    kind: Literal["lite_hrnet"] = "lite_hrnet"
    stem_channels: PositiveInt = 32
    width: PositiveInt = 40
    modules: tuple[PositiveInt, ...] = (2, 4, 2)
    units: PositiveInt = 2
    joints: PositiveInt = 17
    depth: PositiveInt = 1

    @model_validator(mode="after")
    def _check_channel_splits(self) -> LiteHRNet:
        if self.width % 2 or self.stem_channels % 4:
            raise ValueError("width must be even, stem_channels a multiple of 4: units split their channels")
        return self


class ESNet(CatalogModel):
    """ESNet, the backbone of the 2021 PicoDet.

    Attributes:
        kind: ``esnet``.
        scale: Factor on the stage widths 128, 256 and 512.
        channel_ratios: Middle width of each of the 13 blocks, as a fraction of the stage width.
    """

    kind: Literal["esnet"] = "esnet"
    scale: PositiveFloat
    channel_ratios: tuple[PositiveFloat, ...]

    @model_validator(mode="after")
    def _check_ratio_count(self) -> ESNet:
        if len(self.channel_ratios) != sum(ESNET_BLOCKS):
            raise ValueError(f"channel_ratios needs {sum(ESNET_BLOCKS)} values, one a block")
        return self


class LCNet(CatalogModel):
    """PP-LCNet, the backbone of the 2022 PicoDet.

    Attributes:
        kind: ``lcnet``.
        scale: Factor on all widths.
        activation: Activation after every convolution outside the squeeze-excite gates.
    """

    kind: Literal["lcnet"] = "lcnet"
    scale: PositiveFloat
    activation: Activation = "hard_swish"


class ShuffleNetV2(CatalogModel):
    """ShuffleNet V2 without its last convolution, with leaky ReLU.

    Attributes:
        kind: ``shufflenet_v2``.
        widths: Channels of stages 2, 3 and 4; the default is scale 1.0.
    """

    kind: Literal["shufflenet_v2"] = "shufflenet_v2"
    widths: tuple[PositiveInt, PositiveInt, PositiveInt] = (116, 232, 464)

    @model_validator(mode="after")
    def _check_channel_splits(self) -> ShuffleNetV2:
        if any(width % 2 for width in self.widths):
            raise ValueError("widths must be even: blocks split their channels into halves")
        return self


class MobileNetV3Large(CatalogModel):
    """MobileNetV3-large at scale 1.0, without the layers of its classifier.

    Attributes:
        kind: ``mobilenet_v3_large``.
    """

    kind: Literal["mobilenet_v3_large"] = "mobilenet_v3_large"


class ResNet18Vd(CatalogModel):
    """ResNet-18, variant "vd": three convolutions in the stem, pooling in the shortcuts.

    Attributes:
        kind: ``resnet18_vd``.
    """

    kind: Literal["resnet18_vd"] = "resnet18_vd"


Backbone = Annotated[
    ESNet | LCNet | ShuffleNetV2 | MobileNetV3Large | ResNet18Vd, Field(discriminator="kind")
]


class PicoDet(CatalogModel):
    """PicoDet: backbone, path-aggregation neck, and a head on strides 8, 16, 32 and 64.

    Attributes:
        kind: ``picodet``.
        backbone: Network that makes the maps of strides 8, 16 and 32.
        neck: ``csp_pan`` (cross-stage-partial blocks, 2021) or ``lc_pan`` (LCNet units, 2022).
        head: ``pico_head`` (2021) or ``pico_head_v2`` (2022, with an alignment branch).
        activation: Activation of neck and head; the backbone has its own.
        width: Channels of the neck and of the head towers.
        tower_depth: Depthwise-pointwise pairs per level in the head.
        classes: Number of classes.
        reg_max: Largest distance bin; the distance to a side is a distribution over ``reg_max + 1`` bins.
        strides: Down-sampling factor of each level.
    """

    kind: Literal["picodet"] = "picodet"
    backbone: Backbone
    neck: Literal["csp_pan", "lc_pan"]
    head: Literal["pico_head", "pico_head_v2"]
    activation: Activation = "hard_swish"
    width: PositiveInt
    tower_depth: PositiveInt
    classes: PositiveInt
    reg_max: PositiveInt = 7
    strides: tuple[Literal[8], Literal[16], Literal[32], Literal[64]] = (8, 16, 32, 64)


Architecture = Annotated[LiteHRNet | PicoDet, Field(discriminator="kind")]
