"""Read size and EXIF orientation of an image from its header, without decoding pixels.

A small compressed file can describe an image of gigabytes, so the size must be known before decoding.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# Start-of-frame markers; the other codes in this range are tables and extensions.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_EXIF = b"Exif\0\0"
_WIDTH_TAG, _HEIGHT_TAG, _ORIENTATION_TAG = 0x0100, 0x0101, 0x0112
_TRANSPOSED = range(5, 9)
_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")
_BOX_SEARCH = 1 << 16


@dataclass(frozen=True)
class ImageHeader:
    """Size and orientation of an image.

    Attributes:
        width: Stored columns in pixels.
        height: Stored rows in pixels.
        orientation: EXIF orientation from 1 (upright) to 8.
    """

    width: int
    height: int
    orientation: int = 1

    def size(self, *, honor_exif: bool) -> tuple[int, int]:
        """Width and height, after the EXIF orientation if it is applied."""
        if honor_exif and self.orientation in _TRANSPOSED:
            return self.height, self.width
        return self.width, self.height


def parse_header(data: bytes) -> ImageHeader | None:
    """Parse the header of an image file.

    Args:
        data: The file, or its first bytes. WebP stores the orientation at the end of the file.

    Returns:
        The header; None for other formats, and if the bytes end too early or are damaged.
    """
    try:
        if data.startswith(_PNG):
            return _parse_png(data)
        if data.startswith(_JPEG):
            return _parse_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _parse_webp(data)
        if data[:4] in (b"II*\0", b"MM\0*"):
            tags = _read_tags(data)
            return ImageHeader(tags[_WIDTH_TAG], tags[_HEIGHT_TAG])
        return _parse_simple(data)
    except (struct.error, KeyError, IndexError):
        return None


def _parse_simple(data: bytes) -> ImageHeader | None:
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return ImageHeader(*struct.unpack_from("<HH", data, 6))
    if data[:2] == b"BM":
        form = "<HH" if struct.unpack_from("<I", data, 14)[0] == 12 else "<ii"
        width, height = struct.unpack_from(form, data, 18)
        return ImageHeader(abs(width), abs(height))  # rows from top to bottom have a negative height
    if match := _PNM.match(data):
        return ImageHeader(int(match[1]), int(match[2]))
    if data[4:12] in (b"jP  \r\n\x87\n", b"ftypavif", b"ftypavis"):
        return _parse_boxes(data[:_BOX_SEARCH])
    return None


def _parse_png(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", data, 16)
    orientation = 1
    position = len(_PNG)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"eXIf":
            orientation = _orientation(data[position + 8 : position + 8 + length])
        position += 12 + length
    return ImageHeader(width, height, orientation)


def _parse_jpeg(data: bytes) -> ImageHeader | None:
    orientation = 1
    position = len(_JPEG)
    while True:
        while data[position] != 0xFF:  # decoders skip bytes between segments
            position += 1
        while data[position] == 0xFF:
            position += 1
        marker = data[position]
        position += 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _START_OF_SCAN:
            return None
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, position + 3)
            return ImageHeader(width, height, orientation)
        if marker == 0xE1 and data[position + 2 : position + 8] == _EXIF:
            orientation = _orientation(data[position + 8 : position + length])
        position += length


def _parse_webp(data: bytes) -> ImageHeader | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X" or len(data) < 30:
        return None
    width, height = (int.from_bytes(data[start : start + 3], "little") + 1 for start in (24, 27))
    orientation = 1
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"EXIF":
            orientation = _orientation(data[position + 8 : position + 8 + length].removeprefix(_EXIF))
        position += 8 + length + length % 2
    return ImageHeader(width, height, orientation)


def _parse_boxes(data: bytes) -> ImageHeader | None:
    """Find the image size in the boxes of JPEG 2000 (``ihdr``) or AVIF (``ispe``); the largest of several."""
    sizes = []
    for name, skip, form in ((b"ihdr", 0, ">II"), (b"ispe", 4, ">II")):
        start = data.find(name)
        while start >= 0:
            first, second = struct.unpack_from(form, data, start + 4 + skip)
            sizes.append((second, first) if name == b"ihdr" else (first, second))
            start = data.find(name, start + 4)
    return ImageHeader(*max(sizes, key=lambda size: size[0] * size[1])) if sizes else None


def _orientation(exif: bytes) -> int:
    try:
        value = _read_tags(exif).get(_ORIENTATION_TAG, 1)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


def _read_tags(data: bytes) -> dict[int, int]:
    return dict(_iterate_tags(data))


def _iterate_tags(data: bytes) -> Iterator[tuple[int, int]]:
    """Integer tags of the first directory of a TIFF file; EXIF data has the same structure."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if kind in (3, 4):
            yield tag, struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0]
