"""Commands that read files: inspect, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from registry.errors import NotFoundError, UsageError
from zoo.cli import _options as options
from zoo.cli._output import Output

InspectFormat = Literal["text", "json", "svg", "html"]
DrawingFormat = Literal["svg", "html"]
_PATH_HELP = "File, folder or archive; ./NAME if an entry has the same name."
# Text, not Path: a Path drops the "./" that distinguishes a file from an entry.
FilePath = Annotated[str, typer.Argument(metavar="PATH", help=_PATH_HELP)]


def inspect(
    path: FilePath,
    format: Annotated[
        InspectFormat, typer.Option(help="Facts as text or JSON, or a drawing of the network.")
    ] = "text",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the drawing to this file and print its path.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show what a file is, or draw its network.

    The answer comes from the content: the name of the file is not used.
    """
    from zoo import api
    from zoo.artifacts.describe import format_inspection

    output = Output(as_json=json or format == "json")
    drawing: DrawingFormat | None = "svg" if format == "svg" else "html" if format == "html" else None
    _require_consistent(drawing, out, as_json=output.as_json)
    file = _require_path(path)
    if drawing is not None:
        document = api.draw(file, drawing)
        if out is None:
            output.text(document)
            return
        from converters.fs.atomic import publish_bytes

        output.lines([publish_bytes(document.encode(), out)])
        return
    inspection = api.inspect(file)
    output.document(inspection) if output.as_json else output.text(format_inspection(inspection))


def _require_consistent(drawing: str | None, out: Path | None, *, as_json: bool) -> None:
    if drawing and as_json:
        problem = f"--json and --format {drawing} exclude each other"
    elif out is not None and not drawing:
        problem = "--out requires --format svg or --format html"
    else:
        return
    raise UsageError("bad-combination", problem, hint="zoo inspect PATH --format html --out graph.html")


def _require_path(text: str) -> Path:
    """Return a path, unless the text is the name of an entry, which these commands do not read."""
    from zoo.local_models.names import has_separator, require_unambiguous

    if not has_separator(text) and text in options.complete_name(text):
        require_unambiguous(text)
        raise NotFoundError(
            "path-unreadable",
            f"{text} is an entry of the catalog, and this command reads files",
            expected="the path of a file, folder or archive",
            hint=f"zoo inspect $(zoo fetch {text})",
        )
    return Path(text)


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=_PATH_HELP)],
    second: Annotated[str, typer.Argument(metavar="B", help=_PATH_HELP)],
    json: options.Json = False,
) -> None:
    """Show the differences between two model files.

    Exits with 1 if the files differ in format, precision, inputs, outputs, operators or weights.
    """
    from zoo import api
    from zoo.artifacts.describe import format_comparison

    output = Output(as_json=json)
    comparison = api.compare_artifacts(_require_path(first), _require_path(second))
    output.document(comparison) if json else output.text(format_comparison(comparison))
    raise typer.Exit(0 if comparison.same else 1)
