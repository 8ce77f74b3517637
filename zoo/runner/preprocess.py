"""Convert images to input tensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from registry.schema.io import Input
from registry.schema.protocol import Crop
from zoo._utils.arrays import Array, Bytes, Floats
from zoo.runner.geometry import Regions, compute_regions, map_to_input
from zoo.runner.images import Color, Image

Normalization = Literal["host", "in_graph"]


@dataclass(frozen=True, eq=False)
class PoseInput:
    """Network input for the persons of one image.

    Attributes:
        tensor: ``(N, 3, height, width)`` float32.
        regions: The crop regions, needed to project back.
    """

    tensor: Floats
    regions: Regions


@dataclass(frozen=True, eq=False)
class DetectorInput:
    """Network input for one image.

    Attributes:
        tensor: ``(1, 3, height, width)`` float32.
        scale: ``(2,)`` float32, network pixels per image pixel in y and x, upstream's ``scale_factor``.
    """

    tensor: Floats
    scale: Floats


def prepare_persons(
    image: Image, boxes: Array, spec: Input, crop: Crop, normalization: Normalization
) -> PoseInput:
    """Crop every person out of an image and normalize.

    Pixels outside the image (or outside the clipped region) are black before normalization.

    Args:
        image: The image.
        boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels; N may be 0.
        spec: Input tensor of the network.
        crop: How a box becomes a region.
        normalization: Whether mean and deviation are applied here or inside the graph.

    Raises:
        UsageError: The boxes are invalid.
    """
    import cv2  # heavy: see the package's docstring

    size = (spec.width, spec.height)
    regions = compute_regions(boxes, crop, input_size=size, image_size=(image.width, image.height))
    matrices = map_to_input(regions, crop, size).matrices()
    interpolation = _interpolation(spec)
    tensor = np.empty((len(regions), 3, spec.height, spec.width), dtype=np.float32)
    for person, matrix in enumerate(matrices):
        source = _crop_window(image.pixels, regions, person)
        if source.size:
            region = cv2.warpAffine(source, matrix, size, flags=interpolation)
        else:
            region = np.zeros((spec.height, spec.width, 3), dtype=np.uint8)
        _normalize_into(tensor[person], np.asarray(region, dtype=np.uint8), image.color, spec, normalization)
    return PoseInput(tensor, regions)


def prepare_image(image: Image, spec: Input, normalization: Normalization) -> DetectorInput:
    """Stretch a whole image to the network's size and normalize.

    Args:
        image: The image.
        spec: Input tensor of the network.
        normalization: Whether mean and deviation are applied here or inside the graph.
    """
    import cv2  # heavy: see the package's docstring

    scale_y, scale_x = spec.height / image.height, spec.width / image.width
    # Factors instead of a target size: OpenCV derives the sampling positions from the arguments, and
    # upstream passes factors.
    stretched = cv2.resize(image.pixels, None, fx=scale_x, fy=scale_y, interpolation=_interpolation(spec))
    tensor = np.empty((1, 3, spec.height, spec.width), dtype=np.float32)
    _normalize_into(tensor[0], np.asarray(stretched, dtype=np.uint8), image.color, spec, normalization)
    return DetectorInput(tensor, np.array([scale_y, scale_x], dtype=np.float32))


def describe_image_processing() -> str:
    """Describe the implementation that resizes images, for example ``OpenCV 5.0.0, AVX2, IPP AVX2``.

    OpenCV and Intel's IPP select code by processor. Results differ by one gray level in few values (AVX-512
    and AVX2: 3 of a million; with and without IPP: 4 of 100), so figures of two machines can differ in the
    second decimal of a percent.
    """
    import cv2  # heavy: see the package's docstring

    # Dispatched features have a star, those that this processor lacks a question mark as well.
    features = [word[1:] for word in cv2.getCPUFeaturesLine().split() if word[0] == "*" and word[-1] != "?"]
    parts = [f"OpenCV {cv2.__version__}", *features[-1:]]
    ipp = getattr(cv2, "ipp", None)  # only builds for x86 have it
    if ipp is not None and ipp.useIPP():
        parts.append("IPP " + ipp.getIppVersion().removeprefix("ippIP ").split(" (")[0])
    return ", ".join(parts)


def _crop_window(pixels: Bytes, regions: Regions, person: int) -> Bytes:
    if regions.windows is None:
        return pixels
    x1, y1, x2, y2 = regions.windows[person]
    return pixels[y1:y2, x1:x2]


def _interpolation(spec: Input) -> int:
    import cv2  # heavy: see the package's docstring

    return int(cv2.INTER_CUBIC if spec.interpolation == "cubic" else cv2.INTER_LINEAR)


def _normalize_into(
    target: Floats, pixels: Bytes, color: Color, spec: Input, normalization: Normalization
) -> None:
    """Write ``(height, width, 3)`` pixels into ``(3, height, width)`` floats, channels reordered.

    A sample has 256 values: one table look-up replaces conversion, channel swap, scaling and transposition,
    and gives the same floats as these steps one after the other.
    """
    import cv2  # heavy: see the package's docstring

    order = (0, 1, 2) if color == spec.color else (2, 1, 0)
    tables = _tables(spec.scale, spec.mean, spec.std, normalization)
    planes = cv2.split(pixels)
    for channel, plane in enumerate(order):
        cv2.LUT(planes[plane], tables[channel], dst=target[channel])


@lru_cache(maxsize=32)
def _tables(
    scale: float, mean: tuple[float, ...], std: tuple[float, ...], normalization: Normalization
) -> Floats:
    """``(3, 256)`` table from sample value to network input, per channel.

    Scaling is in single precision; mean and deviation are in double precision with a rounding after each, as
    in upstream's deployment.
    """
    values = np.arange(256, dtype=np.float32)
    if normalization == "in_graph":
        return np.stack([values] * 3)
    scaled = values * np.float32(scale)
    centered = (scaled - np.array(mean)[:, None]).astype(np.float32)
    return np.ascontiguousarray((centered / np.array(std)[:, None]).astype(np.float32))
