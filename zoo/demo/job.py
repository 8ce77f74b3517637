"""Fetch, verify, convert, prove, and have measured."""

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
from converters.fs.atomic import writing_to
from converters.fs.workdir import temporary_directory
from converters.toolchain import Toolchains
from registry import Entry
from registry.errors import IntegrityError, MissingToolError
from zoo.artifacts.resolver import ArtifactResolver, Fetched, Reporter
from zoo.artifacts.spec import ArtifactSpec
from zoo.demo.result import Demo, DemoRow
from zoo.sample import CATALOG, IMAGES, NAME
from zoo.sample.local_server import served
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
    """A format that was fetched or converted."""

    want: ArtifactSpec
    fetched: Fetched
    found: Inspection
    seconds: float


def run(
    settings: Settings, reporter: Reporter, *, out: Path, limit: int | None = None, jobs: int = 1
) -> Demo:
    """Fetches, verifies, converts and proves the sample model, and measures what its formats compute.

    Artifacts go to a temporary store; toolchains to the user's, where the next command finds them.

    Args:
        settings: The user's settings.
        reporter: Who hears about the work.
        out: Where to write the annotated picture.
        limit: Measure accuracy on the first images only.
        jobs: Images looked at together.

    Raises:
        ZooError: Something that should work on every machine did not.
    """
    entry = registry.load(CATALOG).get(NAME)
    images = min(limit or IMAGES, IMAGES)
    reporter.note(_greeting(entry))
    _require_writable(out)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_directory())
        resolver = _resolver(settings, folder, stack.enter_context(served(entry)), reporter)
        reporter.note(f"drawing {images} images in the meantime")
        drawn = stack.enter_context(_drawing(folder / "images", images))
        made, missing = _make_all(entry, resolver)
        report = resolver.store.verify()
        if not report.clean:
            raise IntegrityError("store-damaged", "the demo's store changed while it ran", hint="zoo demo")
        measured = _measured(entry, resolver, drawn, whole=images == IMAGES, jobs=jobs, out=out)
    limit_of_difference = next(item.max_abs for item in entry.tolerances if item.precision == "fp32")
    rows = (*(_row(item, measured) for item in made), *missing)
    near = all(row.difference is None or row.difference <= limit_of_difference for row in rows if row.held)
    return Demo(
        entry=entry.id,
        verified=report.checked,
        rows=rows,
        limit=limit_of_difference,
        published=entry.accuracy[0].value,
        images=images,
        published_images=IMAGES,
        annotated=measured.annotated,
        passed=near and all(row.accuracy is None or row.accuracy.met for row in rows),
    )


def _greeting(entry: Entry) -> str:
    figure, size = entry.accuracy[0], f"{entry.input.height}x{entry.input.width}"
    accuracy = f"{figure.metric} {figure.value:.1f} % on {IMAGES} drawn images"
    return f"catalog: {entry.id}, input {size}, {accuracy}"


def _require_writable(out: Path) -> None:
    """Before the work and not after it."""
    with writing_to(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        existed = out.exists()
        out.open("ab").close()
        if not existed:
            out.unlink()


def _resolver(settings: Settings, folder: Path, mirror: str, reporter: Reporter) -> ArtifactResolver:
    return ArtifactResolver(
        settings=replace(settings, cache=folder, mirrors=(mirror,), offline=False),
        store=Store(folder),
        toolchains=Toolchains(settings.toolchains, python=settings.python, offline=settings.offline),
        reporter=reporter,
    )


@contextmanager
def _drawing(folder: Path, count: int) -> Iterator[Future[Path]]:
    """Draws images while converters, which are processes of their own, are waited for.

    Yields:
        The annotation file, when it is done. Whoever leaves early does not wait for it.
    """
    from zoo.sample.figures import write_coco

    stop = Event()

    def before_each() -> None:
        if stop.is_set():
            raise InterruptedError("nobody waits for the images any more")

    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(write_coco, folder, count, before_each=before_each)
        finally:
            stop.set()


def _make_all(entry: Entry, resolver: ArtifactResolver) -> tuple[list[_Made], list[DemoRow]]:
    made: list[_Made] = []
    missing: list[DemoRow] = []
    for want in SPECS:
        started = time.perf_counter()
        try:
            (fetched,) = resolver.all([(entry, want)], build=None)
        except MissingToolError as error:
            missing.append(DemoRow(format=want.id, state="missing", hint=error.hint or error.message))
            continue
        seconds = time.perf_counter() - started
        made.append(_Made(want, fetched, inspect(fetched.path), seconds))
    return made, missing


def _measured(
    entry: Entry, resolver: ArtifactResolver, drawn: Future[Path], *, whole: bool, jobs: int, out: Path
) -> Measured:
    # Imported here: what the demo needs numpy for comes after all that it needs none for.
    from zoo.demo.measuring import measure_formats

    data = drawn.result().parent.parent
    return measure_formats(entry, resolver, data, whole=whole, jobs=jobs, out=out)


def _row(item: _Made, measured: Measured) -> DemoRow:
    found = item.found
    proof = ", ".join(part for part in (found.made_by, found.target, found.precision) if part)
    hint = None
    if item.want.id == "lite-arm-fp16" and item.want.id in measured.differences:
        hint = "interpreted here, as a phone computes it"
    elif item.want.kind == "lite" and item.want.target == "arm":
        hint = "runs on the phone only"
    elif item.want.kind == "inference":
        hint = "the reference"
    return DemoRow(
        format=item.want.id,
        state="proven",
        size=found.size,
        seconds=round(item.seconds, 2),
        proof=proof,
        difference=measured.differences.get(item.want.id),
        held=item.want.precision != "fp16",
        accuracy=measured.accuracy.get(item.want.id),
        hint=hint,
    )
