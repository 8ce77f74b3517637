"""Which images and videos a user means, and the frames of a video."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.fs.atomic import check_writable
from registry.errors import NotFoundError, UsageError
from zoo.runner.images import Image

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Endings that count in a folder. A file that is named outright may have any."""

VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"})

_USUAL_RATE = 25.0  # frames a second, for files that do not say


@dataclass(frozen=True, eq=False)
class Video:
    """A video that OpenCV opened.

    Attributes:
        path: The file.
        rate: Frames a second.
        frames: Its images, read as they are taken; to be gone through once.
    """

    path: Path
    rate: float
    frames: Iterator[Image]


def find_images(words: Iterable[str]) -> tuple[Path, ...]:
    """The files that words of a command line stand for, each once, in the order of the words.

    A folder stands for the images directly in it, by name. A word that is no file may be a pattern, for
    shells that do not expand them; ``**`` goes into folders.

    Args:
        words: Files, folders and patterns.

    Raises:
        NotFoundError: ``image-not-found`` or ``images-not-found``.
    """
    found: dict[Path, None] = {}
    for word in words:
        found |= dict.fromkeys(_files(word))
    return tuple(found)


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its name."""
    return path.suffix.lower() in VIDEOS


def open_video(path: Path) -> Video:
    """Opens a video.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``video-unreadable``.
    """
    import cv2  # heavy: commands that never open an image must not load it

    if not path.is_file():
        raise _not_there("video", path)
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise UsageError(
            "video-unreadable",
            f"this build of OpenCV cannot open {path}",
            expected="a complete file in a format it has a decoder for",
            hint=f"ffmpeg -i {path.name} frames/%06d.jpg, then run on the folder",
        )
    rate = capture.get(cv2.CAP_PROP_FPS)

    def frames() -> Iterator[Image]:
        try:
            while True:
                more, pixels = capture.read()
                if not more:
                    return
                yield Image(np.asarray(pixels, dtype=np.uint8), "bgr", path)
        finally:
            capture.release()

    return Video(path, rate if 0 < rate < 1000 else _USUAL_RATE, frames())


@contextmanager
def writing_video(path: Path | None, rate: float) -> Iterator[Callable[[Image], None]]:
    """Gives a function that appends a frame; all frames have the size of the first.

    Args:
        path: An ``.mp4`` file; None when nobody will append.
        rate: Frames a second.

    Raises:
        UsageError: With the first frame: ``output-not-writable``, or ``video-unwritable`` where OpenCV has
            no encoder.
    """
    import cv2  # heavy: commands that never open an image must not load it

    opened: list[cv2.VideoWriter] = []

    def write(image: Image) -> None:
        if not opened:
            if path is not None:
                check_writable(path)  # OpenCV only says that it could not
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            opened.append(cv2.VideoWriter(str(path), codec, rate, (image.width, image.height)))
            if not opened[0].isOpened():
                raise UsageError(
                    "video-unwritable",
                    f"this build of OpenCV cannot write {path}",
                    expected="an encoder for MPEG-4 in OpenCV",
                    done="no video was written",
                    hint="split the video and run on the images: ffmpeg -i VIDEO frames/%06d.jpg",
                )
        opened[0].write(image.as_bgr())

    try:
        yield write
    finally:
        for writer in opened:
            writer.release()


def _files(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return _images_in(sorted(path.iterdir()), word)
    if path.exists() or not glob.has_magic(word):
        if not path.exists():
            raise _not_there("image", path)
        return [path]
    return _images_in(sorted(Path(name) for name in glob.iglob(word, recursive=True)), word)


def _images_in(paths: Iterable[Path], word: str) -> list[Path]:
    named = [path for path in paths if path.suffix.lower() in IMAGES | VIDEOS]
    # A link to nothing stays: it is told of as every other file that cannot be read.
    chosen = [path for path in named if path.is_file() or (path.is_symlink() and not path.exists())]
    if not chosen:
        raise NotFoundError(
            "images-not-found",
            f"{word} holds no image",
            expected=f"files named *{', *'.join(sorted(IMAGES | VIDEOS))}",
            hint=f"ls {word}",
        )
    return chosen


def _not_there(what: str, path: Path) -> NotFoundError:
    return NotFoundError("image-not-found", f"there is no {what} at {path}", hint=f"ls {path.parent}")
