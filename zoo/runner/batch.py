"""A model over files: results in COCO's layout, and images with the results drawn on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from converters.fs.atomic import publish_bytes, writing_to
from registry.errors import NotFoundError, UsageError, ZooError
from registry.schema import Model
from zoo._utils.ordered_map import map_ahead
from zoo.artifacts.formats import Backend, Precision
from zoo.runner.draw import save_image
from zoo.runner.images import Image, read_image
from zoo.runner.media import is_video, open_video, writing_video
from zoo.runner.runner import Record, Runner

RESULTS = "results.json"
"""COCO's result list, as its evaluators read it."""

_ANNOTATED = ".annotated"  # part of every name we write: no image of the user's is ever overwritten


class ImageSummary(Model):
    """One image that was looked at.

    Attributes:
        image_id: As in the results: the number a name consists of, as COCO's do; else the path, and for a
            frame of a video ``path#number``.
        file: Where it was read from.
        width: Columns in pixels, after its EXIF orientation.
        height: Rows in pixels.
        found: Persons or boxes.
        best: The highest score; None where nothing was found.
    """

    image_id: int | str
    file: Path
    width: int
    height: int
    found: int
    best: float | None


class Failure(Model):
    """One file that could not be read.

    Attributes:
        file: The file.
        error: The error, as ``ZooError.as_dict`` gives it.
        exit_code: Its family's.
    """

    file: Path
    error: dict[str, str | None]
    exit_code: int


class RunResult(Model):
    """What a model found.

    Attributes:
        entry: ``name@release``.
        detector: Entry that found the persons; None without one.
        backend: What ran both.
        precision: Of the file; what is computed, the engine says.
        engine: Engine and its version.
        images: Images, in order.
        results: COCO's result list.
        failures: Files that could not be read.
        written: Files that were written.
    """

    entry: str
    detector: str | None
    backend: Backend
    precision: Precision
    engine: str
    images: tuple[ImageSummary, ...]
    results: tuple[dict[str, Any], ...]
    failures: tuple[Failure, ...]
    written: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class _ImageResult:
    """One image with its results, and itself with them drawn on where that was asked for."""

    looked: ImageSummary
    records: Sequence[Record]
    drawn: Image | None


def run_on_files(
    runner: Runner,
    files: Sequence[Path],
    *,
    out: Path | None = None,
    jobs: int = 1,
    on_image: Callable[[int], None] = lambda count: None,
) -> RunResult:
    """Looks at images and videos.

    A file that cannot be read is left out and told of, unless it is the only one.

    Args:
        runner: The model.
        files: Images and videos.
        out: Folder for ``results.json`` and annotated copies; nothing is written without it.
        jobs: Images looked at together.
        on_image: Called with the number of images or frames just finished.

    Raises:
        UsageError: ``output-not-writable``, or the only file cannot be read.
        NotFoundError: The only file is not there.
        ConversionError: An engine failed.
    """
    if out is not None:
        _make_folder(out)
    run = _Run(runner, files, out, jobs, on_image, _names(files))
    run.add_images([path for path in files if not is_video(path)])
    for path in files:
        if is_video(path):
            run.video(path)
    return run.result()


@dataclass(eq=False)
class _Run:
    """The work and what is gathered on the way."""

    runner: Runner
    files: Sequence[Path]
    out: Path | None
    jobs: int
    on_image: Callable[[int], None]
    names: dict[Path, str]
    images: list[ImageSummary] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)

    def add_images(self, paths: Sequence[Path]) -> None:
        """Looks at images; each is read, looked at, drawn and written by one thread."""
        results = map_ahead(self._image, paths, threads=self.jobs, ahead=2 * self.jobs)
        for path, seen in zip(paths, results, strict=True):
            if isinstance(seen, Failure):
                self.failures.append(seen)
            else:
                self._add(seen)
                self.written += [target] if (target := self._target(path, ".jpg")) else []
            self.on_image(1)

    def video(self, path: Path) -> None:
        """Looks at a video, frame by frame; the annotated copy has the size of its first frame."""
        try:
            video = open_video(path)
        except (NotFoundError, UsageError) as error:
            self.failures.append(self._failure(path, error))
            return
        target = self._target(path, ".mp4")
        # What it shows goes to the file while the next frames are looked at.
        with writing_video(target, video.rate) as write:
            look = partial(self._frame, path)
            for seen in map_ahead(look, enumerate(video.frames), threads=self.jobs, ahead=2 * self.jobs):
                self._add(seen)
                if seen.drawn is not None:
                    write(seen.drawn)
                self.on_image(1)
        self.written += [target] if target else []

    def result(self) -> RunResult:
        """Everything that was gathered, and the result file."""
        if self.out is not None:
            self.written.append(_write_results(self.out, self.results))
        network = self.runner.network
        return RunResult(
            entry=network.entry.id,
            detector=self.runner.detector.entry.id if self.runner.detector else None,
            backend=network.choice.backend,
            precision=network.choice.precision,
            engine=f"{network.session.engine} {network.session.engine_version}",
            images=tuple(self.images),
            results=tuple(self.results),
            failures=tuple(self.failures),
            written=tuple(self.written),
        )

    def _image(self, path: Path) -> _ImageResult | Failure:
        try:
            image = read_image(path, honor_exif=True)
        except (NotFoundError, UsageError) as error:
            return self._failure(path, error)
        seen = _look(self.runner, image, _image_id(path), path, draw=self.out is not None)
        target = self._target(path, ".jpg")
        if target is not None and seen.drawn is not None:
            save_image(seen.drawn, target)
        return replace(seen, drawn=None)  # results wait for their turn, images need not

    def _frame(self, path: Path, numbered: tuple[int, Image]) -> _ImageResult:
        number, image = numbered
        return _look(self.runner, image, f"{path}#{number}", path, draw=self.out is not None)

    def _target(self, path: Path, suffix: str) -> Path | None:
        return self.out / f"{self.names[path]}{suffix}" if self.out is not None else None

    def _failure(self, path: Path, error: ZooError) -> Failure:
        if len(self.files) == 1:
            raise error
        return Failure(file=path, error=error.as_dict(), exit_code=error.exit_code)

    def _add(self, seen: _ImageResult) -> None:
        self.images.append(seen.looked)
        self.results += [dict(record) for record in seen.records]


def _look(runner: Runner, image: Image, image_id: int | str, file: Path, *, draw: bool) -> _ImageResult:
    result = runner(image)
    records = runner.records(result, image_id)
    looked = ImageSummary(
        image_id=image_id,
        file=file,
        width=image.width,
        height=image.height,
        found=len(records),
        best=max((record["score"] for record in records), default=None),
    )
    return _ImageResult(looked, records, runner.draw(image, result) if draw else None)


def _image_id(path: Path) -> int | str:
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() else str(path)


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """Names of the annotated copies, without ending; files of one name from several folders are numbered."""
    names: dict[Path, str] = {}
    for path in files:
        name, number = path.stem, 1
        while f"{name}{_ANNOTATED}" in names.values():
            number += 1
            name = f"{path.stem}-{number}"
        names[path] = f"{name}{_ANNOTATED}"
    return names


def _make_folder(out: Path) -> None:
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)


def _write_results(out: Path, results: Sequence[dict[str, Any]]) -> Path:
    return publish_bytes(json.dumps(results).encode(), out / RESULTS)
