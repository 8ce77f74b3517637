"""Inputs and outputs of a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from registry.schema.base import CatalogModel, Line
from registry.schema.source import Source

Triple = tuple[float, float, float]
JointPair = tuple[NonNegativeInt, NonNegativeInt]


class Input(CatalogModel):
    """Input tensor of a network, and how an image becomes it.

    Attributes:
        name: Name of the graph's input.
        height: Height in pixels.
        width: Width in pixels.
        color: Channel order.
        layout: Axis order of the tensor.
        resize: ``stretch`` scales the image to the input size without keeping its aspect ratio;
            ``top_down_affine`` crops a region around a person.
        interpolation: OpenCV interpolation of the resize.
        scale: Factor on pixel values 0 to 255, applied before ``mean`` and ``std``.
        mean: Value subtracted from each channel after scaling.
        std: Value each channel is divided by after that.
        source: Where upstream states it.
    """

    name: Line = "image"
    height: PositiveInt
    width: PositiveInt
    color: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw"] = "nchw"
    resize: Literal["stretch", "top_down_affine"]
    interpolation: Literal["linear", "cubic"]
    scale: PositiveFloat = 1 / 255
    mean: Triple
    std: Triple
    source: Source


class HeatmapOutput(CatalogModel):
    """One heatmap a joint, at a fraction of the input's resolution.

    Attributes:
        kind: ``heatmap``.
        joints: Joint names in channel order.
        flip_pairs: Indexes of joints that swap when the image is mirrored; an empty list if none do. None if
            it is not known: then there is no flip test.
        skeleton: Pairs of joint indexes that a drawing connects.
        sigmas: Constant of each joint for object keypoint similarity (OKS); None if only the joints' names
            define them.
        stride: Input pixels per heatmap cell.
        argmax: Whether exported graphs have a second output, the flat int64 index of each map's maximum.
        source: Where upstream states it.
    """

    kind: Literal["heatmap"] = "heatmap"
    joints: tuple[Line, ...]
    flip_pairs: tuple[JointPair, ...] | None = None
    skeleton: tuple[JointPair, ...] = ()
    sigmas: tuple[PositiveFloat, ...] | None = None
    stride: PositiveInt = 4
    argmax: bool = True
    source: Source

    @model_validator(mode="after")
    def _check_joint_indexes(self) -> HeatmapOutput:
        last = len(self.joints) - 1
        for name in ("flip_pairs", "skeleton"):
            if any(max(pair) > last or pair[0] == pair[1] for pair in getattr(self, name) or ()):
                raise ValueError(f"{name} must pair two different joints, with indexes from 0 to {last}")
        swapped = [index for pair in self.flip_pairs or () for index in pair]
        if len(set(swapped)) != len(swapped):
            raise ValueError("flip_pairs must name a joint once at most")
        if self.sigmas is not None and len(self.sigmas) != len(self.joints):
            raise ValueError(f"sigmas needs {len(self.joints)} values, one a joint")
        return self


class DetectionOutput(CatalogModel):
    """Boxes, predicted on a grid of cells for each of several strides.

    Attributes:
        kind: ``detection``.
        classes: Class names in channel order.
        strides: Down-sampling factor of each level.
        reg_max: Largest distance bin of the box distribution.
        head: Outputs of the published graph: ``raw`` (scores and distributions per level), ``boxes``
            (decoded, before suppression) or ``nms`` (final boxes).
        source: Where upstream states it.
    """

    kind: Literal["detection"] = "detection"
    classes: tuple[Line, ...]
    strides: tuple[PositiveInt, ...] = (8, 16, 32, 64)
    reg_max: PositiveInt = 7
    head: Literal["raw", "boxes", "nms"]
    source: Source


class CoordinatesOutput(CatalogModel):
    """Joint coordinates as direct outputs of the network.

    Attributes:
        kind: ``coordinates``.
        joints: Number of joints; upstream publishes no names.
        dimensions: Coordinates per joint.
        source: Where upstream states it.
    """

    kind: Literal["coordinates"] = "coordinates"
    joints: PositiveInt
    dimensions: PositiveInt
    source: Source


Output = Annotated[HeatmapOutput | DetectionOutput | CoordinatesOutput, Field(discriminator="kind")]
