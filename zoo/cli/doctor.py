"""Commands about this machine: doctor, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output


def doctor(
    net: Annotated[
        bool,
        typer.Option(
            "--check-network", help="Ask the mirrors and hosts that files come from, and time them."
        ),
    ] = False,
    json: options.Json = False,
) -> None:
    """Say which conversions work here, with what, and what to type to get the others."""
    from zoo import api
    from zoo.cli.render import machine as portrait_of_machine

    output = Output(as_json=json)
    found = api.diagnose(net=net)
    if json:
        output.document(found)
    else:
        output.text(portrait_of_machine.format_diagnosis(found))


def demo(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the annotated picture.")] = Path(
        "zoo-demo.jpg"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure accuracy on the first images only.")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Do the whole job on built-in sample data: fetch, verify, convert, prove, compare, measure."""
    from zoo import api
    from zoo._utils.threads import default_jobs
    from zoo.artifacts.resolver import Reporter
    from zoo.cli.render import machine as portrait_of_machine

    output = Output(as_json=json, quiet=quiet)
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        found = api.demo(out=out, limit=limit, jobs=default_jobs(), reporter=reporter)
    if json:
        output.document(found)
    else:
        output.table(*portrait_of_machine.format_demo(found))
        for line in portrait_of_machine.demo_words(found):
            output.note(line)
        output.lines([found.annotated] if found.annotated else [])
    if not found.passed:
        raise typer.Exit(1)
