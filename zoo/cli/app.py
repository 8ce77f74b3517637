"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli import artifacts, catalogue, checks, models

app = typer.Typer(
    help="Model zoo for PP-TinyPose and PicoDet: fetch, verify, convert, prove.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("list")(catalogue.list_entries)
app.command("show")(catalogue.show)
app.command("fetch")(artifacts.fetch)
app.command("convert")(artifacts.convert)
app.command("inspect")(artifacts.inspect)
app.command("verify")(artifacts.verify)
app.command("lock")(artifacts.lock)
app.command("run")(models.run)
app.command("validate")(models.validate)
app.command("compare")(models.compare)
app.command("bench")(models.bench)
app.command("doctor")(checks.doctor)
app.command("demo")(checks.demo)
app.add_typer(catalogue.registry_app, name="registry")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("paddle-zoo"))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
]


@app.callback()
def _root(version: Version = False) -> None:
    """Runs before every command; its options stand before the command's name."""
