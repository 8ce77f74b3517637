"""Antialiased drawing in NumPy with equal pixels on every machine.

It uses no drawing library because their rasterizers change between versions. Every step is one correctly
rounded operation (sum, product, quotient, square root), so equal inputs give equal pixels everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo._utils.arrays import Bytes, Floats, Integers

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """The area that a disc with a linearly changing radius covers on its way from one point to another.

    Attributes:
        start: x, y in pixels; pixel centers have integer coordinates.
        end: The other end; equal to ``start`` for a plain disc.
        radii: Radius at the start and at the end, in pixels.
        depth: Depth; a larger value is nearer to the camera.
        color: Red, green, blue.
        roundness: Darkening towards the edge, from 0 (flat) to 1 (black).
        joints: Indices of the joints on this part of a body.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    radii: tuple[float, float]
    depth: float
    color: Color
    roundness: float = 0.0
    joints: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Canvas:
    """An image that is being drawn.

    Attributes:
        pixels: ``(height, width, 3)`` float32, 0 to 255, RGB.
        owner: ``(height, width)`` number of the stroke visible at each pixel, chosen by the caller; -1
            without a stroke.
    """

    pixels: Floats
    owner: Integers

    @classmethod
    def over(cls, pixels: Floats) -> Canvas:
        """Make a canvas on a background, which is modified."""
        return cls(pixels, np.full(pixels.shape[:2], -1, dtype=np.int64))

    def draw(self, stroke: Stroke, owner: int) -> None:
        """Draw a stroke over the existing pixels.

        Args:
            stroke: The stroke; its depth is ignored.
            owner: Owner of each pixel of which the stroke covers more than half.
        """
        window = _window(stroke, self.owner.shape)
        cover, edge = _sweep(stroke, window)
        shade = 1 - np.float32(stroke.roundness) * edge * edge
        paint = shade[:, :, None] * np.array(stroke.color, dtype=np.float32)
        under = self.pixels[window]
        under += cover[:, :, None] * (paint - under)
        self.owner[window][cover > 0.5] = owner

    def to_image(self, noise: Floats) -> Bytes:
        """Convert to 8-bit values.

        Args:
            noise: Noise to add, in the shape of the pixels.
        """
        return np.asarray(np.clip(np.rint(self.pixels + noise), 0, 255), dtype=np.uint8)


def silhouette(strokes: tuple[Stroke, ...], shape: tuple[int, int]) -> Bytes:
    """Mark each pixel of which any stroke covers more than half: ``(height, width)``, 1 or 0."""
    mask = np.zeros(shape, dtype=np.uint8)
    for stroke in strokes:
        window = _window(stroke, shape)
        mask[window][_sweep(stroke, window)[0] > 0.5] = 1
    return mask


def _window(stroke: Stroke, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns that a stroke can touch; empty slices for a stroke outside the image."""
    reach = max(stroke.radii) + 1
    spans = []
    for axis, length in ((1, shape[0]), (0, shape[1])):
        low = int(np.floor(min(stroke.start[axis], stroke.end[axis]) - reach))
        high = int(np.ceil(max(stroke.start[axis], stroke.end[axis]) + reach))
        spans.append(slice(min(max(low, 0), length), min(max(high + 1, 0), length)))
    return spans[0], spans[1]


def _sweep(stroke: Stroke, window: tuple[slice, slice]) -> tuple[Floats, Floats]:
    """Coverage of each pixel, and its distance from the axis of the stroke (1 at the edge)."""
    x = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] - np.float32(stroke.start[0])
    y = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] - np.float32(stroke.start[1])
    along_x = np.float32(stroke.end[0] - stroke.start[0])
    along_y = np.float32(stroke.end[1] - stroke.start[1])
    # A disc has no axis: any positive length works because all its pixels are at the start.
    length = max(along_x * along_x + along_y * along_y, np.float32(1e-6))
    share = np.clip((x * along_x + y * along_y) / length, 0, 1)
    radius = np.float32(stroke.radii[0]) + share * np.float32(stroke.radii[1] - stroke.radii[0])
    away_x, away_y = x - share * along_x, y - share * along_y
    distance = np.sqrt(away_x * away_x + away_y * away_y)
    return np.clip(radius - distance + np.float32(0.5), 0, 1), np.minimum(distance / radius, 1)
