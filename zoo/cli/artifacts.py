"""Commands about artifacts: fetch, convert, inspect, verify, lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.errors import UsageError
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.settings import settings


def fetch(
    names: options.Names,
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
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Copy the artifacts into this folder.")
    ] = None,
    offline: options.Offline = False,
    locked: options.Locked = False,
    jobs: options.Jobs = 4,
    dry_run: options.DryRun = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Fetch artifacts, verified and proven, and print the path of each, one a line."""
    from zoo import api
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
    chosen = settings(mirror=mirror, offline=offline, catalog=catalog)
    if dry_run:
        planned = api.plan(names, request, settings=chosen)
        if json:
            output.document({"plans": planned})
        else:
            output.lines(line for one in planned for line in one.lines())
        return
    with output.display() as display:
        found = api.fetch_many(
            names,
            request,
            out=out,
            locked=locked,
            jobs=jobs,
            settings=chosen,
            reporter=Reporter(note=output.note, bar=display.bar),
        )
    if json:
        output.document({"artifacts": found})
    else:
        output.lines(item.path for item in found)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="Entry name, or local file or folder.", autocompletion=options.known_names
        ),
    ],
    to: Annotated[options.Form, typer.Option(help="What to make.")],
    out: Annotated[
        Path,
        typer.Option(metavar="PATH", help="File to write; a folder for inference models, OpenVINO and ncnn."),
    ],
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help="Entry whose architecture a bare weights file has.")
    ] = None,
    precision: Annotated[
        options.MadePrecision,
        typer.Option(help="Of Lite and ONNX files; how OpenVINO, ncnn, TFLite store weights."),
    ] = options.MadePrecision.fp32,
    target: Annotated[
        str, typer.Option(metavar="T", help="Processor of a Lite file: arm, x86, opencl, or opencl,arm.")
    ] = "arm",
    lite_version: options.LiteVersion = None,
    weight_only: Annotated[
        options.WeightOnly | None, typer.Option(help="Store the weights of a Lite or ONNX file in integers.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Images for --precision int8, as COCO is laid out or plainly in the folder."
        ),
    ] = None,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="Store pruned layers of a Lite file as sparse ones.")
    ] = False,
    opset: Annotated[int | None, typer.Option(help="ONNX operator set.")] = None,
    ir_version: Annotated[
        int | None, typer.Option(help="Version of the ONNX format, for runtimes that take none later.")
    ] = None,
    fp16_io: Annotated[
        bool, typer.Option("--fp16-io", help="Half inputs and outputs in a half-precision ONNX file.")
    ] = False,
    simplify: Annotated[
        bool, typer.Option("--simplify", help="Fold constants in an ONNX file, held to what it computed.")
    ] = False,
    program: Annotated[
        options.Program | None, typer.Option(help="Form of an inference model: legacy (for Lite) or pir.")
    ] = None,
    head: Annotated[
        options.Head | None, typer.Option(help="What a detector's graph hands out. Default: as published.")
    ] = None,
    argmax: Annotated[
        bool | None, typer.Option("--argmax/--no-argmax", help="Whether heat maps come with their maxima.")
    ] = None,
    normalization: Annotated[
        options.Normalization | None, typer.Option(help="On the host (default) or in the graph.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=0, help="Images per run; 0 leaves it open.")] = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    dry_run: options.DryRun = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Convert an entry, or a file of your own, and prove what came out."""
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.conversion.options import ConvertOptions

    output = Output(as_json=json, quiet=quiet)
    chosen = settings(mirror=mirror, offline=offline, catalog=catalog)
    request = ConvertOptions(
        to=to.value,
        architecture=architecture,
        precision=precision.value,
        target=target,
        lite_version=lite_version,
        weight_only=weight_only.value if weight_only else None,
        calibration=calibration,
        sparse=sparse,
        opset=opset,
        ir_version=ir_version,
        fp16_io=fp16_io,
        simplify=simplify,
        program=program.value if program else None,
        head=head.value if head else None,
        argmax=argmax,
        normalization=normalization.value if normalization else None,
        batch=batch,
    )
    if dry_run:
        planned = api.plan_conversion(source, request, settings=chosen)
        if json:
            output.document(planned)
        else:
            output.lines(planned.lines())
        return
    with output.display() as display:
        made = api.convert_source(
            source, request, out=out, settings=chosen, reporter=Reporter(note=output.note, bar=display.bar)
        )
    if json:
        output.document(made)
    else:
        output.lines([made.path])
    if made.single_operators:
        kept = ", ".join(f"{count} {name}" for name, count in made.single_operators.items())
        output.note(f"computed in fp32 inside this fp16 file: {kept}")
    if made.left_out:
        output.note(made.left_out)


def inspect(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="File, folder or archive; two are compared.")
    ],
    form: Annotated[
        options.LookFormat, typer.Option("--format", help="In words, or the network drawn.")
    ] = options.LookFormat.text,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the drawing there and print its path.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Say what an artifact is, from its bytes; draw it; or say in what two differ (then exit code 1)."""
    from zoo import api
    from zoo.artifacts import describe as facts_of_file

    drawing = form.value if form in (options.LookFormat.svg, options.LookFormat.html) else None
    output = Output(as_json=json or form is options.LookFormat.json)
    _one_way_to_look(paths, drawing, out, as_json=output.as_json)
    if len(paths) == 2:
        found = api.compare_artifacts(*paths)
        output.document(found) if output.as_json else output.text(facts_of_file.format_comparison(found))
        raise typer.Exit(0 if found.same else 1)
    if drawing is not None:
        from converters.fs.atomic import publish_bytes

        document = api.draw(paths[0], drawing)
        if out is None:
            output.text(document)
        else:
            output.lines([publish_bytes(document.encode(), out)])
        return
    inspected = api.inspect(paths[0])
    output.document(inspected) if output.as_json else output.text(facts_of_file.format_inspection(inspected))


def _one_way_to_look(paths: list[Path], drawing: str | None, out: Path | None, *, as_json: bool) -> None:
    wrong = None
    if len(paths) > 2:
        wrong = f"one artifact is looked into or two are compared, not {len(paths)}"
    elif len(paths) == 2 and drawing:
        wrong = "a comparison is words: only one artifact can be drawn"
    elif drawing and as_json:
        wrong = f"--json and --format {drawing} exclude each other"
    elif out is not None and not drawing:
        wrong = "--out is for drawings"
    if wrong:
        raise UsageError("bad-combination", wrong, hint="zoo inspect PATH --format html --out graph.html")


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Default: the whole store.")
    ] = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Hash the store again and compare it with what was seen first."""
    from zoo import api

    output = Output(as_json=json, quiet=quiet)
    report = api.verify(names or (), settings=settings(catalog=catalog))
    if json:
        output.document(report)
    else:
        output.lines(
            f"changed  {item.path}: expected {item.expected}, found {item.found}"
            for item in report.mismatches
        )
        output.lines(f"missing  {path}" for path in report.missing)
        output.lines(f"extra    {path}" for path in report.extra)
        output.note(f"{report.checked} files checked, {report.ok} as they should be")
    if not report.clean:
        raise typer.Exit(1)


def lock(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Default: everything this machine has seen."),
    ] = None,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Fetch the named entries anew and take their digests as they are now."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare zoo.lock with what was seen; change nothing.")
    ] = False,
    mirror: options.Mirror = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write the digests that were seen into zoo.lock, for a team to commit."""
    from zoo import api
    from zoo.artifacts.resolver import Reporter

    output = Output(as_json=json, quiet=quiet)
    chosen = settings(mirror=mirror, catalog=catalog)
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        found = api.lock(names or (), accept=accept, check=check, settings=chosen, reporter=reporter)
    if json:
        output.document(found)
    else:
        output.lines(f"{change.kind:<8} {change.url}" for change in found.changes)
        output.note(f"{found.path}: {found.artifacts} artifacts")
    if check and found.changes:
        raise typer.Exit(1)
