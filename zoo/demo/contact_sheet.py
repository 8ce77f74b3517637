"""Draw several small images with their results on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from registry.schema.io import HeatmapOutput
from zoo._utils.arrays import Bytes
from zoo.runner.draw import draw_poses
from zoo.runner.images import Image
from zoo.runner.results import Poses

_CELL = 480  # pixels, across and down
_GAP = 16
_PAPER = (246, 246, 246)  # blue, green, red


def contact_sheet(images: Sequence[Bytes], poses: Sequence[Poses], output: HeatmapOutput) -> Image:
    """Images with poses, three in a row.

    The images are enlarged before the results are drawn on them, so that lines are thin.

    Args:
        images: ``(height, width, 3)`` uint8 RGB, of any sizes.
        poses: Results on each.
        output: Output of the model.
    """
    rows, columns = -(-len(images) // 3), min(3, len(images))
    pitch = _CELL + _GAP
    sheet = np.full((rows * pitch + _GAP, columns * pitch + _GAP, 3), _PAPER, dtype=np.uint8)
    for number, (image, found) in enumerate(zip(images, poses, strict=True)):
        cell = _enlarged(image, found, output)
        height, width = cell.shape[:2]
        top = _GAP + number // 3 * pitch + (_CELL - height) // 2
        left = _GAP + number % 3 * pitch + (_CELL - width) // 2
        sheet[top : top + height, left : left + width] = cell
    return Image(sheet, "bgr")


def _enlarged(image: Bytes, found: Poses, output: HeatmapOutput) -> Bytes:
    import cv2  # heavy: as everywhere

    factor = _CELL / max(image.shape[:2])
    size = (round(factor * image.shape[1]), round(factor * image.shape[0]))
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    # Whole coordinates are pixel centers, which an enlargement moves by half of what it adds.
    shift = (factor - 1) / 2
    keypoints = found.keypoints.copy()
    keypoints[..., :2] = factor * keypoints[..., :2] + shift
    moved = Poses(keypoints, found.scores, factor * found.boxes + shift, factor**2 * found.areas)
    return draw_poses(Image(np.asarray(large, dtype=np.uint8), "rgb"), moved, output).as_bgr()
