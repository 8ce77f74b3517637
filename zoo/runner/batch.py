"""Run a model over files: results in COCO's layout, and copies of the images with the results drawn."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from converters.choices import WeightOnly
from converters.fs.atomic import check_writable, publish_bytes
from registry.choices import Precision
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

_MAX_DIGITS = 18  # of an id that fits 64 bits
_MAX_STEM = 220  # bytes; leaves room for a number and the suffix within 255
_ANNOTATED = ".annotated"  # part of every name written here, so that no original image is overwritten


class ImageSummary(Model):
    """One image or frame that was processed.

    Attributes:
        image_id: Id in the results: the number if the file name is a number, as in COCO, that no other file
            of the run has; else the path, and for a frame of a video ``path#number``.
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
        precision: Precision of the model file; ``engine`` states the computed one.
        weight_only: Integer type of the stored weights; None where they have the precision of the file.
        calibration: Images that determined the ranges of an ``int8`` file: a folder, or ``drawn figures``.
        engine: Engine and its version.
        image_processing: OpenCV and the instruction sets it uses, on which the last digits depend.
        images: Images, in order.
        results: COCO's result list.
        failures: Files that could not be processed.
        written: Files that were written.
        notes: Decisions that affect the results, one sentence each.
    """

    entry: str
    detector: str | None
    backend: Backend
    precision: Precision
    weight_only: WeightOnly | None = None
    calibration: str | None = None
    engine: str
    image_processing: str
    images: tuple[ImageSummary, ...]
    results: tuple[dict[str, Any], ...]
    failures: tuple[Failure, ...]
    written: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _ImageResult:
    """One image's results, its annotated copy if one is drawn, and why that could not be written."""

    summary: ImageSummary
    records: Sequence[Record]
    drawn: Image | None
    failure: Failure | None = None


def run_on_files(
    runner: Runner,
    files: Sequence[Path],
    *,
    out: Path | None = None,
    jobs: int = 1,
    on_image: Callable[[int], None] = lambda count: None,
) -> RunResult:
    """Run a model over images and videos.

    A file that cannot be read, or whose annotated copy cannot be written, is reported in ``failures``, unless
    it is the only one.

    Args:
        runner: The model.
        files: Images and videos.
        out: Folder for ``results.json`` and annotated copies; nothing is written without it.
        jobs: Images processed in parallel.
        on_image: Called with the number of images or frames just finished.

    Raises:
        MissingToolError: ``disk-full``.
        UsageError: ``output-not-writable``, or the only file cannot be read.
        NotFoundError: The only file does not exist.
        ConversionError: An engine failed.
    """
    if out is not None:
        check_writable(out / RESULTS)  # before the model runs over thousands of images
    run = _Run(runner, files, out, jobs, on_image, _output_names(files), _image_ids(files))
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
    ids: dict[Path, int | str]
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
                if result.failure is not None:
                    self.failures.append(result.failure)
                elif target := self._target(path, ".jpg"):
                    self.written.append(target)
            self.on_image(1)

    def add_video(self, path: Path) -> None:
        """Process a video frame by frame; the annotated copy has the size of the first frame."""
        try:
            video = open_video(path)
        except (NotFoundError, UsageError) as error:
            self.failures.append(self._failure(path, error))
            return
        target = self._target(path, ".mp4")
        count = len(self.images)
        # Frames are written while other threads process the next ones.
        with open_video_writer(target, video.rate) as write:
            process = partial(self._process_frame, path)
            frames = enumerate(video.frames)
            for result in map_ahead(process, frames, threads=self.jobs, ahead=2 * self.jobs):
                self._add(result)
                if result.drawn is not None:
                    write(result.drawn)
                self.on_image(1)
        if target is not None and len(self.images) > count:
            self.written.append(target)

    def result(self) -> RunResult:
        """Write the result file and return all results."""
        if self.out is not None:
            self.written.append(_write_results(self.out, self.results))
        model = self.runner.model
        calibrator = model.config.calibrator
        return RunResult(
            entry=model.entry.id,
            detector=self.runner.detector.entry.id if self.runner.detector else None,
            backend=model.config.backend,
            precision=model.config.precision,
            weight_only=model.config.weight_only,
            calibration=calibrator.source if calibrator else None,
            engine=f"{model.session.engine} {model.session.engine_version}",
            image_processing=describe_image_processing(),
            images=tuple(self.images),
            results=tuple(self.results),
            failures=tuple(self.failures),
            written=tuple(self.written),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        if calibrator := self.runner.model.config.calibrator:
            yield calibrator.note
        numbered = [path for path in self.files if _number(path) is not None and not is_video(path)]
        clashing = [path for path in numbered if isinstance(self.ids[path], str)]
        if clashing:
            yield (
                f"{len(clashing)} images have names with the same number, for example {clashing[0].name}; "
                "their image_id is the path"
            )

    def _process_image(self, path: Path) -> _ImageResult | Failure:
        try:
            image = read_image(path, honor_exif=True)
        except (NotFoundError, UsageError) as error:
            return self._failure(path, error)
        result = _run_on_image(self.runner, image, self.ids[path], path, draw=self.out is not None)
        target = self._target(path, ".jpg")
        failure = None
        if target is not None and result.drawn is not None:
            try:
                save_image(result.drawn, target)
            except UsageError as error:
                failure = self._failure(path, error)
        # Results are queued in order; pixels need not stay in memory.
        return replace(result, drawn=None, failure=failure)

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


def _image_ids(files: Sequence[Path]) -> dict[Path, int | str]:
    """Ids of the images: the number in the name, as in COCO, if no other file of the run has it."""
    counts = Counter(number for path in files if (number := _number(path)) is not None)
    ids: dict[Path, int | str] = {}
    for path in files:
        number = _number(path)
        ids[path] = number if number is not None and counts[number] == 1 else str(path)
    return ids


def _number(path: Path) -> int | None:
    stem = path.stem
    return int(stem) if stem.isascii() and stem.isdigit() and len(stem) <= _MAX_DIGITS else None


def _output_names(files: Sequence[Path]) -> dict[Path, str]:
    """Names of the annotated copies without suffix.

    Equal names from several folders are numbered; names that differ only in case are equal on some systems.
    Long names are shortened, since a file name has at most 255 bytes.
    """
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path in files:
        stem = os.fsdecode(os.fsencode(path.stem)[:_MAX_STEM])
        if stem not in path.stem:  # cut inside a character, which leaves bytes that do not decode
            stem = stem.encode("utf-8", "ignore").decode()
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[path] = f"{name}{_ANNOTATED}"
    return names


def _write_results(out: Path, results: Sequence[dict[str, Any]]) -> Path:
    return publish_bytes(json.dumps(results).encode(), out / RESULTS)
