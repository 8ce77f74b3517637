"""Backgrounds, clutter behind and in front of the figures, and noise."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Floats, Integers
from zoo.sample.canvas import Canvas, Stroke
from zoo.sample.figure_strokes import random_color


def draw_background(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Draw soft color patches, sometimes with a pattern of bars or tiles: ``(height, width, 3)`` float32."""
    rows, columns = (int(cells) for cells in rng.integers(2, 9, 2))
    contrast = int(rng.integers(10, 128))
    middle = rng.integers(0, 256, 3)
    grid = (middle + rng.integers(-contrast, contrast + 1, (rows, columns, 3))).astype(np.float32)
    soft = _stretched(_stretched(grid, height).transpose(1, 0, 2), width).transpose(1, 0, 2).copy()
    if rng.random() < 0.3:
        soft += _pattern(rng, height, width)
    return soft


def draw_clutter(rng: np.random.Generator, canvas: Canvas, most: int) -> None:
    """Draw bars, balls and tapered strokes like limbs at random positions.

    Args:
        rng: Random generator.
        canvas: Canvas to draw on; the owner of the strokes is -1.
        most: Maximum number of strokes.
    """
    height, width = canvas.owner.shape
    for _ in range(int(rng.integers(0, most + 1))):
        ends = rng.integers(0, [width, height, width, height])
        start = (float(ends[0]), float(ends[1]))
        ball = rng.random() < 0.3
        radii = rng.integers(2, max(min(height, width) // 10, 4), 2)
        stroke = Stroke(
            start=start,
            end=start if ball else (float(ends[2]), float(ends[3])),
            radii=(float(radii[0]), float(radii[0] if rng.random() < 0.5 else radii[1])),
            depth=0.0,
            color=random_color(rng),
            roundness=float(rng.integers(0, 6)) / 10,
        )
        canvas.draw(stroke, -1)


def make_noise(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Make no, weak or strong noise: ``(height, width, 3)`` float32."""
    most = int(rng.integers(0, 11))
    # The sum of two uniform integers; normal variates would depend on exp and log of the machine.
    return np.asarray(rng.integers(-most, most + 1, (2, height, width, 3)).sum(axis=0), dtype=np.float32)


def _pattern(rng: np.random.Generator, height: int, width: int) -> Integers:
    period = int(rng.integers(4, 33))
    step = rng.integers(-60, 61, 3)
    rows = (np.arange(height) // period) % 2
    columns = (np.arange(width) // period) % 2
    kind = int(rng.integers(3))
    rows = rows if kind != 1 else np.zeros_like(rows)
    columns = columns if kind != 0 else np.zeros_like(columns)
    return np.asarray((rows[:, None] ^ columns[None, :])[:, :, None] * step)


def _stretched(grid: Floats, length: int) -> Floats:
    """Stretch the first axis to ``length`` by linear interpolation between the first and the last row."""
    position = np.arange(length, dtype=np.float32) * np.float32((len(grid) - 1) / max(length - 1, 1))
    lower = np.minimum(position.astype(np.int64), len(grid) - 2)
    share = (position - lower.astype(np.float32))[:, None, None]
    return np.asarray(grid[lower] + share * (grid[lower + 1] - grid[lower]))
