"""Person regions, and the maps between image, network input and heat map.

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
    """Crop regions in one image, a row per person.

    Attributes:
        center: ``(N, 2)`` x, y in image pixels.
        size: ``(N, 2)`` width and height in image pixels, at least 1.
        windows: ``(N, 4)`` x1, y1, x2, y2 in whole image pixels, ends excluded, when regions are clipped at
            the image border; None when they may extend beyond it.
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
        """``(N, 2)`` image coordinates of the first pixel of each crop."""
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
        """Map ``(N, K, 2)`` points, K per person."""
        return points * self.scale[:, None, :] + self.shift[:, None, :]

    def inverse(self) -> AxisMaps:
        """Inverse maps."""
        return AxisMaps(1 / self.scale, -self.shift / self.scale)

    def matrices(self) -> Doubles:
        """``(N, 2, 3)`` affine matrices in OpenCV's form."""
        matrices = np.zeros((len(self.scale), 2, 3))
        matrices[:, (0, 1), (0, 1)] = self.scale
        matrices[:, :, 2] = self.shift
        return matrices


def compute_regions(
    boxes: Array, crop: Crop, *, input_size: tuple[int, int], image_size: tuple[int, int]
) -> Regions:
    """Turn person boxes into regions.

    ``border: black`` computes with fractions and lets regions extend beyond the image. ``border: clip`` is
    the rule of upstream's Python deployment: the box is truncated to whole pixels before it is enlarged, the
    region afterwards, and the image's last row and column are never part of it.

    Args:
        boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels; N may be 0. A side below one pixel counts as one.
        crop: The crop rule.
        input_size: Width and height of the network input, for the aspect ratio.
        image_size: Width and height of the image.

    Raises:
        UsageError: ``box-shape`` or ``box-not-finite``.
    """
    corners = _check_boxes(boxes)
    if crop.border == "clip":
        corners = np.trunc(corners)
    center = (corners[:, :2] + corners[:, 2:]) / 2
    size = np.maximum(corners[:, 2:] - corners[:, :2], 1)
    if crop.border == "clip":
        return _clip(center, _widen(size * crop.expand, crop, input_size), image_size)
    size = _widen(size, crop, input_size)
    # Upstream keeps both in single precision, and sizes in units of 200 pixels. The same rounding here makes
    # the crops equal to the last bit.
    units = (size / _UNIT).astype(np.float32) * np.float32(crop.expand) * np.float32(_UNIT)
    return Regions(_round_to_single(center), units.astype(np.float64), None)


def _check_boxes(boxes: Array) -> Doubles:
    corners = np.asarray(boxes, dtype=np.float64)
    if corners.size == 0:
        return np.zeros((0, 4))
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise UsageError(
            "box-shape",
            "person boxes have the wrong shape",
            expected="(N, 4): x1, y1, x2, y2 in image pixels",
            found=str(corners.shape),
            hint="pass one box as [[x1, y1, x2, y2]]; pass boxes[:, :4] of rows with more columns",
        )
    if not np.isfinite(corners).all():
        raise UsageError(
            "box-not-finite",
            "a person box contains a value that is not a finite number",
            expected="finite pixel coordinates",
            found=str(corners[~np.isfinite(corners).all(axis=1)][0].tolist()),
            hint="remove such boxes: boxes[numpy.isfinite(boxes).all(axis=1)]",
        )
    return corners


def _widen(size: Doubles, crop: Crop, input_size: tuple[int, int]) -> Doubles:
    aspect = input_size[0] / input_size[1]
    width = np.maximum(size[:, 0], size[:, 1] * aspect)
    height = size[:, 1] if crop.aspect == "width_only" else np.maximum(size[:, 1], size[:, 0] / aspect)
    return np.stack([width, height], axis=1)


def _clip(center: Doubles, size: Doubles, image_size: tuple[int, int]) -> Regions:
    last = np.asarray(image_size) - 1
    # Half a size on either side, truncated towards zero at both ends: upstream converts with int().
    start = np.clip(np.trunc(center - size / 2), 0, last)
    end = np.clip(np.trunc(center + size / 2), 0, last)
    end = np.maximum(end, start)  # a box outside the image gives a window without pixels
    windows = np.concatenate([start, end], axis=1).astype(np.int64)
    return Regions((start + end) / 2, np.maximum(end - start, 1), windows)


def map_to_input(regions: Regions, crop: Crop, input_size: tuple[int, int]) -> AxisMaps:
    """Maps from crop pixels to network input pixels.

    With unbiased data processing (Huang et al., CVPR 2020) the centers of the first and last pixels coincide
    on both axes. Without it the width alone sets the scale, and the centers of the two areas coincide.

    Args:
        regions: The regions; coordinates count from each region's origin.
        crop: Selects one of the two.
        input_size: Width and height of the network input.
    """
    center = regions.center - regions.origins
    target = np.asarray(input_size, dtype=np.float64)
    if crop.udp:
        scale = _round_to_single((target - 1) / regions.size)
        # Upstream keeps this matrix, and only this one, in single precision.
        return AxisMaps(scale, _round_to_single(scale * (regions.size / 2 - center)))
    scale = np.repeat(target[0] / regions.size[:, :1], 2, axis=1)
    return AxisMaps(scale, target / 2 - scale * center)


def map_from_heatmap(regions: Regions, decoder: HeatmapDecoder, map_size: tuple[int, int]) -> AxisMaps:
    """Maps from heat-map cells to image pixels.

    Args:
        regions: The regions the heat maps were computed for.
        decoder: Selects the unbiased or the plain affine map. Upstream's evaluation crops with the unbiased
            map and projects back with the plain one.
        map_size: Width and height of a heat map, in cells.
    """
    cells = np.asarray(map_size, dtype=np.float64)
    center = regions.center
    if regions.windows is not None:
        # The deployment projects back around the rounded center of the crop, half to even.
        center = np.rint(center - regions.origins) + regions.origins
    if decoder.back_projection == "udp":
        scale = regions.size / (cells - 1)
        return AxisMaps(scale, center - regions.size / 2)
    scale = np.repeat(regions.size[:, :1] / cells[0], 2, axis=1)
    return AxisMaps(scale, center - scale * cells / 2)


def _round_to_single(values: Doubles) -> Doubles:
    """Round to single precision; return as double."""
    return values.astype(np.float32).astype(np.float64)
