"""Commands about the artifacts of entries: fetch, verify, lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.choices import Precision
from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli.sign import Identity, Key, verify_signatures
from zoo.settings import settings


@options.with_source_options
def fetch(
    names: options.Names,
    weights: options.Weights = False,
    config: options.Config = False,
    inference: Annotated[bool, typer.Option("--inference", help="Inference model (default).")] = False,
    lite: options.LiteOption = None,
    onnx: options.OnnxOption = None,
    format: options.FormatOption = None,
    precision: Annotated[
        Precision | None, typer.Option("--precision", help="Precision of --format. Default: fp32.")
    ] = None,
    weight_only: options.WeightOnlyOption = None,
    calibration: options.CalibrationOption = None,
    everything: options.Everything = False,
    target: options.TargetOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Copy the artifacts into this folder.")
    ] = None,
    jobs: options.Jobs = 4,
    dry_run: options.DryRun = False,
    *,
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Download or build artifacts, and verify them.

    Prints the path of each artifact, one a line. Without an option for a kind, this is the inference model.
    --format, --precision, --weight-only and --calibration mean what they mean for zoo convert; --lite fp16
    is short for --format lite --precision fp16, and --onnx fp16 for --format onnx --precision fp16.
    """
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.artifacts.spec import FetchOptions

    output = Output(as_json=json, quiet=quiet)
    request = FetchOptions(
        weights=weights,
        config=config,
        inference=inference,
        lite=lite,
        onnx=onnx,
        format=format,
        precision=precision,
        weight_only=weight_only,
        everything=everything,
        target=target,
        lite_version=source.lite_version,
        build=source.build,
    )
    if dry_run:
        plans = api.plan(names, request, settings=source.settings)
        if json:
            output.document({"plans": plans})
        else:
            output.lines(line for plan in plans for line in plan.lines())
        return
    with output.display() as display:
        fetched = api.fetch_many(
            names,
            request,
            calibration=calibration,
            out=out,
            locked=source.locked,
            jobs=jobs,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document({"artifacts": fetched})
    else:
        output.lines(item.path for item in fetched)


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Default: the whole cache.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Replace damaged files, and verify again.")
    ] = False,
    key: Key = None,
    identity: Identity = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare cached files with their recorded digests.

    Exits with 1 if a file is changed, missing or unknown. With --repair, damaged files are moved to the
    quarantine and fetched again. With --key or --identity, verifies the signatures of files by path.
    """
    if key is not None or identity is not None:
        verify_signatures(names or (), key=key, identity=identity, quiet=quiet, json=json)
        return
    from zoo import api
    from zoo.artifacts.resolver import Reporter

    output = Output(as_json=json, quiet=quiet)
    chosen = settings(mirror=mirror, offline=offline, catalog=catalog)
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        report = api.verify(names or (), repair=repair, settings=chosen, reporter=reporter)
    if json:
        output.document(report)
    else:
        output.lines(
            f"changed  {item.path}: expected {item.expected}, found {item.found}"
            for item in report.mismatches
        )
        output.lines(f"missing  {path}" for path in report.missing)
        output.lines(f"extra    {path}" for path in report.extra)
        output.note(f"{report.checked} files checked, {report.ok} correct")
        if not report.clean and not repair:
            output.note(f"try: {' '.join(['zoo verify --repair', *(names or ())])}")
    if not report.clean:
        raise typer.Exit(1)


def lock(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Default: every artifact that this machine has fetched."),
    ] = None,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Fetch the named entries again and record their present digests."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare zoo.lock with the recorded digests; write nothing.")
    ] = False,
    mirror: options.Mirror = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Record digests in zoo.lock for a team to commit.

    With --check, exits with 1 if zoo.lock differs.
    """
    from zoo import api
    from zoo.artifacts.resolver import Reporter

    output = Output(as_json=json, quiet=quiet)
    with output.display() as display:
        report = api.lock(
            names or (),
            accept=accept,
            check=check,
            settings=settings(mirror=mirror, catalog=catalog),
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document(report)
    else:
        output.lines(f"{change.kind:<8} {change.url}" for change in report.changes)
        output.note(f"{report.path}: {report.artifacts} artifacts")
    if check and report.changes:
        raise typer.Exit(1)
