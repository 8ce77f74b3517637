"""Where a person is in the image, and the maps between image, network input and heat map.

Upstream never rotates, so every map here is a scale and a shift per axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.errors import UsageError
from registry.schema.protocol import Crop, HeatmapDecoder
from zoo._utils.arrays import Array, Doubles, Integers

_UNIT = 200


@dataclass(frozen=True, eq=False)
class Regions:
    """What is cut out of one image, a row per person.

    Attributes:
        center: ``(N, 2)`` x, y in image pixels.
        size: ``(N, 2)`` width and height in image pixels, at least 1.
        windows: ``(N, 4)`` x1, y1, x2, y2 in whole image pixels, ends excluded, when regions are clipped at
            the image's edge; None when they may reach beyond it.
    """

    center: Doubles
    size: Doubles
    windows: Integers | None

    def __len__(self) -> int:
        return len(self.center)

    @property
    def areas(self) -> Doubles:
        """``(N,)`` square pixels."""
        return np.asarray(self.size.prod(axis=1))

    @property
    def origins(self) -> Doubles:
        """``(N, 2)`` the image pixel that is the first pixel of what is cut out."""
        if self.windows is None:
            return np.zeros_like(self.center)
        return self.windows[:, :2].astype(np.float64)


@dataclass(frozen=True, eq=False)
class AxisMaps:
    """One map ``p * scale + shift`` per person.

    Attributes:
        scale: ``(N, 2)`` factor in x and y.
        shift: ``(N, 2)`` added after scaling.
    """

    scale: Doubles
    shift: Doubles

    def apply(self, points: Array) -> Doubles:
        """Map ``(N, K, 2)`` points, K to a person."""
        return points * self.scale[:, None, :] + self.shift[:, None, :]

    def inverse(self) -> AxisMaps:
        """The maps that undo these."""
        return AxisMaps(1 / self.scale, -self.shift / self.scale)

    def matrices(self) -> Doubles:
        """``(N, 2, 3)`` as OpenCV takes them."""
        matrices = np.zeros((len(self.scale), 2, 3))
        matrices[:, (0, 1), (0, 1)] = self.scale
        matrices[:, :, 2] = self.shift
        return matrices


def regions_of(
    boxes: Array, crop: Crop, *, input_size: tuple[int, int], image_size: tuple[int, int]
) -> Regions:
    """Turn person boxes into regions.

    ``border: black`` computes with fractions and lets regions reach beyond the photo. ``border: clip`` is
    the Python deployment's way: the box is truncated to whole pixels before it is enlarged, the region
    afterwards, and the image's last row and column are never part of it.

    Args:
        boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels; N may be 0. A side below one pixel counts as one.
        crop: The rule.
        input_size: Width and height of the network input, for the aspect.
        image_size: Width and height of the photo.

    Raises:
        UsageError: ``box-shape`` or ``box-not-finite``.
    """
    corners = _checked(boxes)
    if crop.border == "clip":
        corners = np.trunc(corners)
    center = (corners[:, :2] + corners[:, 2:]) / 2
    size = np.maximum(corners[:, 2:] - corners[:, :2], 1)
    if crop.border == "clip":
        return _clipped(center, _widened(size * crop.expand, crop, input_size), image_size)
    size = _widened(size, crop, input_size)
    # Upstream keeps both in single precision and sizes in units of 200 pixels. Rounding as it does makes
    # the cut-outs equal to the last bit.
    units = (size / _UNIT).astype(np.float32) * np.float32(crop.expand) * np.float32(_UNIT)
    return Regions(_single(center), units.astype(np.float64), None)


def _checked(boxes: Array) -> Doubles:
    corners = np.asarray(boxes, dtype=np.float64)
    if corners.size == 0:
        return np.zeros((0, 4))
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise UsageError(
            "box-shape",
            "person boxes have the wrong shape",
            expected="(N, 4): x1, y1, x2, y2 in image pixels",
            found=str(corners.shape),
            hint="one box is [[x1, y1, x2, y2]]; of rows with more columns take boxes[:, :4]",
        )
    if not np.isfinite(corners).all():
        raise UsageError(
            "box-not-finite",
            "a person box holds a value that is not a number",
            expected="finite pixel coordinates",
            found=str(corners[~np.isfinite(corners).all(axis=1)][0].tolist()),
            hint="leave such boxes out: boxes[numpy.isfinite(boxes).all(axis=1)]",
        )
    return corners


def _widened(size: Doubles, crop: Crop, input_size: tuple[int, int]) -> Doubles:
    aspect = input_size[0] / input_size[1]
    width = np.maximum(size[:, 0], size[:, 1] * aspect)
    height = size[:, 1] if crop.aspect == "width_only" else np.maximum(size[:, 1], size[:, 0] / aspect)
    return np.stack([width, height], axis=1)


def _clipped(center: Doubles, size: Doubles, image_size: tuple[int, int]) -> Regions:
    last = np.asarray(image_size) - 1
    # Half a size either side, cut towards zero on both ends: upstream converts with int().
    start = np.clip(np.trunc(center - size / 2), 0, last)
    end = np.clip(np.trunc(center + size / 2), 0, last)
    end = np.maximum(end, start)  # a box beyond the edge leaves a window without pixels
    windows = np.concatenate([start, end], axis=1).astype(np.int64)
    return Regions((start + end) / 2, np.maximum(end - start, 1), windows)


def to_input(regions: Regions, crop: Crop, input_size: tuple[int, int]) -> AxisMaps:
    """Maps from what is cut out to network input pixels.

    With unbiased data processing (Huang et al., CVPR 2020) first and last pixel centers fall on each other
    on both axes; without it the width alone sets the scale and the centers fall on each other.

    Args:
        regions: The regions; coordinates count from each region's origin.
        crop: Says which of the two.
        input_size: Width and height of the network input.
    """
    center = regions.center - regions.origins
    target = np.asarray(input_size, dtype=np.float64)
    if crop.udp:
        scale = _single((target - 1) / regions.size)
        # Upstream keeps this matrix, and only this one, in single precision.
        return AxisMaps(scale, _single(scale * (regions.size / 2 - center)))
    scale = np.repeat(target[0] / regions.size[:, :1], 2, axis=1)
    return AxisMaps(scale, target / 2 - scale * center)


def from_heatmap(regions: Regions, decoder: HeatmapDecoder, map_size: tuple[int, int]) -> AxisMaps:
    """Maps from heat-map cells to image pixels.

    Args:
        regions: The regions the heat maps were computed for.
        decoder: Says whether the map is unbiased or the plain affine one. Upstream's evaluation crops
            unbiased and projects back plainly.
        map_size: Width and height of a heat map, in cells.
    """
    cells = np.asarray(map_size, dtype=np.float64)
    center = regions.center
    if regions.windows is not None:
        # The deployment projects back around the rounded center of the cut-out, half to even.
        center = np.rint(center - regions.origins) + regions.origins
    if decoder.back_projection == "udp":
        scale = regions.size / (cells - 1)
        return AxisMaps(scale, center - regions.size / 2)
    scale = np.repeat(regions.size[:, :1] / cells[0], 2, axis=1)
    return AxisMaps(scale, center - scale * cells / 2)


def _single(values: Doubles) -> Doubles:
    """Round to single precision, keep as double."""
    return values.astype(np.float32).astype(np.float64)
