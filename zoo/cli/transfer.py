"""Commands that carry artifacts to other machines: mirror, bundle, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo._utils.units import format_size
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.settings import settings


def mirror(
    place: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="A folder, file://… or s3://bucket/prefix.")
    ],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Default: the whole catalog.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="keypoint_detection or object_detection.")] = None,
    family: Annotated[str | None, typer.Option(help="tinypose or picodet.")] = None,
    weights: options.Weights = False,
    config: options.Config = False,
    inference: Annotated[bool, typer.Option("--inference", help="The inference model.")] = False,
    lite: options.LiteOption = None,
    onnx: options.OnnxOption = None,
    target: options.TargetOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything that was published (default).")
    ] = False,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    jobs: options.Jobs = 4,
    dry_run: options.DryRun = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Copy published files to a folder or bucket that any static server can serve to --mirror."""
    from zoo.api import transfer as carrying
    from zoo.artifacts.resolver import Reporter
    from zoo.artifacts.spec import FetchOptions

    output = Output(as_json=json, quiet=quiet)
    request = FetchOptions(
        weights=weights,
        config=config,
        inference=inference,
        lite=lite.value if lite else None,
        onnx=onnx.value if onnx else None,
        target=target.value if target else None,
        everything=everything,
    )
    with output.display() as display:
        report = carrying.mirror(
            place,
            names or (),
            request,
            task=task,
            family=family,
            jobs=jobs,
            dry_run=dry_run,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(report)
    else:
        output.lines(f"{item.state:<8} {item.path}" for item in report.items)
        there = [item.size for item in report.items if item.size is not None]
        output.note(f"{report.mirror}: {len(there)} of {len(report.items)} files, {format_size(sum(there))}")
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def bundle(
    names: options.Names,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The bundle to write.")],
    weights: options.Weights = False,
    config: options.Config = False,
    inference: Annotated[
        bool, typer.Option("--inference", help="The inference model (the default).")
    ] = False,
    lite: options.LiteOption = None,
    onnx: options.OnnxOption = None,
    everything: options.Everything = False,
    target: options.TargetOption = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    jobs: options.Jobs = 4,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write artifacts, converted ones too, into one file for a machine without a network."""
    from zoo.api import transfer as carrying
    from zoo.artifacts.resolver import Reporter
    from zoo.artifacts.spec import FetchOptions

    output = Output(as_json=json, quiet=quiet)
    request = FetchOptions(
        weights=weights,
        config=config,
        inference=inference,
        lite=lite.value if lite else None,
        onnx=onnx.value if onnx else None,
        everything=everything,
        target=target.value if target else None,
        lite_version=lite_version,
        build=build,
    )
    with output.display() as display:
        made = carrying.bundle(
            names,
            request,
            out=out,
            jobs=jobs,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(made)
    else:
        output.lines([made.path])
        files, conversions = len(made.contents.published), len(made.contents.built)
        output.note(f"{files} published files, {conversions} conversions, {format_size(made.size)}")
        output.note(f"over there: zoo import {made.path.name} --sha256 {made.sha256}")


def import_bundle(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle that zoo bundle wrote.")],
    sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="Refuse any bundle but the one with this digest.")
    ] = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Take the artifacts of a bundle into the store, all or none, and print their paths."""
    from zoo.api import transfer as carrying
    from zoo.artifacts.resolver import Reporter

    output = Output(as_json=json, quiet=quiet)
    found = carrying.import_bundle(
        path, sha256=sha256, settings=settings(catalog=catalog), reporter=Reporter(note=output.note)
    )
    if json:
        output.document({"artifacts": found})
    else:
        output.lines(item.path for item in found)
        output.note(f"{sum(item.new for item in found)} of {len(found)} artifacts are new here")
