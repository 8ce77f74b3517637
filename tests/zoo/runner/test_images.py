"""Images of every kind become 8-bit with three channels."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from registry.errors import NotFoundError, UsageError
from zoo.runner.images import Image, as_image

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
