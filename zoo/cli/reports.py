"""The command that writes a page: report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli.models import Jobs, limit_opencv_threads
from zoo.settings import settings


def report(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="NAME or NAME@RELEASE.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Measure accuracy on it; laid out as COCO is."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--image", metavar="IMAGE", help="Image, folder or pattern to compare and draw on; repeatable."
        ),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="Finds the persons in --image for pose models.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the page.")] = Path(
        "zoo-report.html"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first images of --data.")
    ] = None,
    warm_up: Annotated[int, typer.Option("--warmup", min=0, help="Runs that are not counted.")] = 16,
    repeats: Annotated[int, typer.Option(min=1, help="Runs that are.")] = 100,
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
    """Write one page about models: accuracy, latency, size, parity and provenance of every format."""
    from converters.fs.atomic import publish_bytes
    from zoo.api import reports
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.reports.report.page import page_of, require_templates
    from zoo.runner.media import find_images

    output = Output(as_json=json, quiet=quiet)
    limit_opencv_threads()
    require_templates()
    with output.display() as display:
        found = reports.report(
            names,
            data=data,
            images=find_images(images or ()),
            detector=detector,
            limit=limit,
            plan=Plan(warm_up=warm_up, repeats=repeats),
            jobs=jobs,
            lite_version=lite_version,
            build=build,
            locked=locked,
            command=_typed(
                names, {"--data": data, "--detector": detector, "--limit": limit}, images or (), build
            ),
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    publish_bytes(page_of(found).encode(), out)
    if json:
        output.document(found)
    else:
        output.lines([out])
    if not found.passed:
        raise typer.Exit(1)


def _typed(
    names: Sequence[str], values: Mapping[str, object], images: Sequence[str], build: bool | None
) -> str:
    """The command again, as far as it shapes the page: a mirror's address may hold a password."""
    words = ["zoo", "report", *names]
    for flag, value in values.items():
        words += [flag, str(value)] if value is not None else []
    for image in images:
        words += ["--image", image]
    if build is not None:
        words.append("--build" if build else "--no-build")
    return shlex.join(words)
