"""Decode raw detector outputs over a grid of cells to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from registry.errors import ConversionError
from registry.schema.io import DetectionOutput, Input
from zoo._utils.arrays import Array, Floats


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes that score above a threshold in some class, before suppression.

    Attributes:
        boxes: ``(M, 4)`` x1, y1, x2, y2 in network input pixels, not clipped.
        scores: ``(M, classes)``.
    """

    boxes: Floats
    scores: Floats


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of all levels: strides in order, rows outer, columns inner.

    Attributes:
        centers: ``(A, 4)`` x, y, x, y of the cell's center in network input pixels.
        strides: ``(A, 1)`` network input pixels per cell.
    """

    centers: Floats
    strides: Floats


@lru_cache(maxsize=16)
def make_grid(height: int, width: int, strides: tuple[int, ...]) -> Grid:
    """Build the grid of a network input; a level also covers a remainder smaller than its stride."""
    centers, repeats = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        centers.append((np.stack([x, y, x, y], axis=1) + 0.5) * stride)
        repeats.append(np.full((rows * columns, 1), stride))
    return Grid(np.concatenate(centers).astype(np.float32), np.concatenate(repeats).astype(np.float32))


def decode_raw(
    outputs: Sequence[Array], spec: Input, output: DetectionOutput, threshold: float
) -> Candidates:
    """Decode per-level scores and box distributions of one image.

    Each side of a box is the expectation of a softmax over ``reg_max + 1`` bins, in cells, measured from the
    cell's center (Li et al., Generalized Focal Loss, NeurIPS 2020). Only cells above the threshold are
    decoded.

    Args:
        outputs: ``(1, cells, classes)`` activated scores of each level, then ``(1, cells, 4 * bins)``
            logits of each level, sides in the order left, top, right, bottom.
        spec: Input tensor, for the grid.
        output: Strides and bins.
        threshold: Cells without a class score above it are dropped.

    Raises:
        ConversionError: ``output-shape`` if the levels do not match the grid.
    """
    grid = make_grid(spec.height, spec.width, output.strides)
    levels = len(output.strides)
    bins = output.reg_max + 1
    scores = np.concatenate([level[0] for level in outputs[:levels]])
    logits = np.concatenate([level[0] for level in outputs[levels:]])
    if len(scores) != len(grid.centers) or logits.shape != (len(scores), 4 * bins):
        raise ConversionError(
            "output-shape",
            "the detector's outputs do not match the grid of its input",
            expected=f"{len(grid.centers)} cells with {4 * bins} logits each",
            found=f"scores {scores.shape}, logits {logits.shape}",
            hint="check that the file belongs to this entry: zoo inspect FILE",
        )
    selected = np.flatnonzero(scores.max(axis=1) > threshold)
    distribution = logits[selected].reshape(-1, 4, bins)
    weight = np.exp(distribution - distribution.max(axis=2, keepdims=True))
    distance = (weight * np.arange(bins, dtype=np.float32)).sum(axis=2) / weight.sum(axis=2)
    distance *= grid.strides[selected]
    distance[:, :2] *= -1
    return Candidates(grid.centers[selected] + distance, scores[selected])


def select_candidates(boxes: Array, scores: Array, threshold: float) -> Candidates:
    """Select candidates from boxes that the graph has decoded.

    Args:
        boxes: ``(1, A, 4)`` in network input pixels.
        scores: ``(1, classes, A)``.
        threshold: Boxes without a class score above it are dropped.
    """
    by_box = scores[0].T
    selected = np.flatnonzero(by_box.max(axis=1) > threshold)
    return Candidates(boxes[0][selected], by_box[selected])
