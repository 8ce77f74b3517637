"""Typed descriptions of network architectures, so that a size or a class count is data and not code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from registry.schema.base import Model

ESNET_BLOCKS = (3, 7, 3)
"""Blocks in stages 2, 3 and 4 of ESNet; one channel ratio belongs to each."""


class LiteHRNet(Model):
    """LiteHRNet, variant "wider naive": shuffle units only, no conditional channel weighting.

    Attributes:
        stem_channels: Output channels of the stem, at a quarter of the input's height and width.
        width: Channels of branch 0; branch ``b`` has ``width * 2**b``.
        modules: Number of high-resolution modules in each stage; stage ``s`` has ``s + 2`` branches.
        units: Shuffle units per branch and module.
        joints: Heat maps, one a joint.
    """

    kind: Literal["lite_hrnet"] = "lite_hrnet"
    stem_channels: PositiveInt = 32
    width: PositiveInt = 40
    modules: tuple[PositiveInt, ...] = (2, 4, 2)
    units: PositiveInt = 2
    joints: PositiveInt = 17

    @model_validator(mode="after")
    def _splittable(self) -> LiteHRNet:
        if self.width % 2 or self.stem_channels % 4:
            raise ValueError("units split their channels: width must be even, stem_channels a multiple of 4")
        return self


class ESNet(Model):
    """ESNet, the backbone of the 2021 PicoDet.

    Attributes:
        scale: Multiplies the stage widths 128, 256 and 512.
        channel_ratios: Middle width of each of the 13 blocks, as a share of the stage's width.
    """

    kind: Literal["esnet"] = "esnet"
    scale: PositiveFloat
    channel_ratios: tuple[PositiveFloat, ...]

    @model_validator(mode="after")
    def _one_ratio_a_block(self) -> ESNet:
        if len(self.channel_ratios) != sum(ESNET_BLOCKS):
            raise ValueError(f"channel_ratios needs {sum(ESNET_BLOCKS)} values, one a block")
        return self


class LCNet(Model):
    """PP-LCNet, the backbone of the 2022 PicoDet.

    Attributes:
        scale: Multiplies all widths.
    """

    kind: Literal["lcnet"] = "lcnet"
    scale: PositiveFloat


class PicoDet(Model):
    """PicoDet: backbone, path-aggregation neck, and a head on strides 8, 16, 32 and 64.

    Attributes:
        backbone: ESNet or LCNet.
        neck: ``csp_pan`` (cross-stage-partial blocks, 2021) or ``lc_pan`` (LCNet units, 2022).
        head: ``pico_head`` (2021) or ``pico_head_v2`` (2022, with an alignment branch).
        width: Channels of the neck and of the head's towers.
        tower_depth: Depthwise-pointwise pairs per level in the head.
        classes: Number of classes.
        reg_max: Largest distance bin; a side's distance is distributed over ``reg_max + 1`` bins.
        strides: Down-sampling factor of each level.
    """

    kind: Literal["picodet"] = "picodet"
    backbone: Annotated[ESNet | LCNet, Field(discriminator="kind")]
    neck: Literal["csp_pan", "lc_pan"]
    head: Literal["pico_head", "pico_head_v2"]
    width: PositiveInt
    tower_depth: PositiveInt
    classes: PositiveInt
    reg_max: PositiveInt = 7
    strides: tuple[Literal[8], Literal[16], Literal[32], Literal[64]] = (8, 16, 32, 64)


Architecture = Annotated[LiteHRNet | PicoDet, Field(discriminator="kind")]
