"""Images of every kind become 8-bit with three channels."""

from __future__ import annotations

import os
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from registry.errors import NotFoundError, UsageError
from tests.helpers.model_specs import DETECTOR_INPUT, EVALUATION_CROP, POSE_INPUT
from tests.helpers.timing import deadline
from zoo.runner.images import Image, as_image
from zoo.runner.preprocess import prepare_image, prepare_persons
from zoo.runner.protocols import PYTHON_DEPLOYMENT_CROP

PIL_Image = pytest.importorskip("PIL.Image", reason="writing CMYK and EXIF files needs PIL")

ROTATE_CLOCKWISE = 6  # EXIF orientation: rotate by 90 degrees clockwise for display


def gradient(height: int = 24, width: int = 40) -> np.ndarray:
    """A smooth RGB image: lossy formats keep it."""
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)]
    return np.stack(channels, axis=2).astype(np.uint8)


def rgb(image: Image) -> np.ndarray:
    return image.as_bgr()[:, :, ::-1].astype(int)


def written(path: Path, mode: str, file_format: str, **options: object) -> Path:
    PIL_Image.fromarray(gradient()).convert(mode).save(path, file_format, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "file_format", "tolerance"),
    [
        ("RGB", "PNG", 0),
        ("RGB", "BMP", 0),
        ("RGB", "WEBP", 12),
        ("RGB", "JPEG", 12),
        ("RGBA", "PNG", 0),
        ("CMYK", "JPEG", 12),
        ("P", "PNG", 60),  # the gradient has more than 256 colors
    ],
)
def test_color_files_keep_their_colors(tmp_path: Path, mode: str, file_format: str, tolerance: int) -> None:
    image = as_image(written(tmp_path / "image", mode, file_format), honor_exif=True)
    assert image.pixels.shape == (24, 40, 3)
    assert np.abs(rgb(image) - gradient()).max() <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_gray_files_become_three_equal_channels(tmp_path: Path, mode: str) -> None:
    image = as_image(written(tmp_path / "image.png", mode, "PNG"), honor_exif=True)
    assert image.pixels.shape == (24, 40, 3)
    assert (image.pixels == image.pixels[:, :, :1]).all()


