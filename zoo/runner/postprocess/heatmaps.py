"""Decode heat maps to joint positions in cells, for all joints of all persons at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.schema.protocol import HeatmapDecoder
from zoo._utils.arrays import Doubles, Floats, Integers

# Lower bound of a blurred map before its logarithm; upstream's value.
_FLOOR = np.float32(1e-10)


@dataclass(frozen=True, eq=False)
class Peaks:
    """Joints in heat-map coordinates.

    Attributes:
        points: ``(N, J, 2)`` x, y in cells, fractions included.
        scores: ``(N, J)`` maximum of each network output map.
    """

    points: Doubles
    scores: Floats


def decode_heatmaps(maps: Floats, decoder: HeatmapDecoder) -> Peaks:
    """Find each joint's position.

    A map without a positive value puts its joint at cell (0, 0) with the map's maximum as its score.

    ``argmax`` moves the highest cell a quarter of a cell towards the higher neighbor on each axis. ``dark``
    (Zhang et al., CVPR 2020) blurs the map, takes its logarithm and makes one Newton step from the highest
    cell. Both leave a peak unchanged if a neighbor they need is outside the map.

    Args:
        maps: ``(N, J, H, W)``; N may be 0.
        decoder: Method and blur.
    """
    persons, joints, height, width = maps.shape
    flat = maps.reshape(persons, joints, height * width)
    index = flat.argmax(axis=2)
    scores = np.take_along_axis(flat, index[:, :, None], axis=2)[:, :, 0]
    index = np.where(scores > 0, index, 0)
    points = np.stack([index % width, index // width], axis=2).astype(np.float64)
    refine = _quarter_shift if decoder.method == "argmax" else _newton_step
    refine(points, maps, scores, decoder.kernel)
    return Peaks(points, scores)


def average_with_mirrored(maps: Floats, mirrored: Floats, pairs: tuple[tuple[int, int], ...]) -> Floats:
    """Average heat maps with those of the mirrored input.

    Mirrored back, the maps are one cell too far left (an even input has its axis between two pixels, the
    strided maps do not). They are shifted one cell right before averaging; column 0 keeps its own value.

    Args:
        maps: ``(N, J, H, W)`` of the input.
        mirrored: Same shape, of the input with its columns reversed.
        pairs: Pairs of left and right joints.
    """
    partner = np.arange(maps.shape[1])
    for left, right in pairs:
        partner[left], partner[right] = right, left
    back = mirrored[:, partner, :, ::-1]
    total = maps.copy()
    total[..., 1:] += back[..., :-1]
    total[..., :1] += back[..., :1]
    return total * np.float32(0.5)


def _quarter_shift(points: Doubles, maps: Floats, scores: Floats, _: int) -> None:
    peaks = _refinable_peaks(points, maps, scores, margin=1)
    around = _neighborhoods(maps, peaks, radius=1)
    shift = np.stack([around[:, 1, 2] - around[:, 1, 0], around[:, 2, 1] - around[:, 0, 1]], axis=1)
    points[peaks.person, peaks.joint] += 0.25 * np.sign(shift)


def _newton_step(points: Doubles, maps: Floats, scores: Floats, kernel: int) -> None:
    peaks = _refinable_peaks(points, maps, scores, margin=2)
    blurred = _blur(maps, kernel)
    tallest = blurred.max(axis=(2, 3))[peaks.person, peaks.joint]
    with np.errstate(divide="ignore", invalid="ignore"):
        restore = (scores[peaks.person, peaks.joint] / tallest).astype(np.float32)
        around = _neighborhoods(blurred, peaks, radius=2) * restore[:, None, None]
        # The blur covers whole maps because their maximum is needed; the logarithm only the cells in use.
        heat = np.log(np.maximum(around, _FLOOR))
        step = _compute_step(heat)
    usable = np.isfinite(step).all(axis=1) & (tallest > 0)
    points[peaks.person[usable], peaks.joint[usable]] += step[usable]


def _compute_step(heat: Floats) -> Doubles:
    """Newton step from the center of ``(K, 5, 5)`` surfaces to the stationary point; NaN where flat.

    First derivatives over one cell, second derivatives over two (hence the quarter), as upstream takes them.
    """
    dx = 0.5 * (heat[:, 2, 3] - heat[:, 2, 1])
    dy = 0.5 * (heat[:, 3, 2] - heat[:, 1, 2])
    dxx = 0.25 * (heat[:, 2, 4] - 2 * heat[:, 2, 2] + heat[:, 2, 0])
    dyy = 0.25 * (heat[:, 4, 2] - 2 * heat[:, 2, 2] + heat[:, 0, 2])
    dxy = 0.25 * (heat[:, 3, 3] - heat[:, 1, 3] - heat[:, 3, 1] + heat[:, 1, 1])
    # Singularity is tested in single precision, as in upstream.
    singular = dxx * dyy - dxy**2 == 0
    dx, dy, dxx, dyy, dxy = (part.astype(np.float64) for part in (dx, dy, dxx, dyy, dxy))
    determinant = np.where(singular, np.nan, dxx * dyy - dxy**2)
    return np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], axis=1) / determinant[:, None]


@dataclass(frozen=True, eq=False)
class _Selection:
    """Indices of the joints that can be refined, ``(K,)`` each."""

    person: Integers
    joint: Integers
    column: Integers
    row: Integers


def _refinable_peaks(points: Doubles, maps: Floats, scores: Floats, margin: int) -> _Selection:
    """Joints with a positive peak that has two cells before it and ``margin`` after it, on both axes.

    Upstream's C++ deployment for Lite lacks the vertical guard and reads outside the map.
    """
    cells = points.astype(np.int64)
    column, row = cells[:, :, 0], cells[:, :, 1]
    height, width = maps.shape[2:]
    inside = (column > 1) & (column < width - margin) & (row > 1) & (row < height - margin)
    person, joint = np.nonzero(inside & (scores > 0))
    return _Selection(person, joint, column[person, joint], row[person, joint])


def _neighborhoods(maps: Floats, peaks: _Selection, radius: int) -> Floats:
    """``(K, 2 * radius + 1, 2 * radius + 1)`` cells around each peak."""
    offset = np.arange(-radius, radius + 1)
    rows = peaks.row[:, None, None] + offset[:, None]
    columns = peaks.column[:, None, None] + offset
    return np.asarray(maps[peaks.person[:, None, None], peaks.joint[:, None, None], rows, columns])


def _blur(maps: Floats, kernel: int) -> Floats:
    """Gaussian blur of every map with zeros outside, OpenCV's sigma for the kernel.

    All maps are blurred in one call, stacked with zeros between them, which gives the same result as one call
    per map.
    """
    import cv2  # heavy: see the package's docstring

    persons, joints, height, width = maps.shape
    border = (kernel - 1) // 2
    stack = np.zeros((persons * joints, height + 2 * border, width + 2 * border))
    if not len(stack):
        return maps
    inner = (slice(None), slice(border, border + height), slice(border, border + width))
    stack[inner] = maps.reshape(-1, height, width)
    blurred = cv2.GaussianBlur(stack.reshape(-1, stack.shape[2]), (kernel, kernel), 0)
    return np.asarray(blurred).reshape(stack.shape)[inner].astype(np.float32).reshape(maps.shape)
