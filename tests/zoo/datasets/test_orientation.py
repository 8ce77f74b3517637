"""EXIF orientation of annotated images: the annotated sizes decide, and a note states the decision."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zoo.datasets.orientation import AnnotatedSize, decide_orientation

PIL_Image = pytest.importorskip("PIL.Image", reason="writing EXIF files needs PIL")

WIDTH, HEIGHT = 40, 24  # as stored


def image(folder: Path, number: int, orientation: int, size: tuple[int, int]) -> AnnotatedSize:
    exif = PIL_Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    path = folder / f"{number}.jpg"
    PIL_Image.new("RGB", (WIDTH, HEIGHT)).save(path, exif=exif)
    return AnnotatedSize(path, *size)


STORED, UPRIGHT = (WIDTH, HEIGHT), (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("given", "default", "honored", "words"),
    [
        ([(1, STORED), (1, STORED)], False, [None, None], None),
        ([(6, UPRIGHT), (1, STORED)], False, [True, None], "1 images .* applied"),
        ([(8, STORED), (5, STORED)], True, [False, False], "2 images .* ignored"),
        ([(6, UPRIGHT), (3, STORED)], False, [True, True], "2 images .* applied"),
        ([(6, UPRIGHT), (8, STORED)], False, [True, False], "applied to 1 and ignored for 1"),
        ([(3, STORED), (2, STORED)], False, [False, False], "keeps their size; it was ignored.*--exif apply"),
        ([(3, STORED)], True, [True], "keeps their size; it was applied.*--exif ignore"),
        ([(6, (12, 20)), (7, (48, 80))], False, [True, True], "applied"),  # scaled since
        ([(6, (80, 48))], True, [False], "ignored"),
    ],
)
def test_the_annotated_sizes_decide(
    tmp_path: Path,
    given: list[tuple[int, tuple[int, int]]],
    default: bool,
    honored: list[bool | None],
    words: str | None,
) -> None:
    images = [image(tmp_path, number, *each) for number, each in enumerate(given)]
    decided, note = decide_orientation(images, default=default)
    assert decided == honored
    assert (note is None) == (words is None)
    if note and words:
        assert re.search(words, note)


@pytest.mark.parametrize("choice", ["apply", "ignore"])
def test_a_choice_overrides_the_sizes(tmp_path: Path, choice: str) -> None:
    images = [image(tmp_path, 1, 6, UPRIGHT), image(tmp_path, 2, 8, STORED)]
    decided, note = decide_orientation(images, default=False, choice=choice)
    assert decided == [choice == "apply"] * 2
    assert note is None


def test_files_without_a_readable_header_follow_the_protocol(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"text")
    images = [AnnotatedSize(tmp_path / name, 4, 4) for name in ("1.jpg", "gone.jpg")]
    assert decide_orientation(images, default=True) == ([None, None], None)
