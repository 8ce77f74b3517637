"""Drawing with soft edges in NumPy, the same pixels on every machine.

No drawing library on purpose: their rasterisers change between versions. Every step here is one correctly
rounded operation (sum, product, quotient, square root), so equal inputs give equal pixels everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo._utils.arrays import Bytes, Floats, Integers

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """The area a disc sweeps from one point to another while its radius changes evenly.

    Attributes:
        start: x, y in pixels; pixel centers have whole coordinates.
        end: The other end; equal to ``start`` for a plain disc.
        radii: Radius at the start and at the end, in pixels.
        depth: Larger is nearer to the camera.
        color: Red, green, blue.
        roundness: Darkening towards the edge, 0 flat to 1 black.
        joints: Indices of the joints that lie on this part of a body.
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
    """An image in the making.

    Attributes:
        pixels: ``(height, width, 3)`` float32, 0 to 255, red first.
        owner: ``(height, width)`` number of the stroke seen at each pixel, as the caller counts; -1 where
            there is none.
    """

    pixels: Floats
    owner: Integers

    @classmethod
    def over(cls, pixels: Floats) -> Canvas:
        """A canvas on top of a background, which is drawn into."""
        return cls(pixels, np.full(pixels.shape[:2], -1, dtype=np.int64))

    def draw(self, stroke: Stroke, owner: int) -> None:
        """Paint a stroke over what is there.

        Args:
            stroke: What to paint; its depth is the caller's business.
            owner: Written wherever the stroke covers more than half of a pixel.
        """
        window = _window(stroke, self.owner.shape)
        cover, edge = _sweep(stroke, window)
        shade = 1 - np.float32(stroke.roundness) * edge * edge
        paint = shade[:, :, None] * np.array(stroke.color, dtype=np.float32)
        under = self.pixels[window]
        under += cover[:, :, None] * (paint - under)
        self.owner[window][cover > 0.5] = owner

    def finished(self, noise: Floats) -> Bytes:
        """The image as 8-bit values.

        Args:
            noise: Added to every value, same shape as the pixels.
        """
        return np.asarray(np.clip(np.rint(self.pixels + noise), 0, 255), dtype=np.uint8)


def silhouette(strokes: tuple[Stroke, ...], shape: tuple[int, int]) -> Bytes:
    """``(height, width)`` 1 where any of the strokes covers more than half of a pixel, else 0."""
    mask = np.zeros(shape, dtype=np.uint8)
    for stroke in strokes:
        window = _window(stroke, shape)
        mask[window][_sweep(stroke, window)[0] > 0.5] = 1
    return mask


def _window(stroke: Stroke, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns a stroke can touch; empty slices for one outside."""
    reach = max(stroke.radii) + 1
    spans = []
    for axis, length in ((1, shape[0]), (0, shape[1])):
        low = int(np.floor(min(stroke.start[axis], stroke.end[axis]) - reach))
        high = int(np.ceil(max(stroke.start[axis], stroke.end[axis]) + reach))
        spans.append(slice(min(max(low, 0), length), min(max(high + 1, 0), length)))
    return spans[0], spans[1]


def _sweep(stroke: Stroke, window: tuple[slice, slice]) -> tuple[Floats, Floats]:
    """How much of each pixel is covered, and how far from the stroke's axis it lies (1 at the edge)."""
    x = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] - np.float32(stroke.start[0])
    y = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] - np.float32(stroke.start[1])
    along_x = np.float32(stroke.end[0] - stroke.start[0])
    along_y = np.float32(stroke.end[1] - stroke.start[1])
    # A disc has no axis; any length will do, its pixels all lie at the start.
    length = max(along_x * along_x + along_y * along_y, np.float32(1e-6))
    share = np.clip((x * along_x + y * along_y) / length, 0, 1)
    radius = np.float32(stroke.radii[0]) + share * np.float32(stroke.radii[1] - stroke.radii[0])
    away_x, away_y = x - share * along_x, y - share * along_y
    distance = np.sqrt(away_x * away_x + away_y * away_y)
    return np.clip(radius - distance + np.float32(0.5), 0, 1), np.minimum(distance / radius, 1)
