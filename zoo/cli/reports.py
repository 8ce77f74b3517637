"""Commands that write pages: report, site."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli._running import Jobs, Runs, Warmup, limit_opencv_threads


@options.with_source_options
@options.with_model_options
def report(
    names: options.Models,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Images and annotations in COCO's layout, to measure accuracy."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="Image, folder or pattern to compare outputs on and to annotate. Repeatable.",
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Detector that finds the persons in --image for pose models."),
    ] = None,
    calibration: options.CalibrationOption = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file.")] = Path("zoo-report.html"),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Use only the first images of --data.")
    ] = None,
    warmup: Warmup = 16,
    runs: Runs = 100,
    jobs: Jobs = None,
    *,
    model: dict[str, Any],
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write an HTML report about one or more models.

    The page has accuracy, latency, size, differences between formats, and provenance.
    """
    from converters.fs.atomic import publish_bytes
    from zoo.api import reports
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.reports.report.page import render_page, require_templates
    from zoo.runner.media import find_images

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    require_templates()
    flags: dict[str, object] = {
        "--data": data,
        "--detector": detector,
        "--calibration": calibration,
        "--limit": limit,
        **{f"--{name.replace('_', '-')}": value for name, value in model.items()},
    }
    with output.display() as display:
        found = reports.report(
            names,
            data=data,
            images=find_images(images or ()),
            detector=detector,
            calibration=calibration,
            limit=limit,
            plan=Plan(warmup=warmup, runs=runs),
            jobs=jobs,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            command=_repeat_command(names, flags, images or (), source.build),
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
            **model,
        )
    publish_bytes(render_page(found).encode(), out)
    output.document(found) if json else output.lines([out])
    if not found.passed:
        raise typer.Exit(1)


def _repeat_command(
    names: Sequence[str], flags: Mapping[str, object], images: Sequence[str], build: bool | None
) -> str:
    """The command that makes this page again, without a mirror, whose URL may contain a password."""
    words = ["zoo", "report", *names]
    for flag, value in flags.items():
        words += [flag, str(value)] if value is not None else []
    for image in images:
        words += ["--image", image]
    if build is not None:
        words.append("--build" if build else "--no-build")
    return shlex.join(words)


def site(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder.")],
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write the catalog as a static web site.

    The pages work without a server and without a network.
    """
    from importlib.metadata import version

    from zoo.catalogs.sources import load_registry
    from zoo.reports.site import site_of, write
    from zoo.settings import settings

    output = Output(as_json=json, quiet=quiet)
    entries = load_registry(settings(catalog=catalog))
    written = write(site_of(entries, version=version("paddle-zoo")), out)
    if json:
        output.document(written)
    else:
        output.lines([out / "index.html"])
        output.note(f"{written.files} files")
