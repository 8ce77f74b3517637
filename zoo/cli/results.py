"""Commands about kept measurements: results ls, show, diff, export, prune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.api.results import ResultList

results_app = options.group("List, compare and export kept measurements.")

_Entry = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="Only this entry: NAME or NAME@RELEASE.", autocompletion=options.complete_name
    ),
]
_Kind = Annotated[
    Literal["validate", "compare", "bench"] | None,
    typer.Option("--kind", help="Only measurements of this command."),
]
_Format = Annotated[
    str | None, typer.Option("--format", metavar="FORMAT", help="Only this format, such as onnx-fp32.")
]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a measurement, or the beginning of it.")]


def ls(
    name: _Entry = None,
    kind: _Kind = None,
    format: _Format = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """List kept measurements, oldest first."""
    from zoo.api import results
    from zoo.cli.render.measurements import format_list

    output = Output(as_json=json, quiet=quiet)
    found = results.list_results(name, kind=kind, format=format)
    if json:
        output.document(found)
        return
    if found.measurements:
        output.table(*format_list(found.measurements))
    output.note(f"{len(found.measurements)} measurements")
    _note_damage(output, found)


def show(id: _Id, quiet: options.Quiet = False, json: options.Json = False) -> None:
    """Show conditions and figures of a measurement."""
    from zoo.api import results
    from zoo.cli.render.measurements import format_measurement

    output = Output(as_json=json, quiet=quiet)
    found = results.show_result(id)
    output.document(found) if json else output.lines(format_measurement(found))


def diff(before: _Id, after: _Id, quiet: options.Quiet = False, json: options.Json = False) -> None:
    """Compare two measurements.

    Prints the conditions that differ, and all figures. Exits with 1 if a figure differs.
    """
    from zoo.api import results
    from zoo.cli.render.measurements import format_diff

    output = Output(as_json=json, quiet=quiet)
    found = results.diff_results(before, after)
    output.document(found) if json else output.lines(format_diff(found))
    if not found.same:
        raise typer.Exit(1)


def export(
    name: _Entry = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output file: .csv, .parquet or .jsonl.")] = Path(
        "zoo-results.csv"
    ),
    kind: _Kind = None,
    format: _Format = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write measurements to a table file.

    The suffix decides: .csv and .parquet have a row for each figure, .jsonl has the
    complete results.
    """
    from zoo.api import results

    output = Output(as_json=json, quiet=quiet)
    found = results.export_results(out, name, kind=kind, format=format)
    if json:
        output.document({"out": out, "measurements": len(found.measurements)})
    else:
        output.lines([out])
    output.note(f"{len(found.measurements)} measurements")
    _note_damage(output, found)


def prune(
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="Remove measurements older than this, such as 90d.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Keep only the newest N with equal conditions."),
    ] = None,
    damaged: Annotated[bool, typer.Option("--damaged", help="Remove files that cannot be read.")] = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Remove old, repeated or damaged measurements.

    zoo cache prune does not remove measurements.
    """
    from zoo._utils.units import parse_duration
    from zoo.api import results
    from zoo.cli.render.measurements import describe
    from zoo.measurements.prune import ResultsPolicy

    output = Output(as_json=json, quiet=quiet)
    policy = ResultsPolicy(
        older_than=parse_duration(older_than) if older_than is not None else None, keep=keep, damaged=damaged
    )
    found = results.prune_results(policy, dry_run=dry_run)
    if json:
        output.document(found)
        return
    verb = "would remove" if dry_run else "removed"
    output.lines(f"{verb}  {describe(each)}" for each in found.removed)
    output.lines(f"{verb}  {path}" for path in found.files)
    output.note(f"{found.remaining} measurements remain")


def _note_damage(output: Output, found: ResultList) -> None:
    for path in found.damaged:
        output.note(f"{path} cannot be read: zoo results prune --damaged removes it")


options.add(results_app, "ls", ls)
options.add(results_app, "show", show)
options.add(results_app, "diff", diff)
options.add(results_app, "export", export)
options.add(results_app, "prune", prune)