def test_sixteen_bit_files_and_arrays_lose_the_low_byte(tmp_path: Path) -> None:
    deep = gradient().astype(np.uint16) * 256 + 77
    cv2.imwrite(str(tmp_path / "deep.png"), deep[:, :, ::-1])
    assert (rgb(as_image(tmp_path / "deep.png", honor_exif=True)) == gradient()).all()
    assert (rgb(as_image(deep, honor_exif=True)) == gradient()).all()
    gray = PIL_Image.fromarray(deep[:, :, 0])
    assert (rgb(as_image(gray, honor_exif=True)) == gradient()[:, :, :1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_of_every_format_is_applied_as_by_pil(
    tmp_path: Path, file_format: str, orientation: int
) -> None:
    exif = PIL_Image.Exif()
    exif[0x0112] = orientation
    path = written(tmp_path / "image", "RGB", file_format, exif=exif)
    source = PIL_Image.open(path)
    upright = rgb(as_image(source, honor_exif=True))
    found = rgb(as_image(path, honor_exif=True))
    assert found.shape == upright.shape == ((40, 24, 3) if orientation >= 5 else (24, 40, 3))
    assert np.abs(found - upright).max() <= 12
    assert rgb(as_image(path, honor_exif=False)).shape == (24, 40, 3)


@pytest.mark.parametrize("in_memory", [False, True])
def test_orientation_is_applied_only_when_honored(tmp_path: Path, in_memory: bool) -> None:
    exif = PIL_Image.Exif()
    exif[0x0112] = ROTATE_CLOCKWISE
    path = written(tmp_path / "turned.png", "RGB", "PNG", exif=exif)
    source = PIL_Image.open(path) if in_memory else path
    upright = np.rot90(gradient(), k=-1)
    assert (rgb(as_image(source, honor_exif=True)) == upright).all()
    assert (rgb(as_image(source, honor_exif=False)) == gradient()).all()


def test_arrays_are_rgb_by_default() -> None:
    array = gradient()
    assert (rgb(as_image(array, honor_exif=True)) == array).all()
    assert (rgb(as_image(array[:, :, ::-1], honor_exif=True, color="bgr")) == array).all()
    assert (rgb(as_image(PIL_Image.fromarray(array), honor_exif=True)) == array).all()


@pytest.mark.parametrize("channels", [0, 1, 2, 4])
def test_arrays_with_other_channels(channels: int) -> None:
    array = gradient()[:, :, :1].repeat(max(channels, 1), axis=2)
    image = as_image(array if channels else array[:, :, 0], honor_exif=True)
    assert (image.pixels == gradient()[:, :, :1]).all()


def test_a_view_with_odd_strides_is_accepted() -> None:
    view = gradient(48, 80)[::2, ::-2]
    assert (rgb(as_image(view, honor_exif=True)) == view).all()


def test_an_image_object_is_returned_unchanged() -> None:
    image = Image(gradient(), "rgb")
    assert as_image(image, honor_exif=False) is image


def test_names_outside_ascii_are_read(tmp_path: Path) -> None:
    assert as_image(written(tmp_path / "фото 人.png", "RGB", "PNG"), honor_exif=True).width == 40


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.jpg") as caught:
        as_image(tmp_path / "gone.jpg", honor_exif=True)
    assert caught.value.code == "image-not-found"


def test_files_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    whole = BytesIO()
    PIL_Image.fromarray(gradient(240, 400)).save(whole, "PNG")
    for name, content in [("empty", b""), ("text", b"not an image"), ("torn.png", whole.getvalue()[:60])]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as caught:
            as_image(tmp_path / name, honor_exif=True)
        assert caught.value.code == "image-unreadable"
    with pytest.raises(UsageError) as caught:
        as_image(tmp_path, honor_exif=True)
    assert caught.value.code == "image-unreadable"


def png_of(width: int, height: int, *, rows: int = 1) -> bytes:
    """A PNG that states a size in its header and has the data of a few rows only."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = zlib.compress(bytes((3 * width + 1) * rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"),
    [(30_000, 30_000), (20_000, 10_001), (1_000_000, 1), (1, 1_000_000), (32_767, 1), (2**31 - 1, 2**31 - 1)],
)
def test_an_image_that_is_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png_of(min(width, 40_000), 1)[:16] + struct.pack(">II", width, height) + bytes(200))
    started = time.monotonic()
    with pytest.raises(UsageError) as caught:
        as_image(path, honor_exif=True)
    assert caught.value.code == "image-too-large"
    assert f"{width}x{height}" in (caught.value.found or "")
    assert time.monotonic() - started < deadline(2)


@pytest.mark.parametrize(("width", "height"), [(32_766, 2), (2, 32_766)])
def test_the_longest_images_reach_both_networks(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(png_of(width, height, rows=height))
    image = as_image(path, honor_exif=True)
    assert prepare_image(image, DETECTOR_INPUT, "host").tensor.shape == (1, 3, 192, 192)
    whole = np.array([[0, 0, width, height]])
    for crop in (EVALUATION_CROP, PYTHON_DEPLOYMENT_CROP):
        assert prepare_persons(image, whole, POSE_INPUT, crop, "host").tensor.shape == (1, 3, 128, 96)


def test_arrays_and_pil_images_have_the_same_limit() -> None:
    for source in (np.zeros((1, 40_000), np.uint8), PIL_Image.new("L", (1, 40_000))):
        with pytest.raises(UsageError) as caught:
            as_image(source, honor_exif=True)
        assert caught.value.code == "image-too-large"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_instead_of_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(UsageError, match="cannot read") as caught:
            as_image(path, honor_exif=True)
        assert caught.value.code == "image-unreadable"
        assert "pipe" in (caught.value.found or "")


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "nul\0.jpg", "file.png/inside.jpg"])
def test_paths_that_no_file_can_have_are_errors(tmp_path: Path, name: str) -> None:
    written(tmp_path / "file.png", "RGB", "PNG")
    with pytest.raises((UsageError, NotFoundError)) as caught:
        as_image(tmp_path / name, honor_exif=True)
    assert caught.value.code in ("image-unreadable", "image-not-found")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_truncated_pil_image_is_an_error_of_ours(file_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    whole = BytesIO()
    PIL_Image.fromarray(noise).save(whole, file_format)
    source = PIL_Image.open(BytesIO(whole.getvalue()[: len(whole.getvalue()) // 2]))
    with pytest.raises(UsageError) as caught:
        as_image(source, honor_exif=True)
    assert caught.value.code == "image-unreadable"


def test_a_closed_pil_image_is_an_error_of_ours(tmp_path: Path) -> None:
    source = PIL_Image.open(written(tmp_path / "image.png", "RGB", "PNG"))
    source.close()
    with pytest.raises(UsageError) as caught:
        as_image(source, honor_exif=True)
    assert caught.value.code == "image-unreadable"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (np.zeros((4, 4, 3), np.float32), "image-dtype"),
        (np.zeros((4, 4, 5), np.uint8), "image-shape"),
        (np.zeros((4,), np.uint8), "image-shape"),
        (np.zeros((0, 4, 3), np.uint8), "image-shape"),
        (np.zeros((1, 4, 4, 3), np.uint8), "image-shape"),
        (b"\x89PNG", "image-type"),
        (None, "image-type"),
    ],
)
def test_arguments_that_are_not_images_are_refused(source: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_image(source, honor_exif=True)
    assert caught.value.code == code
