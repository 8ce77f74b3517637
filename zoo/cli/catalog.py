"""Commands that answer from the catalog alone: list, show, registry check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.errors import UsageError
from zoo.cli import _options as options
from zoo.cli import registry as documents
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.diagnostics.link_check import Links

registry_app = options.group("Work on catalogs.")
registry_app.command("import")(documents.import_tables)
registry_app.command("diff")(documents.diff_document)


def list_entries(
    task: Annotated[str | None, typer.Option(help="keypoint_detection, object_detection, …")] = None,
    family: Annotated[str | None, typer.Option(help="tinypose, picodet, …")] = None,
    release: Annotated[str | None, typer.Option(help="Upstream's release, 2021.")] = None,
    size: Annotated[str | None, typer.Option("--input", metavar="HxW", help="Input size, 128x96.")] = None,
    min_ap: Annotated[float | None, typer.Option(help="Least AP or mAP, in percent.")] = None,
    device: Annotated[str | None, typer.Option(help="With a published latency on it: sd865.")] = None,
    precision: Annotated[
        options.Precision | None, typer.Option(help="With a latency or an artifact in it.")
    ] = None,
    artifact: Annotated[
        str | None, typer.Option(metavar="KIND", help="With this published: lite, weights, lite-arm-fp16.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help="For example 'ap>=38 and sd865_fp16_ms<10'.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="KEYS", help="For example '-ap' or 'family,sd865_fp16_ms'.")
    ] = None,
    format: Annotated[
        options.ListFormat | None, typer.Option(help="How to print; a table by default.")
    ] = None,
    catalog: options.Catalog = None,
    json: options.Json = False,
) -> None:
    """List the models of the zoo."""
    from registry.search import Conditions
    from zoo.catalogs.listing import listing, whole
    from zoo.settings import settings

    if json and format not in (None, options.ListFormat.json):
        raise UsageError(
            "bad-combination",
            f"--json and --format {format.value} exclude each other",
            hint="zoo list --json",
        )
    conditions = Conditions(
        task=task,
        family=family,
        release=release,
        size=_size(size) if size else None,
        min_ap=min_ap,
        device=device,
        precision=precision.value if precision else None,
        artifact=artifact,
        where=where,
        sort=tuple(key.strip() for key in sort.split(",")) if sort else (),
    )
    chosen = settings(catalog=catalog)
    output = Output(as_json=json)
    if json or format in (options.ListFormat.json, options.ListFormat.markdown):
        from registry import tables
        from registry.search import search
        from zoo.catalogs.sources import registry_of

        entries = search(registry_of(chosen).listed, conditions)
        if format is options.ListFormat.markdown and not json:
            output.text(tables.markdown(entries))
        else:
            output.document(entries)
        if not entries:
            output.note(_nothing_found(listing(conditions, chosen).excluding))
        return
    if conditions.empty and format is not options.ListFormat.csv:
        output.text(whole(chosen))
        return
    found = listing(conditions, chosen)
    if found.empty:
        output.note(_nothing_found(found.excluding))
    models, pipelines = found.models, found.pipelines
    if format is options.ListFormat.csv:
        output.comma_separated(models.head, models.cells)
        return
    from registry import tables

    output.text(tables.listing(((models.head, models.cells), (pipelines.head, pipelines.cells))))


def _nothing_found(excluding: tuple[str, ...]) -> str:
    """Why a listing is empty, in words."""
    # Only the size is asked for by another name than it has.
    names = ["--input" if name == "size" else f"--{name.replace('_', '-')}" for name in excluding]
    if not names:
        return "no entry meets all of these conditions, though each of them is met by some: leave one out"
    return f"no entry meets {' and none '.join(names)}: leave {'it' if len(names) == 1 else 'them'} out"


def show(
    name: options.Name,
    catalog: options.Catalog = None,
    json: options.Json = False,
) -> None:
    """Show everything about one model or pipeline, with sources."""
    from zoo.catalogs import queries as lookup
    from zoo.cli.render import entry as portrait
    from zoo.settings import settings

    entry = lookup.info(name, settings=settings(catalog=catalog))
    output = Output(as_json=json)
    if entry.kind == "pipeline":
        if json:
            output.document(entry)
        else:
            output.text(portrait.format_pipeline(entry))
        return
    measured = lookup.complexity(entry)
    if json:
        output.document({**entry.model_dump(mode="json"), "computed": measured})
    else:
        output.text(portrait.format_entry(entry, measured))


@registry_app.command("check")
def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="Catalog file or folder. Default: the shipped one."),
    ] = None,
    links: Annotated[
        bool,
        typer.Option(
            "--links", help="Ask a server for each address of an artifact (ZOO_MIRROR); fetches nothing."
        ),
    ] = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Check a catalog: every mistake with file, line and field; exit 1 when there is one."""
    import registry

    found = registry.check(path) if path else registry.check()
    output = Output(as_json=json, quiet=quiet)
    asked = _links(path) if links and not found.problems else None
    if json:
        output.document(found if not links else {**found.model_dump(mode="json"), "links": asked})
    else:
        output.lines(found.problems)
        output.note(f"{len(found.files)} files, {found.entries} entries, {len(found.problems)} problems")
        if asked:
            _tell_links(asked, output)
    if found.problems or (asked and asked.dead):
        raise typer.Exit(1)


def _links(path: Path | None) -> Links:
    # Imported here: without --links nothing of the network is needed.
    from zoo.diagnostics.link_check import check_links
    from zoo.settings import settings

    return check_links(path, settings())


def _tell_links(found: Links, output: Output) -> None:
    rows = [[link.entry, link.artifact, link.found, link.asked] for link in found.dead]
    if rows:
        output.table(("entry", "artifact", "answer", "asked"), rows)
    output.note(
        f"{found.links} links, {found.addresses} addresses at {len(found.sources)} "
        f"{'mirrors or hosts' if len(found.sources) != 1 else 'mirror or host'}, {len(found.dead)} dead"
    )


@registry_app.command("schema")
def schema(json: options.Json = False) -> None:
    """Print the JSON Schema of a catalog file, for editors."""
    import registry

    Output(as_json=json).document(registry.json_schema())


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})\s*[x*×]\s*(\d{1,5})", text.strip(), re.IGNORECASE)
    if not match:
        raise UsageError(
            "bad-input-size",
            f"{text!r} is not an input size",
            expected="HEIGHTxWIDTH",
            hint="zoo list --input 128x96",
        )
    return int(match[1]), int(match[2])
