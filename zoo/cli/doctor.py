"""Commands about this machine: doctor, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output


def doctor(
    check_network: Annotated[
        bool,
        typer.Option("--check-network", help="Request a file from each mirror and host, and time it."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Show what works here, and how to get the rest.

    Lists packages, engines, conversions and versions of Paddle-Lite. Prints the command that installs what is
    missing.
    """
    from zoo import api
    from zoo.cli.render.machine import format_diagnosis

    output = Output(as_json=json)
    found = api.diagnose(check_network=check_network)
    output.document(found) if json else output.text(format_diagnosis(found))


def demo(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file for the annotated image.")] = Path(
        "zoo-demo.jpg"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure accuracy on the first images only.")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Run the whole workflow on built-in sample data.

    Fetches, verifies, converts, compares and measures the shipped sample model. Needs no network.
    """
    from zoo import api
    from zoo._utils.threads import default_jobs
    from zoo.artifacts.resolver import Reporter
    from zoo.cli.render.machine import format_demo, summarize_demo

    output = Output(as_json=json, quiet=quiet)
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        found = api.demo(out=out, limit=limit, jobs=default_jobs(), reporter=reporter)
    if json:
        output.document(found)
    else:
        output.table(*format_demo(found))
        for line in summarize_demo(found):
            output.note(line)
        output.lines([found.annotated] if found.annotated else [])
    if not found.passed:
        raise typer.Exit(1)
