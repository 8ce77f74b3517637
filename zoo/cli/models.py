"""Commands that run a model: run, validate, compare, bench."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.choices import Scope
from registry.errors import UsageError
from zoo._utils.choices import Backend, Exif
from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter

Threads = Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Threads of one run of the network.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, metavar="N", help="Images processed in parallel. Default: number of processors."
    ),
]
Warmup = Annotated[int, typer.Option("--warmup", min=0, metavar="N", help="Runs before the measurement.")]
Runs = Annotated[int, typer.Option("--runs", min=1, metavar="N", help="Measured runs.")]


@options.with_source_options
def run(
    name: options.Name,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE", help="Images, folders, patterns or videos.")
    ],
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Detector that finds the persons for a pose model. Default: one person fills the image.",
        ),
    ] = None,
    backend: options.BackendOption = "onnx",
    precision: options.PrecisionOption = "fp32",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write results.json and annotated images there.")
    ] = None,
    jobs: Jobs = None,
    *,
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Find people and their joints in images.

    Also draws them, with --out. NAME is a detector or a pose model of the catalog.
    """
    from zoo import api
    from zoo._utils.threads import default_jobs
    from zoo.artifacts.resolver import Reporter
    from zoo.cli._counter import Counter
    from zoo.cli.render.results import format_run
    from zoo.runner.batch import run_on_files
    from zoo.runner.media import find_images

    output = Output(as_json=json, quiet=quiet)
    files = find_images(images)
    limit_opencv_threads()
    with output.display() as display:
        runner = api.load(
            name,
            backend=backend,
            precision=precision,
            detector=detector,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            settings=source.settings,
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
        output.table(*format_run(found))
        output.lines(found.written)
    for sentence in found.notes:
        output.note(sentence)
    for failure in found.failures:
        output.note(": ".join(filter(None, (failure.error["message"], failure.error["found"]))))
    if found.failures:
        raise typer.Exit(found.failures[0].exit_code)


@options.with_source_options
def validate(
    name: options.Name,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Data in COCO's layout: val2017/ and annotations/.")
    ],
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Annotation file, if it is not in --data.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the images, if it is not in --data.")
    ] = None,
    backend: options.BackendOption = "onnx",
    precision: options.PrecisionOption = "fp32",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Use only the first images.")] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Skip images that are annotated but missing.")
    ] = False,
    exif: Annotated[
        Exif | None,
        typer.Option(help="EXIF orientation of the images. Default: as the annotated image sizes indicate."),
    ] = None,
    jobs: Jobs = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Flip test. Default: as published.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Detector that replaces the annotated boxes of a pose model."),
    ] = None,
    box_threshold: Annotated[
        float | None,
        typer.Option(
            "--box-threshold", min=0, max=1, metavar="SCORE", help="Lowest score of its boxes. Default: 0.5."
        ),
    ] = None,
    *,
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure accuracy against the published figure.

    Uses the protocol of the published figure. Exits with 1 if the figure is not met.
    """
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.cli._counter import Counter
    from zoo.cli.render.results import format_validation

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    with ExitStack() as downloads, Counter(output, before=downloads.close) as count:
        display = downloads.enter_context(output.display())
        found = api.validate(
            name,
            data=data,
            annotations=annotations,
            images=images,
            backend=backend,
            precision=precision,
            limit=limit,
            skip_missing=skip_missing,
            exif=exif,
            jobs=jobs,
            flip=flip,
            detector=detector,
            box_threshold=box_threshold,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
            on_images=count,
        )
    for sentence in found.notes:
        output.note(sentence)
    output.document(found) if json else output.text(format_validation(found))
    if not found.verdict.passed:
        raise typer.Exit(1)


@options.with_source_options
def compare(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="NAME, NAME@RELEASE, or path of an inference model; ./NAME if an entry has this name.",
            autocompletion=options.complete_name,
        ),
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Images to compare outputs on. Default: drawn figures."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=1,3,48,320", help="Input shape of a model file with an open shape."),
    ] = None,
    *,
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare a model's outputs across all formats.

    The reference is the inference model. Exits with 1 if a format differs, and names the first such layer.
    """
    from zoo.artifacts.resolver import Reporter
    from zoo.catalogs.sources import load_registry
    from zoo.conversion.source import local_source

    output = Output(as_json=json, quiet=quiet)
    model = local_source(name, load_registry(source.settings))
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        if model is not None:
            _reject_unused(
                "a model file",
                {"IMAGE": images, "--build": source.build is not None, "--locked": source.locked},
            )
            passed = _compare_file(model, shape or (), source, output, reporter)
        else:
            _reject_unused("an entry, whose input shape is known", {"--shape": shape})
            passed = _compare_entry(name, images or (), source, output, reporter)
    if not passed:
        raise typer.Exit(1)


def _compare_file(
    model: Path, shapes: list[str] | tuple[()], source: SourceOptions, output: Output, reporter: Reporter
) -> bool:
    from zoo import api
    from zoo.cli.render.results import format_parity, summarize_model_parity

    found = api.compare_model(
        model, shapes=shapes, lite_version=source.lite_version, settings=source.settings, reporter=reporter
    )
    if output.as_json:
        output.document(found)
    else:
        output.table(*format_parity(found))
        for line in summarize_model_parity(found):
            output.note(line)
    return found.passed


def _compare_entry(
    name: str, images: list[str] | tuple[()], source: SourceOptions, output: Output, reporter: Reporter
) -> bool:
    from zoo import api
    from zoo.cli.render.results import format_parity, summarize_parity
    from zoo.runner.media import find_images

    found = api.compare(
        name,
        images=find_images(images),
        lite_version=source.lite_version,
        build=source.build,
        locked=source.locked,
        settings=source.settings,
        reporter=reporter,
    )
    if output.as_json:
        output.document(found)
    else:
        output.table(*format_parity(found))
        for line in summarize_parity(found):
            output.note(line)
    return found.passed


def _reject_unused(subject: str, given: Mapping[str, object]) -> None:
    unused = [option for option, value in given.items() if value]
    if unused:
        raise UsageError(
            "option-not-applicable",
            f"{unused[0]} does not apply to {subject}",
            hint=f"leave out {unused[0]}",
        )


@options.with_source_options
def bench(
    name: options.Name,
    backend: Annotated[Backend | None, typer.Option(help="Engine. Default: all, in turn.")] = None,
    precision: options.PrecisionOption = "fp32",
    scope: Annotated[
        Scope, typer.Option(help="The network only, or with preprocessing and postprocessing.")
    ] = "network",
    threads: Threads = 1,
    warmup: Warmup = 16,
    runs: Runs = 100,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image to run on. Default: a drawn image.")
    ] = None,
    *,
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure latency on this machine.

    Prints the published latencies of the same scope for comparison.
    """
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.cli.render.results import format_bench, format_published_latencies
    from zoo.evaluation.latency import Plan

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    with output.display() as display:
        found = api.bench(
            name,
            backend=backend,
            precision=precision,
            plan=Plan(scope=scope, warmup=warmup, runs=runs),
            threads=threads,
            image=image,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(found)
    else:
        output.table(*format_bench(found))
        output.lines(format_published_latencies(found))


def limit_opencv_threads() -> None:
    """Limit OpenCV to one thread, because several images are processed in parallel.

    The commands do this, not the Python API: a library must not change this setting for the whole process.
    """
    try:
        import cv2  # heavy: loaded only by the commands that open images
    except ImportError as error:
        from registry.errors import MissingToolError

        raise MissingToolError(
            "opencv-missing",
            "OpenCV is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    cv2.setNumThreads(1)
