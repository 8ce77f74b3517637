"""Commands that read upstream's documents: registry import, registry diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

Document = Annotated[
    list[str] | None,
    typer.Option(
        "--document",
        metavar="PATH",
        help="The file's path in its repository: relative links are resolved from it. Once a file, in order.",
    ),
]
Repository = Annotated[str, typer.Option(metavar="OWNER/NAME", help="The repository it comes from.")]
Revision = Annotated[str | None, typer.Option(metavar="REV", help="Commit or branch it was read at.")]
Release = Annotated[str | None, typer.Option(help="Release its numbers belong to.")]


def import_tables(
    readme: Annotated[list[Path], typer.Argument(metavar="README.md", help="Model-zoo documents.")],
    document: Document = None,
    repository: Repository = "PaddlePaddle/PaddleDetection",
    revision: Revision = None,
    release: Release = None,
    tree: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A checkout, to look linked configurations up in.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the drafts there.")] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn the tables of a model zoo into draft entries, with a note on every doubtful cell."""
    from registry.readme_import.draft_yaml import as_yaml, stated
    from registry.readme_import.sources import Origin, import_files

    origin = Origin(tuple(document or ()), repository, revision, release, tree)
    found = import_files(readme, origin)
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(
            [
                {
                    "document": each.place.document,
                    "drafts": [{**stated(draft), "doubts": draft.issues} for draft in each.drafts],
                    "doubts": [str(doubt) for doubt in each.issues],
                    "left_out": each.left_out,
                }
                for each in found
            ]
        )
    elif out is not None:
        from converters.fs.atomic import publish_bytes

        output.lines([publish_bytes(as_yaml(found).encode(), out)])
    else:
        output.text(as_yaml(found))
    drafts, issues = sum(len(each.drafts) for each in found), sum(len(each.issues) for each in found)
    output.note(
        f"{drafts} drafts, {issues} doubts, {sum(len(each.left_out) for each in found)} rows left out"
    )


def diff_document(
    readme: Annotated[Path, typer.Argument(metavar="README.md", help="A newer model-zoo document.")],
    document: Document = None,
    repository: Repository = "PaddlePaddle/PaddleDetection",
    revision: Revision = None,
    release: Release = None,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare the catalog with a newer document; exit 1 when something changed."""
    from registry.readme_import.diff import diff_document as compare
    from registry.readme_import.sources import Origin, import_files
    from zoo.catalogs.sources import registry_of
    from zoo.settings import settings

    (imported,) = import_files([readme], Origin(tuple(document or ()), repository, revision, release))
    found = compare(imported, registry_of(settings(catalog=catalog)))
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(found)
    else:
        output.lines(found.changes)
        known = sum(change.known for change in found.changes)
        output.note(
            f"{found.document}: {found.compared} entries compared, {len(found.changes) - known} changes"
            + (f", {known} contradictions on record" if known else "")
        )
    if not found.clean:
        raise typer.Exit(1)
