"""Fetch, verify, convert and inspect the sample model, and measure its formats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import registry
from converters.formats import Inspection, inspect
from converters.fs.atomic import check_writable
from converters.fs.workdir import temporary_directory
from converters.toolchain import Toolchains
from registry import Entry
from registry.errors import IntegrityError, MissingToolError
from zoo.artifacts.resolver import ArtifactResolver, Fetched, Reporter
from zoo.artifacts.spec import ArtifactSpec
from zoo.demo.result import Demo, DemoRow
from zoo.sample import CATALOG, IMAGES, NAME
from zoo.sample.local_server import serve_sample
from zoo.settings import Settings
from zoo.store import Store

if TYPE_CHECKING:
    from zoo.demo.measuring import Measured

SPECS = (
    ArtifactSpec(kind="inference"),
    ArtifactSpec(kind="lite", precision="fp32", target="arm"),
    ArtifactSpec(kind="lite", precision="fp16", target="arm"),
    ArtifactSpec(kind="lite", precision="fp32", target="x86"),
    ArtifactSpec(kind="onnx", precision="fp32"),
)


class _Made(NamedTuple):
    """A fetched or converted format."""

    want: ArtifactSpec
    fetched: Fetched
    found: Inspection
    seconds: float


def run(
    settings: Settings, reporter: Reporter, *, out: Path, limit: int | None = None, jobs: int = 1
) -> Demo:
    """Fetch, verify, convert and inspect the sample model, and measure its formats.

    Artifacts go to a temporary cache; toolchains go to that of the user, where the next command finds them.

    Args:
        settings: Settings of the user.
        reporter: Callbacks for progress and log messages.
        out: File of the contact sheet.
        limit: Measure the accuracy only on the first N images.
        jobs: Images processed in parallel.

    Raises:
        ZooError: A step failed that should work on every machine.
    """
    entry = registry.load(CATALOG).get(NAME)
    images = min(limit or IMAGES, IMAGES)
    reporter.note(_describe(entry))
    check_writable(out)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_directory())
        resolver = _resolver(settings, folder / "cache", stack.enter_context(serve_sample(entry)), reporter)
        reporter.note(f"drawing {images} images")
        drawn = stack.enter_context(_drawing(folder / "images", images))
        made, missing = _convert_all(entry, resolver)
        report = resolver.store.verify()
        if not report.clean:
            raise IntegrityError(
                "cache-damaged", "the cache of the demo changed during the run", hint="zoo demo"
            )
        measured = _measured(entry, resolver, drawn, whole=images == IMAGES, jobs=jobs, out=out)
    limit_of_difference = next(item.max_abs for item in entry.tolerances if item.precision == "fp32")
    rows = (*(_row(item, measured) for item in made), *missing)
    near = all(row.difference is None or row.difference <= limit_of_difference for row in rows if row.limited)
    return Demo(
        entry=entry.id,
        verified=report.checked,
        rows=rows,
        limit=limit_of_difference,
        published=entry.accuracy[0].value,
        images=images,
        published_images=IMAGES,
        annotated=measured.annotated,
        passed=near and all(row.accuracy is None or row.accuracy.passed for row in rows),
    )


def _describe(entry: Entry) -> str:
    figure, size = entry.accuracy[0], f"{entry.input.height}x{entry.input.width}"
    accuracy = f"{figure.metric} {figure.value:.1f} % on {IMAGES} drawn images"
    return f"catalog: {entry.id}, input {size}, {accuracy}"


def _resolver(settings: Settings, cache: Path, mirror: str, reporter: Reporter) -> ArtifactResolver:
    return ArtifactResolver(
        settings=replace(settings, cache=cache, mirrors=(mirror,), offline=False),
        store=Store(cache),
        toolchains=Toolchains(settings.toolchains, python=settings.python, offline=settings.offline),
        reporter=reporter,
    )


@contextmanager
def _drawing(folder: Path, count: int) -> Iterator[Future[Path]]:
    """Draw images in a thread while the converters run in child processes.

    Yields:
        The future annotation file. Leaving the context early cancels the drawing.
    """
    from zoo.sample.figures import write_coco

    stop = Event()

    def before_each() -> None:
        if stop.is_set():
            raise InterruptedError("the demo ended")

    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(write_coco, folder, count, before_each=before_each)
        finally:
            stop.set()


def _convert_all(entry: Entry, resolver: ArtifactResolver) -> tuple[list[_Made], list[DemoRow]]:
    made: list[_Made] = []
    missing: list[DemoRow] = []
    for want in SPECS:
        started = time.perf_counter()
        try:
            (fetched,) = resolver.resolve([(entry, want)], build=None)
        except MissingToolError as error:
            missing.append(DemoRow(format=want.id, state="missing", hint=error.hint or error.message))
            continue
        seconds = time.perf_counter() - started
        made.append(_Made(want, fetched, inspect(fetched.path), seconds))
    return made, missing


def _measured(
    entry: Entry, resolver: ArtifactResolver, drawn: Future[Path], *, whole: bool, jobs: int, out: Path
) -> Measured:
    # Imported here: the steps before this one do not need numpy.
    from zoo.demo.measuring import measure_formats

    data = drawn.result().parent.parent
    return measure_formats(entry, resolver, data, whole=whole, jobs=jobs, out=out)


def _row(item: _Made, measured: Measured) -> DemoRow:
    found = item.found
    contents = ", ".join(part for part in (found.made_by, found.target, found.precision) if part)
    hint = None
    if item.want.id == "lite-arm-fp16" and item.want.id in measured.differences:
        hint = "ARM FP16 emulation"
    elif item.want.kind == "lite" and item.want.target == "arm":
        hint = "needs an ARM processor"
    elif item.want.kind == "inference":
        hint = "the reference"
    return DemoRow(
        format=item.want.id,
        state="verified",
        size=found.size,
        seconds=round(item.seconds, 2),
        contents=contents,
        difference=measured.differences.get(item.want.id),
        limited=item.want.precision != "fp16",
        accuracy=measured.accuracy.get(item.want.id),
        hint=hint,
    )
