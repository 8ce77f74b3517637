"""Commands that read catalogs only: list, show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registry.choices import Precision
from registry.errors import UsageError
from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from registry.search import Conditions
    from zoo.settings import Settings

ListFormat = Literal["table", "json", "csv", "markdown"]


def list_entries(
    task: Annotated[
        str | None, typer.Option(metavar="TASK", help="keypoint_detection, object_detection, …")
    ] = None,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="tinypose, picodet, …")] = None,
    release: Annotated[str | None, typer.Option(metavar="NAME", help="Upstream release: 2021.")] = None,
    size: Annotated[str | None, typer.Option("--input", metavar="HxW", help="Input size: 128x96.")] = None,
    min_ap: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Lowest AP or mAP, in percent.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Entries with a published latency on it: sd865.")
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="Entries with a latency or an artifact in it.")
    ] = None,
    artifact: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Entries that publish it: lite, lite-arm-fp16."),
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help="Filter, such as 'ap>=38 and sd865_fp16_ms<10'.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="KEYS", help="Order, such as '-ap' or 'family,sd865_fp16_ms'.")
    ] = None,
    format: Annotated[ListFormat | None, typer.Option(help="Output format. Default: table.")] = None,
    catalog: options.Catalog = None,
    json: options.Json = False,
) -> None:
    """List models and pipelines of the catalog."""
    from registry.search import Conditions
    from zoo.catalogs.listing import find_rows, format_all
    from zoo.settings import settings

    if json and format not in {None, "json"}:
        raise UsageError(
            "bad-combination", f"--json and --format {format} exclude each other", hint="zoo list --json"
        )
    conditions = Conditions(
        task=task,
        family=family,
        release=release,
        size=_parse_input_size(size) if size else None,
        min_ap=min_ap,
        device=device,
        precision=precision,
        artifact=artifact,
        where=where,
        sort=tuple(key.strip() for key in sort.split(",")) if sort else (),
    )
    chosen = settings(catalog=catalog)
    output = Output(as_json=json)
    if json or format in {"json", "markdown"}:
        _print_entries(conditions, chosen, output, markdown=format == "markdown")
        return
    if conditions.empty and format != "csv":
        output.text(format_all(chosen))
        return
    found = find_rows(conditions, chosen)
    if found.empty:
        output.note(_explain_empty(found.unmet))
    models, pipelines = found.models, found.pipelines
    if format == "csv":
        output.comma_separated(models.head, models.cells)
        return
    from registry import tables

    output.text(tables.format_listing(((models.head, models.cells), (pipelines.head, pipelines.cells))))


def _print_entries(conditions: Conditions, chosen: Settings, output: Output, *, markdown: bool) -> None:
    from registry import tables
    from registry.search import search
    from zoo.catalogs.listing import find_rows
    from zoo.catalogs.sources import load_registry

    entries = search(load_registry(chosen).all_entries, conditions)
    if markdown:
        output.text(tables.format_markdown(entries))
    else:
        output.document(entries)
    if not entries:
        output.note(_explain_empty(find_rows(conditions, chosen).unmet))


def _explain_empty(excluding: tuple[str, ...]) -> str:
    """Say which conditions no entry meets, for a listing without entries."""
    # Only the input size has an option with a name other than its field.
    names = ["--input" if name == "size" else f"--{name.replace('_', '-')}" for name in excluding]
    if not names:
        return "no entry meets all of these conditions, but each condition has entries: leave one out"
    return f"no entry meets {' and none '.join(names)}: leave {'it' if len(names) == 1 else 'them'} out"


def show(
    name: options.Name,
    catalog: options.Catalog = None,
    json: options.Json = False,
) -> None:
    """Show one model or pipeline with all sources."""
    from zoo.catalogs.queries import complexity, info
    from zoo.cli.render.entry import format_entry, format_pipeline
    from zoo.settings import settings

    entry = info(name, settings=settings(catalog=catalog))
    output = Output(as_json=json)
    if entry.kind == "pipeline":
        output.document(entry) if json else output.text(format_pipeline(entry))
        return
    computed = complexity(entry)
    if json:
        output.document({**entry.model_dump(mode="json"), "computed": computed})
    else:
        output.text(format_entry(entry, computed))


def _parse_input_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})\s*[x*×]\s*(\d{1,5})", text.strip(), re.IGNORECASE)
    if not match:
        raise UsageError(
            "bad-input-size",
            f"{text!r} is not an input size",
            expected="HEIGHTxWIDTH",
            hint="zoo list --input 128x96",
        )
    return int(match[1]), int(match[2])
