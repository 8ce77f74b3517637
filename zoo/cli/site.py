"""The command that writes the catalog as a web site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output


def site(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the site.")],
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write the catalog as a static site that needs neither a server nor a network."""
    from importlib.metadata import version

    from zoo.catalogs.sources import registry_of
    from zoo.reports.site import site_of, write
    from zoo.settings import settings

    output = Output(as_json=json, quiet=quiet)
    entries = registry_of(settings(catalog=catalog))
    found = write(site_of(entries, version=version("paddle-zoo")), out)
    if json:
        output.document(found)
    else:
        output.text(str(out / "index.html"))
        output.note(f"{found.files} files")
