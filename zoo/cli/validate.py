"""``zoo validate``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo._utils.choices import Exif
from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli._running import Fresh, Jobs, limit_opencv_threads


@options.with_source_options
@options.with_model_options
def validate(
    name: options.Model,
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
    weight_only: options.WeightOnlyOption = None,
    calibration: options.CalibrationOption = None,
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
        typer.Option(metavar="NAME|PATH", help="Detector that replaces the annotated boxes of a pose model."),
    ] = None,
    box_threshold: Annotated[
        float | None,
        typer.Option(
            "--box-threshold", min=0, max=1, metavar="SCORE", help="Lowest score of its boxes. Default: 0.5."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Judge the difference from a format (onnx-fp32), NAME or FILE."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Difference of AP that does not matter. Default: 0.5."),
    ] = None,
    fresh: Fresh = False,
    *,
    model: dict[str, Any],
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure accuracy against the published figure.

    Uses the protocol of the published figure. Exits with 1 if the figure is not met; with --against, if
    the model is worse than the reference.
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
            weight_only=weight_only,
            calibration=calibration,
            limit=limit,
            skip_missing=skip_missing,
            exif=exif,
            jobs=jobs,
            flip=flip,
            detector=detector,
            box_threshold=box_threshold,
            against=against,
            margin=margin,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            fresh=fresh,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
            **model,
            on_images=count,
        )
    for sentence in found.notes:
        output.note(sentence)
    output.document(found) if json else output.text(format_validation(found))
    if not found.passed:
        raise typer.Exit(1)
