"""Whatever picture a user has becomes 8-bit, three channels."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from registry.errors import NotFoundError, UsageError
from zoo.runner.images import Photo, as_photo

PIL_Image = pytest.importorskip("PIL.Image", reason="PIL is the only writer of CMYK and EXIF files at hand")

TURNED_RIGHT = 6  # EXIF orientation: rotate a quarter clockwise to see it upright


def gradient(height: int = 24, width: int = 40) -> np.ndarray:
    """A smooth RGB picture: lossy formats keep it."""
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)]
    return np.stack(channels, axis=2).astype(np.uint8)


def rgb(photo: Photo) -> np.ndarray:
    return photo.as_bgr()[:, :, ::-1].astype(int)


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
        ("P", "PNG", 60),  # 256 colours are fewer than the gradient has
    ],
)
def test_colour_files_keep_their_colours(tmp_path: Path, mode: str, file_format: str, tolerance: int) -> None:
    photo = as_photo(written(tmp_path / "photo", mode, file_format), honour_exif=True)
    assert photo.pixels.shape == (24, 40, 3)
    assert np.abs(rgb(photo) - gradient()).max() <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_files_become_three_equal_channels(tmp_path: Path, mode: str) -> None:
    photo = as_photo(written(tmp_path / "photo.png", mode, "PNG"), honour_exif=True)
    assert photo.pixels.shape == (24, 40, 3)
    assert (photo.pixels == photo.pixels[:, :, :1]).all()


def test_sixteen_bit_files_and_arrays_lose_the_low_byte(tmp_path: Path) -> None:
    deep = gradient().astype(np.uint16) * 256 + 77
    cv2.imwrite(str(tmp_path / "deep.png"), deep[:, :, ::-1])
    assert (rgb(as_photo(tmp_path / "deep.png", honour_exif=True)) == gradient()).all()
    assert (rgb(as_photo(deep, honour_exif=True)) == gradient()).all()
    grey = PIL_Image.fromarray(deep[:, :, 0])
    assert (rgb(as_photo(grey, honour_exif=True)) == gradient()[:, :, :1]).all()


@pytest.mark.parametrize("in_memory", [False, True])
def test_orientation_is_applied_only_when_honoured(tmp_path: Path, in_memory: bool) -> None:
    exif = PIL_Image.Exif()
    exif[0x0112] = TURNED_RIGHT
    path = written(tmp_path / "turned.png", "RGB", "PNG", exif=exif)
    source = PIL_Image.open(path) if in_memory else path
    upright = np.rot90(gradient(), k=-1)
    assert (rgb(as_photo(source, honour_exif=True)) == upright).all()
    assert (rgb(as_photo(source, honour_exif=False)) == gradient()).all()


def test_arrays_are_rgb_unless_said_otherwise() -> None:
    array = gradient()
    assert (rgb(as_photo(array, honour_exif=True)) == array).all()
    assert (rgb(as_photo(array[:, :, ::-1], honour_exif=True, colour="bgr")) == array).all()
    assert (rgb(as_photo(PIL_Image.fromarray(array), honour_exif=True)) == array).all()


@pytest.mark.parametrize("channels", [0, 1, 2, 4])
def test_arrays_with_other_channels(channels: int) -> None:
    array = gradient()[:, :, :1].repeat(max(channels, 1), axis=2)
    photo = as_photo(array if channels else array[:, :, 0], honour_exif=True)
    assert (photo.pixels == gradient()[:, :, :1]).all()


def test_a_view_with_odd_strides_is_accepted() -> None:
    view = gradient(48, 80)[::2, ::-2]
    assert (rgb(as_photo(view, honour_exif=True)) == view).all()


def test_a_photo_stays_as_it_is() -> None:
    photo = Photo(gradient(), "rgb")
    assert as_photo(photo, honour_exif=False) is photo


def test_names_outside_ascii_are_read(tmp_path: Path) -> None:
    assert as_photo(written(tmp_path / "фото 人.png", "RGB", "PNG"), honour_exif=True).width == 40


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.jpg") as caught:
        as_photo(tmp_path / "gone.jpg", honour_exif=True)
    assert caught.value.code == "image-not-found"


def test_what_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    whole = BytesIO()
    PIL_Image.fromarray(gradient(240, 400)).save(whole, "PNG")
    for name, content in [("empty", b""), ("text", b"not a picture"), ("torn.png", whole.getvalue()[:60])]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as caught:
            as_photo(tmp_path / name, honour_exif=True)
        assert caught.value.code == "image-unreadable"
    with pytest.raises(UsageError) as caught:
        as_photo(tmp_path, honour_exif=True)
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
def test_what_is_no_picture_is_refused(source: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_photo(source, honour_exif=True)
    assert caught.value.code == code
