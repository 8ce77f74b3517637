"""``zoo bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from registry.choices import Scope
from zoo._utils.choices import Backend
from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli._running import Runs, Threads, Warmup, limit_opencv_threads


@options.with_source_options
@options.with_model_options
def bench(
    name: options.Model,
    backend: Annotated[Backend | None, typer.Option(help="Engine. Default: all, in turn.")] = None,
    precision: options.PrecisionOption = "fp32",
    weight_only: options.WeightOnlyOption = None,
    calibration: options.CalibrationOption = None,
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
    model: dict[str, Any],
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
            weight_only=weight_only,
            calibration=calibration,
            plan=Plan(scope=scope, warmup=warmup, runs=runs),
            threads=threads,
            image=image,
            lite_version=source.lite_version,
            build=source.build,
            locked=source.locked,
            settings=source.settings,
            reporter=Reporter(note=output.note, bar=display.bar),
            **model,
        )
    if json:
        output.document(found)
    else:
        output.table(*format_bench(found))
        output.lines(format_published_latencies(found))
