"""Commands about this machine: doctor, demo."""

from __future__ import annotations

import typer

from zoo.cli import options
from zoo.output import Output


def doctor(json: options.Json = False) -> None:
    """Say which conversions work here, with what, and what to type to get the others."""
    from zoo import api
    from zoo.cli import portrait_of_machine

    output = Output(as_json=json)
    found = api.diagnose()
    if json:
        output.document(found)
    else:
        output.text(portrait_of_machine.of_diagnosis(found))


def demo(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """Do the whole job on built-in sample data: fetch, verify, convert, prove, compare."""
    from zoo import api
    from zoo.cli import portrait_of_machine
    from zoo.obtain import Reporter

    output = Output(as_json=json, quiet=quiet)
    with output.display() as display:
        found = api.demo(reporter=Reporter(note=output.note, bar=display.bar))
    if json:
        output.document(found)
    else:
        output.table(*portrait_of_machine.of_demo(found))
        output.note(portrait_of_machine.verdict(found))
    if not found.passed:
        raise typer.Exit(1)
