"""The command tree. Each command loads when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from zoo.cli import _options as options
from zoo.cli._groups import Group

GROUPS = {
    "Find": ("list", "show", "rank"),
    "Get": ("fetch", "lock", "verify"),
    "Convert": ("convert", "inspect", "diff"),
    "Run and measure": ("run", "validate", "compare", "bench", "report", "demo"),
    "Share": ("mirror", "bundle", "sign", "site"),
    "Maintain": ("cache", "results", "registry", "toolchain", "doctor"),
}
"""Headings of ``zoo --help``, each with its commands in order."""

COMMANDS = tuple(name for names in GROUPS.values() for name in names)


def load(name: str) -> Callable[..., None] | typer.Typer:  # noqa: PLR0911, PLR0912, PLR0915 (a table)
    """Import a command: importing all of them takes longer than listing the models.

    Args:
        name: One of ``COMMANDS``.

    Returns:
        The function of the command, or the group of commands.
    """
    match name:
        case "list":
            from zoo.cli.catalog import list_entries

            return list_entries
        case "show":
            from zoo.cli.catalog import show

            return show
        case "rank":
            from zoo.cli.rank import rank

            return rank
        case "fetch":
            from zoo.cli.artifacts import fetch

            return fetch
        case "lock":
            from zoo.cli.artifacts import lock

            return lock
        case "verify":
            from zoo.cli.artifacts import verify

            return verify
        case "convert":
            from zoo.cli.convert import convert

            return convert
        case "inspect":
            from zoo.cli.inspect import inspect

            return inspect
        case "diff":
            from zoo.cli.inspect import diff

            return diff
        case "run":
            from zoo.cli.run import run

            return run
        case "validate":
            from zoo.cli.validate import validate

            return validate
        case "compare":
            from zoo.cli.compare import compare

            return compare
        case "bench":
            from zoo.cli.bench import bench

            return bench
        case "report":
            from zoo.cli.reports import report

            return report
        case "demo":
            from zoo.cli.doctor import demo

            return demo
        case "mirror":
            from zoo.cli.transfer import mirror

            return mirror
        case "bundle":
            from zoo.cli.transfer import bundle_app

            return bundle_app
        case "sign":
            from zoo.cli.sign import sign

            return sign
        case "site":
            from zoo.cli.reports import site

            return site
        case "cache":
            from zoo.cli.cache import cache_app

            return cache_app
        case "results":
            from zoo.cli.results import results_app

            return results_app
        case "registry":
            from zoo.cli.registry import registry_app

            return registry_app
        case "toolchain":
            from zoo.cli.toolchain import toolchain_app

            return toolchain_app
        case "doctor":
            from zoo.cli.doctor import doctor

            return doctor
    raise LookupError(name)


class _LazyGroup(Group):
    """Import a command when it is called, and lists commands under headings."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        loaded = load(cmd_name)
        if isinstance(loaded, typer.Typer):
            group = typer.main.get_command(loaded)
            group.name = cmd_name
            return group
        alone = options.group()
        options.add(alone, cmd_name, loaded)
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name.ljust(width), self.get_command(ctx, name).get_short_help_str(formatter.width))
                        for name in names
                    ]
                )


app = typer.Typer(
    cls=_LazyGroup,
    help="Model zoo for PP-TinyPose and PicoDet: fetch, convert, verify and run models.",
    epilog="Exit codes: 0 done, 1 a check found a difference, 2 usage, 3 not found, 4 network, 5 integrity, "
    "6 conversion, 7 something is missing on this machine.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(version("paddle-zoo"))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
]


@app.callback()
def _root(version: Version = False) -> None:
    """Run before every command; its options precede the name of the command."""
