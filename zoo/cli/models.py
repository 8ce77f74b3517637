"""Commands that run a model: run, validate, compare, bench."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from registry.errors import UsageError
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.settings import settings

Threads = Annotated[int, typer.Option(min=1, max=256, help="Threads one run of a network may use.")]
Jobs = Annotated[
    int | None, typer.Option(min=1, max=64, help="Images looked at together. Default: the processors.")
]


def run(
    name: options.Name,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE", help="Images, folders, patterns or videos.")
    ],
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Finds the persons. Without it an image is one person."),
    ] = None,
    backend: options.BackendOption = options.Backend.onnx,
    precision: options.PrecisionOption = options.Precision.fp32,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write results.json and annotated images there.")
    ] = None,
    jobs: Jobs = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    locked: options.Locked = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Find people and their joints in images, and draw them."""
    from zoo import api
    from zoo._utils.threads import default_jobs
    from zoo.artifacts.resolver import Reporter
    from zoo.cli._counter import Counter
    from zoo.cli.render import results as portrait_of_results
    from zoo.runner.batch import run_on_files
    from zoo.runner.media import find_images

    output = Output(as_json=json, quiet=quiet)
    files = find_images(images)
    limit_opencv_threads()
    with output.display() as display:
        runner = api.load(
            name,
            backend=backend.value,
            precision=precision.value,
            detector=detector,
            lite_version=lite_version,
            build=build,
            locked=locked,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    with runner, Counter(output) as count:
        found = run_on_files(
            runner,
            files,
            out=out,
            jobs=jobs or default_jobs(),
            on_image=lambda done: count(done, len(files)),
        )
    if json:
        output.document(found)
    else:
        output.table(*portrait_of_results.format_run(found))
        output.lines(found.written)
    for failure in found.failures:
        output.note(f"{failure.file}: {failure.error['message']}")
    if found.failures:
        raise typer.Exit(found.failures[0].exit_code)


def validate(
    name: options.Name,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Laid out as COCO is: val2017/ and annotations/.")
    ],
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Annotation file, when it lies elsewhere.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the images, when it lies elsewhere.")
    ] = None,
    backend: options.BackendOption = options.Backend.onnx,
    precision: options.PrecisionOption = options.Precision.fp32,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first photos.")] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave out images that are named but not there.")
    ] = False,
    jobs: Jobs = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip/--no-flip", help="Switch the flip test. Default: as published."),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its boxes in place of the annotated ones, for a pose model."),
    ] = None,
    box_threshold: Annotated[
        float | None,
        typer.Option("--box-threshold", min=0, max=1, help="Least score of its boxes. Default: 0.5."),
    ] = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    locked: options.Locked = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure accuracy as the published figure was measured, and say whether that holds."""
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.cli._counter import Counter
    from zoo.cli.render import results as portrait_of_results

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    with ExitStack() as downloads, Counter(output, before=downloads.close) as count:
        display = downloads.enter_context(output.display())
        found = api.validate(
            name,
            data=data,
            annotations=annotations,
            images=images,
            backend=backend.value,
            precision=precision.value,
            limit=limit,
            skip_missing=skip_missing,
            jobs=jobs,
            flip=flip,
            detector=detector,
            box_threshold=box_threshold,
            lite_version=lite_version,
            build=build,
            locked=locked,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
            on_images=count,
        )
    if json:
        output.document(found)
    else:
        output.text(portrait_of_results.format_validation(found))
    if not found.verdict.met:
        raise typer.Exit(1)


def compare(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="NAME, NAME@RELEASE, or an inference model on disk.")
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Images to compare on. Default: drawn figures."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=1,3,48,320", help="For a model on disk whose extents are open."),
    ] = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    locked: options.Locked = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare every format with the inference model, layer by layer, and say which differs first."""
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.catalogs.sources import registry_of
    from zoo.cli.render import results as portrait_of_results
    from zoo.conversion.convert import local_source
    from zoo.runner.media import find_images

    output = Output(as_json=json, quiet=quiet)
    chosen = settings(mirror=mirror, offline=offline, catalog=catalog)
    if (model := local_source(name, registry_of(chosen))) is not None:
        _refuse_idle("a model on disk", {"IMAGE": images, "--build": build is not None, "--locked": locked})
        with output.display() as display:
            reporter = Reporter(note=output.note, bar=display.bar)
            outside = api.compare_model(
                model, shapes=shape or (), lite_version=lite_version, settings=chosen, reporter=reporter
            )
        if json:
            output.document(outside)
        else:
            output.table(*portrait_of_results.format_parity(outside))
            for line in portrait_of_results.model_parity_words(outside):
                output.note(line)
        raise typer.Exit(0 if outside.passed else 1)
    _refuse_idle("an entry, whose inputs are known", {"--shape": shape})
    files = find_images(images or ())
    with output.display() as display:
        found = api.compare(
            name,
            images=files,
            lite_version=lite_version,
            build=build,
            locked=locked,
            settings=chosen,
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(found)
    else:
        output.table(*portrait_of_results.format_parity(found))
        for line in portrait_of_results.parity_words(found):
            output.note(line)
    if not found.passed:
        raise typer.Exit(1)


def _refuse_idle(about: str, given: Mapping[str, object]) -> None:
    idle = [flag for flag, value in given.items() if value]
    if idle:
        raise UsageError(
            "bad-combination", f"{idle[0]} says nothing about {about}", hint=f"leave out {idle[0]}"
        )


def bench(
    name: options.Name,
    backend: Annotated[
        options.Backend | None, typer.Option(help="One engine. Default: all, one after the other.")
    ] = None,
    precision: options.PrecisionOption = options.Precision.fp32,
    scope: Annotated[
        options.Scope, typer.Option(help="The network alone, or with pre- and post-processing.")
    ] = options.Scope.network,
    threads: Threads = 1,
    warm_up: Annotated[int, typer.Option("--warmup", min=0, help="Runs that are not counted.")] = 16,
    repeats: Annotated[int, typer.Option(min=1, help="Runs that are.")] = 100,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image to look at. Default: a drawn one.")
    ] = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    locked: options.Locked = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure latency on this machine, beside published figures of the same scope."""
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.cli.render import results as portrait_of_results
    from zoo.evaluation.latency import Plan

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    with output.display() as display:
        found = api.bench(
            name,
            backend=backend.value if backend else None,
            precision=precision.value,
            plan=Plan(scope=scope.value, warm_up=warm_up, repeats=repeats),
            threads=threads,
            image=image,
            lite_version=lite_version,
            build=build,
            locked=locked,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(found)
    else:
        output.table(*portrait_of_results.format_bench(found))
        output.lines(portrait_of_results.published_latencies(found))


def limit_opencv_threads() -> None:
    """Images side by side, each on one thread: OpenCV's own threads would only get in their way.

    Here and not in the Python API: a library must not switch this for the whole of a user's process.
    """
    try:
        import cv2  # heavy: only the commands that open images load it
    except ImportError as error:
        from registry.errors import MissingToolError

        raise MissingToolError(
            "opencv-missing",
            "OpenCV is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    cv2.setNumThreads(1)
