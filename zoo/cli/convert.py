"""The command convert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from converters.choices import Program, TargetFormat
from registry.choices import Head, Normalization, Precision
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.settings import settings

if TYPE_CHECKING:
    from zoo.conversion.convert import Conversion


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="Name of an entry, or a file or folder; ./NAME if an entry has the same name.",
            autocompletion=options.complete_name,
        ),
    ],
    to: Annotated[TargetFormat, typer.Option(help="Format of the result.")],
    out: Annotated[
        Path,
        typer.Option(metavar="PATH", help="Output file; a folder for inference models, OpenVINO and ncnn."),
    ],
    architecture: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Entry whose architecture a weights file has."),
    ] = None,
    precision: Annotated[
        Precision,
        typer.Option(help="Precision of Lite and ONNX files, or of the weights in other formats."),
    ] = "fp32",
    target: Annotated[
        str, typer.Option(metavar="T", help="Processor of a Lite file: arm, x86, opencl, or opencl,arm.")
    ] = "arm",
    lite_version: options.LiteVersion = None,
    weight_only: options.WeightOnlyOption = None,
    calibration: options.CalibrationOption = None,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="Store pruned layers of a Lite file as sparse layers.")
    ] = False,
    opset: Annotated[int | None, typer.Option(metavar="N", help="ONNX operator set.")] = None,
    ir_version: Annotated[
        int | None, typer.Option(metavar="N", help="Version of the ONNX format, for older runtimes.")
    ] = None,
    fp16_io: Annotated[
        bool,
        typer.Option(
            "--fp16-io/--keep-io-types",
            help="Type of the inputs and outputs of an fp16 ONNX file. Default: kept as they are.",
            show_default=False,
        ),
    ] = False,
    simplify: Annotated[
        bool,
        typer.Option("--simplify", help="Fold constants in an ONNX file, and compare the outputs."),
    ] = False,
    program: Annotated[
        Program | None, typer.Option(help="Program format of an inference model. Default: legacy.")
    ] = None,
    head: Annotated[
        Head | None, typer.Option(help="Outputs of a detector's graph. Default: as published.")
    ] = None,
    argmax: Annotated[
        bool | None,
        typer.Option("--argmax/--no-argmax", help="Whether a pose model outputs heat map maxima."),
    ] = None,
    normalization: Annotated[
        Normalization | None,
        typer.Option(help="Where pixel values are normalized. Default: host."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=0, metavar="N", help="Batch size; 0: open.")] = None,
    mirror: options.Mirror = None,
    offline: options.Offline = False,
    dry_run: options.DryRun = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Convert an entry or a file to another format.

    The result is inspected before it is written: it has the requested format, precision and target. SRC is
    the name of an entry, or a path. If an entry and a file in the current folder have the same name, type
    ./NAME for the file.
    """
    from zoo import api
    from zoo.artifacts.resolver import Reporter
    from zoo.conversion.options import ConvertOptions

    output = Output(as_json=json, quiet=quiet)
    chosen = settings(mirror=mirror, offline=offline, catalog=catalog)
    request = ConvertOptions(
        to=to,
        architecture=architecture,
        precision=precision,
        target=target,
        lite_version=lite_version,
        weight_only=weight_only,
        calibration=calibration,
        sparse=sparse,
        opset=opset,
        ir_version=ir_version,
        fp16_io=fp16_io,
        simplify=simplify,
        program=program,
        head=head,
        argmax=argmax,
        normalization=normalization,
        batch=batch,
    )
    if dry_run:
        plan = api.plan_conversion(source, request, settings=chosen)
        output.document(plan) if json else output.lines(plan.lines())
        return
    with output.display() as display:
        conversion = api.convert_source(
            source, request, out=out, settings=chosen, reporter=Reporter(note=output.note, bar=display.bar)
        )
    output.document(conversion) if json else output.lines([conversion.path])
    _write_notes(conversion, output)


def _write_notes(conversion: Conversion, output: Output) -> None:
    if conversion.fp32_operators:
        counts = ", ".join(f"{count} {name}" for name, count in conversion.fp32_operators.items())
        output.note(f"these operators of the fp16 file compute in fp32: {counts}")
    if conversion.omitted:
        output.note(conversion.omitted)
