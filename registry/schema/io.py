"""What goes into a model and what comes out of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from registry.schema.base import Model
from registry.schema.source import Source

Triple = tuple[float, float, float]


class Input(Model):
    """The image tensor a network expects.

    Attributes:
        name: Name of the graph's input.
        height: Rows, in pixels.
        width: Columns, in pixels.
        color: Channel order.
        layout: Axis order of the tensor.
        resize: ``stretch`` scales both sides freely; ``top_down_affine`` cuts a region around a person.
        interpolation: OpenCV interpolation of the resize.
        scale: Factor on 0..255 values before mean and std are applied.
        mean: Subtracted per channel after scaling.
        std: Divided by per channel after the mean.
        source: Where upstream says so.
    """

    name: str = "image"
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


class HeatmapOutput(Model):
    """Heat maps, one a joint, at a fraction of the input's resolution.

    Attributes:
        joints: Joint names in channel order.
        stride: Input pixels per heat-map cell.
        argmax: Whether exported graphs carry a second output, the int64 flat index of each map's maximum.
        source: Where upstream says so.
    """

    kind: Literal["heatmap"] = "heatmap"
    joints: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()
    stride: PositiveInt = 4
    argmax: bool = True
    source: Source


class DetectionOutput(Model):
    """Boxes over a grid of cells on several strides.

    Attributes:
        classes: Class names in channel order.
        strides: Down-sampling factor of each level.
        reg_max: Largest distance bin of the box distribution.
        head: What the published graph hands out: ``raw`` (scores and distributions per level), ``boxes``
            (decoded, before suppression) or ``nms`` (final boxes).
        source: Where upstream says so.
    """

    kind: Literal["detection"] = "detection"
    classes: tuple[str, ...]
    strides: tuple[PositiveInt, ...] = (8, 16, 32, 64)
    reg_max: PositiveInt = 7
    head: Literal["raw", "boxes", "nms"]
    source: Source


class CoordinatesOutput(Model):
    """Joint coordinates, straight from the network.

    Attributes:
        joints: Number of joints; upstream names none.
        dimensions: Numbers a joint.
        source: Where upstream says so.
    """

    kind: Literal["coordinates"] = "coordinates"
    joints: PositiveInt
    dimensions: PositiveInt
    source: Source


Output = Annotated[HeatmapOutput | DetectionOutput | CoordinatesOutput, Field(discriminator="kind")]
