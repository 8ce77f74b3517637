"""Commands of registry: check, schema, import, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.diagnostics.link_check import LinkReport

if TYPE_CHECKING:
    pass

Document = Annotated[
    list[str] | None,
    typer.Option(
        "--document",
        metavar="PATH",
        help="Path of the file in its repository, to resolve relative links. One for each file, in order.",
    ),
]
Repository = Annotated[str, typer.Option(metavar="OWNER/NAME", help="Repository of the file.")]
Revision = Annotated[str | None, typer.Option(metavar="REV", help="Commit or branch of the file.")]
Release = Annotated[str | None, typer.Option(metavar="NAME", help="Release that the figures belong to.")]


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


def import_tables(
    readme: Annotated[list[Path], typer.Argument(metavar="README.md", help="Model zoo documents.")],
    document: Document = None,
    repository: Repository = "PaddlePaddle/PaddleDetection",
    revision: Revision = None,
    release: Release = None,
    tree: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Checkout with the linked configuration files.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the drafts to this file.")] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Draft catalog entries from a README's tables.

    Each cell that cannot be read with certainty becomes an issue in the draft.
    """
    from registry.readme_import.draft_yaml import draft_fields, format_yaml
    from registry.readme_import.sources import DocumentOrigin, import_files

    origin = DocumentOrigin(tuple(document or ()), repository, revision, release, tree)
    imported = import_files(readme, origin)
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(
            [
                {
                    "document": each.location.document,
                    "drafts": [{**draft_fields(draft), "issues": draft.issues} for draft in each.drafts],
                    "issues": [str(issue) for issue in each.issues],
                    "skipped": each.skipped,
                }
                for each in imported
            ]
        )
    elif out is not None:
        from converters.fs.atomic import publish_bytes

        output.lines([publish_bytes(format_yaml(imported).encode(), out)])
    else:
        output.text(format_yaml(imported))
    drafts, issues = sum(len(each.drafts) for each in imported), sum(len(each.issues) for each in imported)
    output.note(
        f"{drafts} drafts, {issues} issues, {sum(len(each.skipped) for each in imported)} rows skipped"
    )


def diff_document(
    readme: Annotated[Path, typer.Argument(metavar="README.md", help="Newer model zoo document.")],
    document: Document = None,
    repository: Repository = "PaddlePaddle/PaddleDetection",
    revision: Revision = None,
    release: Release = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare the catalog with a newer README.

    Exits with 1 if a figure or a link changed.
    """
    from registry.readme_import import diff
    from registry.readme_import.sources import DocumentOrigin, import_files
    from zoo.catalogs.sources import load_registry
    from zoo.settings import settings

    (imported,) = import_files([readme], DocumentOrigin(tuple(document or ()), repository, revision, release))
    found = diff.diff_document(imported, load_registry(settings(catalog=catalog)))
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(found)
    else:
        output.lines(found.changes)
        known = sum(change.known for change in found.changes)
        output.note(
            f"{found.document}: {found.compared} entries compared, {len(found.changes) - known} changes"
            + (f", {known} known conflicts" if known else "")
        )
    if not found.clean:
        raise typer.Exit(1)


registry_app = options.group("Check catalogs, compare them with READMEs.")
options.add(registry_app, "check", check)
options.add(registry_app, "schema", schema)
options.add(registry_app, "import", import_tables)
options.add(registry_app, "diff", diff_document)
