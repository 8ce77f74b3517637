"""Run a model over files: results in COCO's layout, and copies of the images with the results drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from converters.fs.atomic import publish_bytes, writing_to
from registry.choices import FloatPrecision as Precision
from registry.errors import NotFoundError, UsageError, ZooError
from registry.schema import Model
from zoo._utils.choices import Backend
from zoo._utils.ordered_map import map_ahead
from zoo.runner.draw import save_image
from zoo.runner.images import Image, read_image
from zoo.runner.media import is_video, open_video, open_video_writer
from zoo.runner.preprocess import describe_image_processing
from zoo.runner.runner import Record, Runner

RESULTS = "results.json"
"""File with COCO's result list, as its evaluators read it."""

_ANNOTATED = ".annotated"  # part of every name written here, so that no original image is overwritten


class ImageSummary(Model):
    """One image or frame that was processed.

    Attributes:
        image_id: Id in the results: the number if the file name is a number, as in COCO; else the path, and
            for a frame of a video ``path#number``.
        file: The file it was read from.
        width: Columns in pixels, after its EXIF orientation.
        height: Rows in pixels.
        found: Number of persons or boxes.
        best: The highest score; None when nothing was found.
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
        error: The error, as ``ZooError.as_dict`` returns it.
        exit_code: The exit code of its error family.
    """

    file: Path
    error: dict[str, str | None]
    exit_code: int


class RunResult(Model):
    """Results of a model over files.

    Attributes:
        entry: ``name@release``.
        detector: Entry of the detector; None without one.
        backend: Backend of both models.
        precision: Stored precision of the model file; ``engine`` states the computed one.
        engine: Engine and its version.
        image_processing: OpenCV and the instruction sets it uses, on which the last digits depend.
        images: Images, in order.
        results: COCO's result list.
        failures: Files that could not be processed.
        written: Files that were written.
    """

    entry: str
    detector: str | None
    backend: Backend
    precision: Precision
    engine: str
    image_processing: str
    images: tuple[ImageSummary, ...]
    results: tuple[dict[str, Any], ...]
    failures: tuple[Failure, ...]
    written: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class _ImageResult:
    """One image's results, and the annotated image when annotated copies are written."""

    summary: ImageSummary
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
    """Run a model over images and videos.

    A file that cannot be read is skipped and reported in ``failures``, unless it is the only one.

    Args:
        runner: The model.
        files: Images and videos.
        out: Folder for ``results.json`` and annotated copies; nothing is written without it.
        jobs: Images processed in parallel.
        on_image: Called with the number of images or frames just finished.

    Raises:
        UsageError: ``output-not-writable``, or the only file cannot be read.
        NotFoundError: The only file does not exist.
        ConversionError: An engine failed.
    """
    if out is not None:
        _make_folder(out)
    run = _Run(runner, files, out, jobs, on_image, _output_names(files))
    run.add_images([path for path in files if not is_video(path)])
    for path in files:
        if is_video(path):
            run.add_video(path)
    return run.result()


@dataclass(eq=False)
class _Run:
    """One run: its inputs, and the results collected so far."""

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
        """Process images; one thread reads, runs, draws and writes each."""
        results = map_ahead(self._process_image, paths, threads=self.jobs, ahead=2 * self.jobs)
        for path, result in zip(paths, results, strict=True):
            if isinstance(result, Failure):
                self.failures.append(result)
            else:
                self._add(result)
                self.written += [target] if (target := self._target(path, ".jpg")) else []
            self.on_image(1)

    def add_video(self, path: Path) -> None:
        """Process a video frame by frame; the annotated copy has the size of the first frame."""
        try:
            video = open_video(path)
        except (NotFoundError, UsageError) as error:
            self.failures.append(self._failure(path, error))
            return
        target = self._target(path, ".mp4")
        # Frames are written while other threads process the next ones.
        with open_video_writer(target, video.rate) as write:
            process = partial(self._process_frame, path)
            frames = enumerate(video.frames)
            for result in map_ahead(process, frames, threads=self.jobs, ahead=2 * self.jobs):
                self._add(result)
                if result.drawn is not None:
                    write(result.drawn)
                self.on_image(1)
        self.written += [target] if target else []

    def result(self) -> RunResult:
        """Write the result file and return all results."""
        if self.out is not None:
            self.written.append(_write_results(self.out, self.results))
        model = self.runner.model
        return RunResult(
            entry=model.entry.id,
            detector=self.runner.detector.entry.id if self.runner.detector else None,
            backend=model.config.backend,
            precision=model.config.precision,
            engine=f"{model.session.engine} {model.session.engine_version}",
            image_processing=describe_image_processing(),
            images=tuple(self.images),
            results=tuple(self.results),
            failures=tuple(self.failures),
            written=tuple(self.written),
        )

    def _process_image(self, path: Path) -> _ImageResult | Failure:
        try:
            image = read_image(path, honor_exif=True)
        except (NotFoundError, UsageError) as error:
            return self._failure(path, error)
        result = _run_on_image(self.runner, image, _image_id(path), path, draw=self.out is not None)
        target = self._target(path, ".jpg")
        if target is not None and result.drawn is not None:
            save_image(result.drawn, target)
        return replace(result, drawn=None)  # results are queued in order; pixels need not stay in memory

    def _process_frame(self, path: Path, numbered: tuple[int, Image]) -> _ImageResult:
        number, image = numbered
        return _run_on_image(self.runner, image, f"{path}#{number}", path, draw=self.out is not None)

    def _target(self, path: Path, suffix: str) -> Path | None:
        return self.out / f"{self.names[path]}{suffix}" if self.out is not None else None

    def _failure(self, path: Path, error: ZooError) -> Failure:
        if len(self.files) == 1:
            raise error
        return Failure(file=path, error=error.as_dict(), exit_code=error.exit_code)

    def _add(self, result: _ImageResult) -> None:
        self.images.append(result.summary)
        self.results += [dict(record) for record in result.records]


def _run_on_image(
    runner: Runner, image: Image, image_id: int | str, file: Path, *, draw: bool
) -> _ImageResult:
    result = runner(image)
    records = runner.records(result, image_id)
    summary = ImageSummary(
        image_id=image_id,
        file=file,
        width=image.width,
        height=image.height,
        found=len(records),
        best=max((record["score"] for record in records), default=None),
    )
    return _ImageResult(summary, records, runner.draw(image, result) if draw else None)


def _image_id(path: Path) -> int | str:
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() else str(path)


def _output_names(files: Sequence[Path]) -> dict[Path, str]:
    """Names of the annotated copies without suffix; equal file names from several folders are numbered."""
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
