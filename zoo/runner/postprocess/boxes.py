"""Raw detector outputs become boxes over a grid of cells."""

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
class Cells:
    """All cells of all levels, strides in order, rows outer, columns inner.

    Attributes:
        centers: ``(A, 4)`` x, y, x, y of the cell's center in network input pixels.
        strides: ``(A, 1)`` network input pixels per cell.
    """

    centers: Floats
    strides: Floats


@lru_cache(maxsize=16)
def cells_of(height: int, width: int, strides: tuple[int, ...]) -> Cells:
    """The grid of a network input of that size; a level covers the input even where it does not divide it."""
    centers, repeats = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        centers.append((np.stack([x, y, x, y], axis=1) + 0.5) * stride)
        repeats.append(np.full((rows * columns, 1), stride))
    return Cells(np.concatenate(centers).astype(np.float32), np.concatenate(repeats).astype(np.float32))


def decode_raw(
    outputs: Sequence[Array], spec: Input, output: DetectionOutput, threshold: float
) -> Candidates:
    """Decode per-level scores and box distributions of one photo.

    Each side of a box is the expectation of a softmax over ``reg_max + 1`` bins, in cells, measured from the
    cell's center (Li et al., Generalized Focal Loss, NeurIPS 2020). Only cells above the threshold are
    decoded.

    Args:
        outputs: ``(1, cells, classes)`` activated scores of each level, then ``(1, cells, 4 * bins)``
            logits of each level, sides in the order left, top, right, bottom.
        spec: Input tensor, for the grid.
        output: Strides and bins.
        threshold: Cells whose best class is not above it are dropped.

    Raises:
        ConversionError: ``output-shape`` when the levels do not fit the grid.
    """
    cells = cells_of(spec.height, spec.width, output.strides)
    levels = len(output.strides)
    bins = output.reg_max + 1
    scores = np.concatenate([level[0] for level in outputs[:levels]])
    logits = np.concatenate([level[0] for level in outputs[levels:]])
    if len(scores) != len(cells.centers) or logits.shape != (len(scores), 4 * bins):
        raise ConversionError(
            "output-shape",
            "the detector's outputs do not fit the grid of its input",
            expected=f"{len(cells.centers)} cells with {4 * bins} logits each",
            found=f"scores {scores.shape}, logits {logits.shape}",
            hint="check that the file belongs to this entry: zoo inspect FILE",
        )
    chosen = np.flatnonzero(scores.max(axis=1) > threshold)
    distribution = logits[chosen].reshape(-1, 4, bins)
    weight = np.exp(distribution - distribution.max(axis=2, keepdims=True))
    distance = (weight * np.arange(bins, dtype=np.float32)).sum(axis=2) / weight.sum(axis=2)
    distance *= cells.strides[chosen]
    distance[:, :2] *= -1
    return Candidates(cells.centers[chosen] + distance, scores[chosen])


def choose_decoded(boxes: Array, scores: Array, threshold: float) -> Candidates:
    """Pick the candidates out of boxes that the graph decoded.

    Args:
        boxes: ``(1, A, 4)`` in network input pixels.
        scores: ``(1, classes, A)``.
        threshold: Boxes whose best class is not above it are dropped.
    """
    by_box = scores[0].T
    chosen = np.flatnonzero(by_box.max(axis=1) > threshold)
    return Candidates(boxes[0][chosen], by_box[chosen])
