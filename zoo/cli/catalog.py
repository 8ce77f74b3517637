"""Commands that read catalogs only: list, show, registry check, registry schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registry.choices import Precision
from registry.errors import UsageError
from zoo.cli import _options as options
from zoo.cli import registry as documents
from zoo.cli._output import Output

if TYPE_CHECKING:
    from registry.search import Conditions
    from zoo.diagnostics.link_check import LinkReport
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


def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="Catalog file or folder. Default: the shipped catalog."),
    ] = None,
    links: Annotated[
        bool,
        typer.Option("--links", help="Request each artifact URL (or its mirror's) without downloading it."),
    ] = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Check a catalog for mistakes.

    Prints each mistake with file, line and field. Exits with 1 if there is a mistake or a dead link.
    """
    import registry

    found = registry.check(path) if path else registry.check()
    output = Output(as_json=json, quiet=quiet)
    checked = _check_links(path) if links and not found.problems else None
    if json:
        output.document({**found.model_dump(mode="json"), "links": checked} if links else found)
    else:
        output.lines(found.problems)
        output.note(f"{len(found.files)} files, {found.entries} entries, {len(found.problems)} problems")
        if checked:
            _print_links(checked, output)
    if found.problems or (checked and checked.dead):
        raise typer.Exit(1)


def _check_links(path: Path | None) -> LinkReport:
    # Imported here: without --links, no module for the network is needed.
    from zoo.diagnostics.link_check import check_links
    from zoo.settings import settings

    return check_links(path, settings())


def _print_links(found: LinkReport, output: Output) -> None:
    rows = [[link.entry, link.artifact, link.detail, link.requested_url] for link in found.dead]
    if rows:
        output.table(("entry", "artifact", "answer", "requested URL"), rows)
    output.note(
        f"{found.links} links, {found.addresses} addresses at {len(found.sources)} "
        f"{'mirrors or hosts' if len(found.sources) != 1 else 'mirror or host'}, {len(found.dead)} dead"
    )


def schema(json: options.Json = False) -> None:
    """Print the JSON Schema of a catalog file."""
    import registry

    Output(as_json=json).document(registry.json_schema())


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


registry_app = options.group("Check catalogs, compare them with READMEs.")
options.add(registry_app, "check", check)
options.add(registry_app, "schema", schema)
options.add(registry_app, "import", documents.import_tables)
options.add(registry_app, "diff", documents.diff_document)
