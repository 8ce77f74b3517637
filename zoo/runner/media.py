"""Resolve command-line words to images and videos, and read and write videos."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.fs.atomic import check_writable, publish, writing_to
from registry.errors import NotFoundError, UsageError
from zoo.runner.images import Image

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Suffixes of images in a folder. A file named on the command line may have any suffix."""

VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"})

_VIDEO = "video.mp4"
_DEFAULT_RATE = 25.0  # frames per second, for files that do not state it


@dataclass(frozen=True, eq=False)
class Video:
    """A video that OpenCV opened.

    Attributes:
        path: The file.
        rate: Frames per second.
        frames: The frames, read on demand; can be iterated once.
    """

    path: Path
    rate: float
    frames: Iterator[Image]


def find_images(words: Iterable[str]) -> tuple[Path, ...]:
    """Resolve command-line words to files, each once, in the order of the words.

    A folder stands for the images directly in it, sorted by name. A word that is not a file may be a pattern,
    for shells that do not expand patterns; ``**`` matches folders.

    Args:
        words: Files, folders and patterns.

    Raises:
        NotFoundError: ``image-not-found`` or ``images-not-found``.
    """
    found: dict[Path, None] = {}
    for word in words:
        found |= dict.fromkeys(_expand(word))
    return tuple(found)


def is_video(path: Path) -> bool:
    """Whether a file is a video, judged by its suffix."""
    return path.suffix.lower() in VIDEOS


def open_video(path: Path) -> Video:
    """Open a video.

    Raises:
        NotFoundError: ``image-not-found``.
        UsageError: ``video-unreadable``.
    """
    import cv2  # heavy: commands that never open an image must not load it

    if not path.exists():
        raise _not_found("video", path)
    # A pipe would be waited for.
    capture = cv2.VideoCapture(str(path)) if path.is_file() else None
    if capture is None or not capture.isOpened():
        raise UsageError(
            "video-unreadable",
            f"this build of OpenCV cannot open {path}",
            expected="a complete file in a format that OpenCV has a decoder for",
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

    return Video(path, rate if 0 < rate < 1000 else _DEFAULT_RATE, frames())


@contextmanager
def open_video_writer(path: Path | None, rate: float) -> Iterator[Callable[[Image], None]]:
    """Yield a function that appends a frame; all frames have the size of the first.

    Args:
        path: An ``.mp4`` file; None when no frame will be written.
        rate: Frames per second.

    Raises:
        UsageError: With the first frame: ``output-not-writable``, or ``video-unwritable`` where OpenCV has
            no encoder.
    """
    import cv2  # heavy: commands that never open an image must not load it

    if path is None:
        yield lambda image: None
        return
    opened: list[cv2.VideoWriter] = []
    temporary: list[Path] = []
    # In a private folder first: OpenCV would write through a link at the target, or leave half a video.
    folder = ExitStack()

    def write(image: Image) -> None:
        if not opened:
            check_writable(path)  # OpenCV gives no reason for a failure
            with writing_to(path):
                private = folder.enter_context(tempfile.TemporaryDirectory(prefix=".zoo-", dir=path.parent))
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            size = (image.width, image.height)
            opened.append(cv2.VideoWriter(str(Path(private, _VIDEO)), codec, rate, size))
            temporary.append(Path(private, _VIDEO))
            if not opened[0].isOpened():
                raise UsageError(
                    "video-unwritable",
                    f"this build of OpenCV cannot write {path}",
                    expected="an encoder for MPEG-4 in OpenCV",
                    done="no video was written",
                    hint="split the video and run on the images: ffmpeg -i VIDEO frames/%06d.jpg",
                )
        opened[0].write(image.as_bgr())

    with folder:
        try:
            yield write
        finally:
            for writer in opened:
                writer.release()
        for file in temporary:
            publish(file, path)


def _expand(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return _images_in(sorted(path.iterdir()), word)
    if path.exists() or not glob.has_magic(word):
        if not path.exists():
            raise _not_found("image", path)
        return [path]
    return _images_in(sorted(Path(name) for name in glob.iglob(word, recursive=True)), word)


def _images_in(paths: Iterable[Path], word: str) -> list[Path]:
    candidates = [path for path in paths if path.suffix.lower() in IMAGES | VIDEOS]
    # A dangling link is kept, so that it is reported like every other unreadable file.
    chosen = [path for path in candidates if path.is_file() or (path.is_symlink() and not path.exists())]
    if not chosen:
        raise NotFoundError(
            "images-not-found",
            f"{word} contains no image",
            expected=f"files named *{', *'.join(sorted(IMAGES | VIDEOS))}",
            hint=f"ls {word}",
        )
    return chosen


def _not_found(kind: str, path: Path) -> NotFoundError:
    return NotFoundError("image-not-found", f"the {kind} {path} does not exist", hint=f"ls {path.parent}")
