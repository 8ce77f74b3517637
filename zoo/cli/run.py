"""``zoo run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli._running import Jobs, limit_opencv_threads


@options.with_source_options
@options.with_model_options
def run(
    name: options.Model,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE", help="Images, folders, patterns or videos.")
    ],
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Detector that finds the persons for a pose model. Default: one person fills the image.",
        ),
    ] = None,
    backend: options.BackendOption = "onnx",
    precision: options.PrecisionOption = "fp32",
    weight_only: options.WeightOnlyOption = None,
    calibration: options.CalibrationOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write results.json and annotated images there.")
    ] = None,
    jobs: Jobs = None,
    *,
    model: dict[str, Any],
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Find people and their joints in images.

    Also draws them, with --out. The model is a detector or a pose model.
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
            weight_only=weight_only,
            calibration=calibration,
            detector=detector,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
            **model,
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
