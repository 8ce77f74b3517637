"""Images as arrays: every input becomes 8-bit with three channels in a known order."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from registry.errors import NotFoundError, UsageError
from zoo._utils.arrays import Array, Bytes
from zoo._utils.image_header import parse_header

Color = Literal["rgb", "bgr"]
# PIL is not a dependency of this project, so its images are recognized without importing it.
ImageSource: TypeAlias = "str | Path | Array | Image | Any"

_ORIENTATION = 0x0112

MAX_SIDE = 32_766
"""Longest side in pixels: OpenCV's affine maps count in 16 bits."""

_MAX_PIXELS = 200_000_000  # decoded, 600 MB; the largest photographs of phones have this size
_MAX_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Image:
    """One image in memory.

    Attributes:
        pixels: ``(height, width, 3)``, uint8.
        color: Order of the three channels.
        path: The file it was read from; None for images passed in memory.
    """

    pixels: Bytes
    color: Color
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
        """The pixels in OpenCV's channel order, contiguous; copied only if the order differs."""
        return np.ascontiguousarray(self.pixels if self.color == "bgr" else self.pixels[:, :, ::-1])


def as_image(source: ImageSource, *, honor_exif: bool, color: Color = "rgb") -> Image:
    """Convert a path, an array or a PIL image into an :class:`Image`.

    Gray becomes three equal channels, alpha is dropped, 16-bit samples lose their low byte, and CMYK is
    converted, as OpenCV does when it reads such files.

    Args:
        source: Path of an image, ``(height, width[, channels])`` array of uint8 or uint16, PIL image, or an
            :class:`Image`, which is returned unchanged.
        honor_exif: Whether the image is rotated by its EXIF orientation. Arrays have none.
        color: Channel order of an array. PIL images are always RGB.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``image-unreadable``, ``image-too-large``, ``image-shape``, ``image-dtype`` or
            ``image-type``.
    """
    if isinstance(source, Image):
        return source
    if isinstance(source, str | Path):
        return read_image(Path(source), honor_exif=honor_exif)
    if isinstance(source, np.ndarray):
        if source.ndim >= 2:
            _check_size("the array", source.shape[1], source.shape[0])
        return Image(_eight_bit_color(source), color)
    if hasattr(source, "getexif") and hasattr(source, "convert"):
        return _from_pil(source, honor_exif=honor_exif)
    raise UsageError(
        "image-type",
        "the argument is not an image",
        expected="a path, a NumPy array or a PIL image",
        found=f"{type(source).__module__}.{type(source).__qualname__}",
        hint="pass numpy.asarray(image)",
    )


def read_image(path: Path, *, honor_exif: bool) -> Image:
    """Read and decode one image file.

    Args:
        path: Any format OpenCV decodes (JPEG, PNG, WebP, TIFF, BMP, GIF and others).
        honor_exif: Whether the EXIF orientation is applied. Upstream's detector applies it, upstream's
            keypoint evaluation does not.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``image-unreadable``, or ``image-too-large``.
    """
    import cv2  # heavy: commands that never open an image must not load it

    # Not cv2.imread: it cannot open every file name on every platform, and gives no reason for a failure.
    data = _read_bytes(path)
    # A small file can describe gigabytes of pixels, and decoding it would take minutes before it fails.
    header = parse_header(data)
    if header is not None:
        _check_size(str(path), header.width, header.height)
    encoded = np.frombuffer(data, dtype=np.uint8)
    # Which formats OpenCV rotates depends on its version, so an orientation in the header is applied here.
    rotated = header is not None and header.orientation != 1
    keep = cv2.IMREAD_IGNORE_ORIENTATION if rotated or not honor_exif else 0
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR | keep) if encoded.size else None
    except cv2.error as error:  # an image larger than OpenCV's limit, for example
        raise _unreadable(path, str(error)) from error
    if pixels is None:
        raise _unreadable(
            path, "an empty file" if not encoded.size else f"{encoded.size} bytes, not decodable"
        )
    _check_size(str(path), pixels.shape[1], pixels.shape[0])
    upright = np.asarray(pixels, dtype=np.uint8)
    if header is not None and honor_exif:
        upright = _rotate(upright, header.orientation)
    return Image(upright, "bgr", path)


def _rotate(pixels: Bytes, orientation: int) -> Bytes:
    """Apply an EXIF orientation: a transposition for 5 to 8, then flips of rows and columns."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    flip_rows, flip_columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket"
            raise _unreadable(path, kind)
        if status.st_size > _MAX_BYTES:
            raise _unreadable(path, f"{status.st_size} bytes, more than {_MAX_BYTES}")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            "image-not-found", f"the image {path} does not exist", hint=f"ls {path.parent}"
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:  # a path with a NUL character
        raise _unreadable(path, str(error)) from error


def _check_size(source: str, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > _MAX_PIXELS:
        raise UsageError(
            "image-too-large",
            f"{source} is too large to process",
            expected=f"at most {MAX_SIDE} pixels per side and {_MAX_PIXELS // 1_000_000} megapixels",
            found=f"{width}x{height} pixels",
            hint="scale the image down, or cut it into parts",
        )


def _unreadable(path: Path | str, found: str) -> UsageError:
    return UsageError(
        "image-unreadable",
        f"cannot read {path} as an image",
        expected="a complete JPEG, PNG, WebP, TIFF or BMP file",
        found=found,
        hint=f"run: file {path}; then download the file again or convert it to JPEG",
    )


def _eight_bit_color(array: Array) -> Bytes:
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype != np.uint8:
        raise UsageError(
            "image-dtype",
            "the value range of an array of this type is unknown",
            expected="uint8 (0..255) or uint16 (0..65535)",
            found=str(array.dtype),
            hint="scale the values to 0..255 and call .astype('uint8')",
        )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        raise UsageError(
            "image-shape",
            "the array does not have the shape of one image",
            expected="(height, width), or (height, width, channels) with 1 to 4 channels",
            found=str(array.shape),
            hint="pass one image of a batch, with channels last: numpy.moveaxis(array, 0, -1)",
        )
    # One channel is gray, two are gray and alpha, four are color and alpha.
    color = array[:, :, :1].repeat(3, axis=2) if array.shape[2] < 3 else array[:, :, :3]
    return np.ascontiguousarray(color)


def _from_pil(image: Any, *, honor_exif: bool) -> Image:
    _check_size("the PIL image", *image.size)
    try:
        # PIL decodes on first access, so a truncated or damaged file fails only here.
        if honor_exif and image.getexif().get(_ORIENTATION, 1) != 1:
            from PIL import ImageOps  # PIL is importable: the argument is one of its images

            image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):  # convert("RGB") would clip 16-bit gray instead of scaling it
            return Image(_eight_bit_color(np.asarray(image).astype(np.uint16)), "rgb")
        pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        name = getattr(image, "filename", "") or "the PIL image"
        raise _unreadable(name, str(error) or type(error).__name__) from error
    return Image(_eight_bit_color(pixels), "rgb")
