"""Resolving command-line words to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import NotFoundError
from zoo.runner.media import find_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    for name in ("b.JPG", "a.png", "notes.txt", "clip.mp4", "deep/c.jpg", "odd[1].jpg"):
        (tmp_path / name).touch()
    return tmp_path


def names(folder: Path, *words: str) -> list[str]:
    found = find_images([str(folder / word) if word else str(folder) for word in words])
    return [path.relative_to(folder).as_posix() for path in found]


def test_a_folder_stands_for_its_images_and_videos_by_name(folder: Path) -> None:
    assert names(folder, "") == ["a.png", "b.JPG", "clip.mp4", "odd[1].jpg"]


def test_a_dangling_link_is_kept_so_that_it_is_reported(folder: Path) -> None:
    (folder / "deep/gone.jpg").symlink_to(folder / "nowhere.jpg")
    assert names(folder, "deep") == ["deep/c.jpg", "deep/gone.jpg"]


def test_a_pattern_that_the_shell_did_not_expand_is_expanded(folder: Path) -> None:
    assert names(folder, "*.png") == ["a.png"]
    assert names(folder, "**/*.jpg") == ["deep/c.jpg", "odd[1].jpg"]


def test_a_named_file_may_have_any_suffix(folder: Path) -> None:
    assert names(folder, "notes.txt", "odd[1].jpg") == ["notes.txt", "odd[1].jpg"]


def test_a_file_named_twice_is_listed_once(folder: Path) -> None:
    assert names(folder, "a.png", "", "a.png")[0] == "a.png"
    assert names(folder, "a.png", "").count("a.png") == 1


@pytest.mark.parametrize(
    ("word", "code"),
    [("missing.jpg", "image-not-found"), ("*.gif", "images-not-found"), ("empty", "images-not-found")],
)
def test_words_that_match_nothing_are_errors(folder: Path, word: str, code: str) -> None:
    (folder / "empty").mkdir()

    with pytest.raises(NotFoundError) as caught:
        names(folder, word)
    assert caught.value.code == code
