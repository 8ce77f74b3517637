"""Image headers: size and orientation of every format, without decoding, and of damaged files."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo._utils.image_header import ImageHeader, parse_header

PIL_Image = pytest.importorskip("PIL.Image", reason="writing EXIF files needs PIL")
PIL_ImageOps = pytest.importorskip("PIL.ImageOps", reason="writing EXIF files needs PIL")

WIDTH, HEIGHT = 40, 24


def encode(file_format: str, orientation: int | None = None, **options: object) -> bytes:
    if orientation is not None:
        exif = PIL_Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    stream = BytesIO()
    PIL_Image.new("RGB", (WIDTH, HEIGHT), (9, 99, 199)).save(stream, file_format, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("PPM", {}),
        ("JPEG2000", {}),
    ],
)
def test_the_size_is_read_from_every_format(file_format: str, options: dict[str, object]) -> None:
    assert parse_header(encode(file_format, **options)) == ImageHeader(WIDTH, HEIGHT)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_agrees_with_pil(file_format: str, orientation: int) -> None:
    data = encode(file_format, orientation)
    header = parse_header(data)
    assert header == ImageHeader(WIDTH, HEIGHT, orientation)
    assert header.size(honor_exif=True) == PIL_ImageOps.exif_transpose(PIL_Image.open(BytesIO(data))).size
    assert header.size(honor_exif=False) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_invalid_orientation_is_upright(orientation: int) -> None:
    assert parse_header(encode("JPEG", orientation)) == ImageHeader(WIDTH, HEIGHT)


def test_a_header_larger_than_the_other_segments_is_skipped() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 60_002) + b"x" * 60_000
    data = encode("JPEG", 6)
    assert parse_header(data[:2] + 3 * comment + data[2:]) == ImageHeader(WIDTH, HEIGHT, 6)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"BM", b"P6 ", b"II*\0", b"RIFF1234WEBPVP8X", b"text"])
def test_other_bytes_have_no_header(data: bytes) -> None:
    assert parse_header(data) is None


@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000"]),
    st.integers(0, 400),
    st.integers(0, 399),
    st.binary(min_size=1, max_size=4),
)
def test_damaged_files_raise_nothing(file_format: str, length: int, position: int, change: bytes) -> None:
    data = bytearray(encode(file_format, 6 if file_format in ("PNG", "JPEG", "WEBP") else None))
    data[position : position + len(change)] = change
    parse_header(bytes(data))
    parse_header(bytes(data[:length]))
