"""Commands that move artifacts to other machines: mirror, bundle create, bundle import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli import _options as options
from zoo.cli._groups import Group
from zoo.cli._output import Output
from zoo.settings import settings


def mirror(
    target: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="A folder, file://… or s3://bucket/prefix.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Default: the whole catalog.", autocompletion=options.complete_name
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="TASK", help="keypoint_detection or object_detection.")
    ] = None,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="tinypose or picodet.")] = None,
    weights: options.Weights = False,
    config: options.Config = False,
    inference: Annotated[bool, typer.Option("--inference", help="Inference model.")] = False,
    lite: options.LiteOption = None,
    onnx: options.OnnxOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All published artifacts (default).")] = False,
    lite_target: options.TargetOption = None,
    jobs: options.Jobs = 4,
    dry_run: options.DryRun = False,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Copy published files to a folder or a bucket.

    Any static file server can serve the copy; other machines use it with --mirror.
    """
    from zoo._utils.units import format_size
    from zoo.api import transfer
    from zoo.artifacts.resolver import Reporter
    from zoo.artifacts.spec import FetchOptions

    output = Output(as_json=json, quiet=quiet)
    request = FetchOptions(
        weights=weights,
        config=config,
        inference=inference,
        lite=lite,
        onnx=onnx,
        target=lite_target,
        everything=everything,
    )
    with output.display() as display:
        report = transfer.mirror(
            target,
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
        sizes = [item.size for item in report.items if item.size is not None]
        output.note(f"{report.mirror}: {len(sizes)} of {len(report.items)} files, {format_size(sum(sizes))}")
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def create_bundle(
    names: options.Names,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The bundle to write.")],
    weights: options.Weights = False,
    config: options.Config = False,
    inference: Annotated[bool, typer.Option("--inference", help="Inference model (default).")] = False,
    lite: options.LiteOption = None,
    onnx: options.OnnxOption = None,
    everything: options.Everything = False,
    target: options.TargetOption = None,
    lite_version: options.LiteVersion = None,
    build: options.Build = None,
    jobs: options.Jobs = 4,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write artifacts and conversions to one file."""
    from zoo._utils.units import format_size
    from zoo.api import transfer
    from zoo.artifacts.resolver import Reporter
    from zoo.artifacts.spec import FetchOptions

    output = Output(as_json=json, quiet=quiet)
    request = FetchOptions(
        weights=weights,
        config=config,
        inference=inference,
        lite=lite,
        onnx=onnx,
        everything=everything,
        target=target,
        lite_version=lite_version,
        build=build,
    )
    with output.display() as display:
        bundle = transfer.bundle(
            names,
            request,
            out=out,
            jobs=jobs,
            settings=settings(mirror=mirror, offline=offline, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(bundle)
    else:
        output.lines([bundle.path])
        files, conversions = len(bundle.manifest.published), len(bundle.manifest.built)
        output.note(f"{files} published files, {conversions} conversions, {format_size(bundle.size)}")
        output.note(f"on the other machine: zoo bundle import {bundle.path.name} --sha256 {bundle.sha256}")


def import_bundle(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle from zoo bundle create.")],
    sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="Refuse a bundle with any other digest.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Verify the signature with this public key.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Verify the signature of this trusted identity.")
    ] = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Add the artifacts of a bundle to the cache.

    Prints the path of each artifact. If one artifact is refused, none is added. Without a digest or a
    signature, conversions are run again here and must give the same bytes.
    """
    from zoo.api import transfer
    from zoo.artifacts.resolver import Reporter

    output = Output(as_json=json, quiet=quiet)
    imported = transfer.import_bundle(
        path,
        sha256=sha256,
        key=key,
        identity=identity,
        settings=settings(catalog=catalog),
        reporter=Reporter(note=output.note),
    )
    if json:
        output.document({"artifacts": imported})
    else:
        output.lines(item.path for item in imported)
        output.note(f"{sum(item.new for item in imported)} of {len(imported)} artifacts are new")


class _BundleGroup(Group):
    """``zoo bundle NAME…`` creates a bundle: a word that is no command is the name of an entry."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = not args or args[0] in self.list_commands(ctx) or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else ["create", *args])


bundle_app = options.group("Move artifacts to a machine without a network.", cls=_BundleGroup)
options.add(bundle_app, "create", create_bundle)
options.add(bundle_app, "import", import_bundle)
