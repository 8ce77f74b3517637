"""Photo in, input tensor out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from registry.schema.io import Input
from registry.schema.protocol import Crop
from zoo._utils.arrays import Array, Bytes, Floats
from zoo.runner.geometry import Regions, regions_of, to_input
from zoo.runner.images import Colour, Photo

Normalisation = Literal["host", "in_graph"]


@dataclass(frozen=True, eq=False)
class PoseInput:
    """Network input for the persons of one photo.

    Attributes:
        tensor: ``(N, 3, height, width)`` float32.
        regions: What was cut out, needed to project back.
    """

    tensor: Floats
    regions: Regions


@dataclass(frozen=True, eq=False)
class DetectorInput:
    """Network input for one photo.

    Attributes:
        tensor: ``(1, 3, height, width)`` float32.
        scale: ``(2,)`` float32, network pixels per photo pixel in y and x, upstream's ``scale_factor``.
    """

    tensor: Floats
    scale: Floats


def prepare_persons(
    photo: Photo, boxes: Array, spec: Input, crop: Crop, normalisation: Normalisation
) -> PoseInput:
    """Cut every person out of a photo and normalise.

    What lies outside the photo (or outside the clipped region) is black before normalisation.

    Args:
        photo: The photo.
        boxes: ``(N, 4)`` x1, y1, x2, y2 in photo pixels; N may be 0.
        spec: Input tensor of the network.
        crop: How a box becomes a region.
        normalisation: Whether mean and deviation are applied here or inside the graph.

    Raises:
        UsageError: The boxes make no sense.
    """
    import cv2  # heavy: see the package's docstring

    size = (spec.width, spec.height)
    regions = regions_of(boxes, crop, input_size=size, photo_size=(photo.width, photo.height))
    matrices = to_input(regions, crop, size).matrices()
    interpolation = _interpolation(spec)
    tensor = np.empty((len(regions), 3, spec.height, spec.width), dtype=np.float32)
    for person, matrix in enumerate(matrices):
        source = _cut_out(photo.pixels, regions, person)
        if source.size:
            region = cv2.warpAffine(source, matrix, size, flags=interpolation)
        else:
            region = np.zeros((spec.height, spec.width, 3), dtype=np.uint8)
        _normalise_into(tensor[person], np.asarray(region, dtype=np.uint8), photo.colour, spec, normalisation)
    return PoseInput(tensor, regions)


def prepare_photo(photo: Photo, spec: Input, normalisation: Normalisation) -> DetectorInput:
    """Stretch a whole photo to the network's size and normalise.

    Args:
        photo: The photo.
        spec: Input tensor of the network.
        normalisation: Whether mean and deviation are applied here or inside the graph.
    """
    import cv2  # heavy: see the package's docstring

    scale_y, scale_x = spec.height / photo.height, spec.width / photo.width
    # Factors, not a target size: OpenCV derives sampling positions from what it is given, and upstream
    # gives factors.
    stretched = cv2.resize(photo.pixels, None, fx=scale_x, fy=scale_y, interpolation=_interpolation(spec))
    tensor = np.empty((1, 3, spec.height, spec.width), dtype=np.float32)
    _normalise_into(tensor[0], np.asarray(stretched, dtype=np.uint8), photo.colour, spec, normalisation)
    return DetectorInput(tensor, np.array([scale_y, scale_x], dtype=np.float32))


def _cut_out(pixels: Bytes, regions: Regions, person: int) -> Bytes:
    if regions.windows is None:
        return pixels
    x1, y1, x2, y2 = regions.windows[person]
    return pixels[y1:y2, x1:x2]


def _interpolation(spec: Input) -> int:
    import cv2  # heavy: see the package's docstring

    return int(cv2.INTER_CUBIC if spec.interpolation == "cubic" else cv2.INTER_LINEAR)


def _normalise_into(
    target: Floats, pixels: Bytes, colour: Colour, spec: Input, normalisation: Normalisation
) -> None:
    """Write ``(height, width, 3)`` pixels into ``(3, height, width)`` floats, channels reordered.

    A pixel has 256 values: one table look-up replaces conversion, channel swap, scaling and transposition,
    and gives the same floats as doing them one after the other.
    """
    import cv2  # heavy: see the package's docstring

    order = (0, 1, 2) if colour == spec.colour else (2, 1, 0)
    tables = _tables(spec.scale, spec.mean, spec.std, normalisation)
    planes = cv2.split(pixels)
    for channel, plane in enumerate(order):
        cv2.LUT(planes[plane], tables[channel], dst=target[channel])


@lru_cache(maxsize=32)
def _tables(
    scale: float, mean: tuple[float, ...], std: tuple[float, ...], normalisation: Normalisation
) -> Floats:
    """``(3, 256)``: what each pixel value becomes, per network channel.

    Scaled in single precision, mean and deviation in double with a rounding after each, as upstream's
    deployment rounds.
    """
    values = np.arange(256, dtype=np.float32)
    if normalisation == "in_graph":
        return np.stack([values] * 3)
    scaled = values * np.float32(scale)
    centred = (scaled - np.array(mean)[:, None]).astype(np.float32)
    return np.ascontiguousarray((centred / np.array(std)[:, None]).astype(np.float32))
