"""Photos as arrays: whatever a user hands over becomes 8-bit, three channels, channel order known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from registry.errors import NotFoundError, UsageError
from zoo._utils.arrays import Array, Bytes

Colour = Literal["rgb", "bgr"]
# PIL is no dependency of this project, so its images are recognised without importing it.
ImageSource: TypeAlias = "str | Path | Array | Photo | Any"

_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Photo:
    """One picture in memory.

    Attributes:
        pixels: ``(height, width, 3)``, uint8.
        colour: Order of the three channels.
        path: The file it was read from; None for pictures that were already in memory.
    """

    pixels: Bytes
    colour: Colour
    path: Path | None = None

    @property
    def height(self) -> int:
        """Rows in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns in pixels."""
        return int(self.pixels.shape[1])

    def as_bgr(self) -> Bytes:
        """The pixels in OpenCV's channel order, contiguous; not a copy when they are in that order."""
        return np.ascontiguousarray(self.pixels if self.colour == "bgr" else self.pixels[:, :, ::-1])


def as_photo(source: ImageSource, *, honour_exif: bool, colour: Colour = "rgb") -> Photo:
    """Turn a path, an array or a PIL image into a photo.

    Grey becomes three equal channels, alpha is dropped, 16-bit samples lose their low byte, CMYK is
    converted: what OpenCV does when it reads such files.

    Args:
        source: Path of a picture, ``(height, width[, channels])`` array of uint8 or uint16, PIL image, or a
            photo, which is returned as it is.
        honour_exif: Whether the picture is turned by its EXIF orientation. Arrays have none.
        colour: Channel order of an array. PIL images are always RGB.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``image-unreadable``, ``image-shape``, ``image-dtype``, ``image-type``.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, str | Path):
        return read_photo(Path(source), honour_exif=honour_exif)
    if isinstance(source, np.ndarray):
        return Photo(_eight_bit_colour(source), colour)
    if hasattr(source, "getexif") and hasattr(source, "convert"):
        return _from_pil(source, honour_exif=honour_exif)
    raise UsageError(
        "image-type",
        "this is not a picture",
        expected="a path, a NumPy array or a PIL image",
        found=f"{type(source).__module__}.{type(source).__qualname__}",
        hint="numpy.asarray(picture) makes an array of most things",
    )


def read_photo(path: Path, *, honour_exif: bool) -> Photo:
    """Read and decode one picture file.

    Args:
        path: Any format OpenCV decodes (JPEG, PNG, WebP, TIFF, BMP, GIF and others).
        honour_exif: Whether the EXIF orientation is applied. Upstream's detector applies it, upstream's
            key point evaluation does not.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``image-unreadable``.
    """
    import cv2  # heavy: commands that never open a picture must not load it

    try:
        # Not cv2.imread: it cannot open every file name on every platform, and says nothing on failure.
        encoded = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except FileNotFoundError as error:
        raise NotFoundError(
            "image-not-found", f"there is no picture at {path}", hint=f"ls {path.parent}"
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    flags = cv2.IMREAD_COLOR if honour_exif else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(encoded, flags) if encoded.size else None
    except cv2.error as error:  # a picture larger than OpenCV's limit, for example
        raise _unreadable(path, str(error)) from error
    if pixels is None:
        raise _unreadable(
            path, "an empty file" if not encoded.size else f"{encoded.size} bytes, not decodable"
        )
    return Photo(np.asarray(pixels, dtype=np.uint8), "bgr", path)


def _unreadable(path: Path, found: str) -> UsageError:
    return UsageError(
        "image-unreadable",
        f"{path} cannot be read as a picture",
        expected="a complete JPEG, PNG, WebP, TIFF or BMP file",
        found=found,
        hint=f"file {path} says what it is; get it again, or convert it to JPEG",
    )


def _eight_bit_colour(array: Array) -> Bytes:
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype != np.uint8:
        raise UsageError(
            "image-dtype",
            "the range of these pixel values is not known",
            expected="uint8 (0..255) or uint16 (0..65535)",
            found=str(array.dtype),
            hint="scale the values to 0..255 and call .astype('uint8')",
        )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        raise UsageError(
            "image-shape",
            "this array does not have the shape of one picture",
            expected="(height, width), or (height, width, channels) with 1 to 4 channels",
            found=str(array.shape),
            hint="of a batch take one picture; channels come last: numpy.moveaxis(array, 0, -1)",
        )
    # One channel is grey, two are grey and alpha, four are colour and alpha.
    colour = array[:, :, :1].repeat(3, axis=2) if array.shape[2] < 3 else array[:, :, :3]
    return np.ascontiguousarray(colour)


def _from_pil(image: Any, *, honour_exif: bool) -> Photo:
    if honour_exif and image.getexif().get(_ORIENTATION, 1) != 1:
        from PIL import ImageOps  # the caller has PIL: this is one of its images

        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # convert("RGB") would clip 16-bit grey instead of scaling it
        return Photo(_eight_bit_colour(np.asarray(image).astype(np.uint16)), "rgb")
    return Photo(_eight_bit_colour(np.asarray(image.convert("RGB"))), "rgb")
