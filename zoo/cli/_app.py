"""The command tree."""

from __future__ import annotations

import difflib
import re
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from registry.errors import UsageError
from zoo.cli import _options as options

COMMANDS = {
    "list": "catalog:list_entries",
    "show": "catalog:show",
    "compare-models": "rank:compare_models",
    "fetch": "artifacts:fetch",
    "convert": "artifacts:convert",
    "inspect": "artifacts:inspect",
    "verify": "artifacts:verify",
    "lock": "artifacts:lock",
    "mirror": "transfer:mirror",
    "bundle": "transfer:bundle",
    "import": "transfer:import_bundle",
    "cache": "cache:cache_app",
    "run": "models:run",
    "validate": "models:validate",
    "compare": "models:compare",
    "bench": "models:bench",
    "report": "reports:report",
    "registry": "catalog:registry_app",
    "site": "site:site",
    "toolchain": "toolchain:toolchain_app",
    "doctor": "doctor:doctor",
    "demo": "doctor:demo",
}
"""Commands and groups of commands in the order of ``zoo --help``, each with its module in ``zoo.cli``."""


class _Option(TyperOption):
    """Leaves alone what was not given: typer builds a pydantic validator for every option, used or not."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        if value is not None or self.required:
            return super().process_value(ctx, value)
        return self.callback(ctx, self, None) if self.callback else None


class _Eased:
    """A command whose options are of that kind; typer makes them itself and takes no other class."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if type(parameter) is TyperOption:
                parameter.__class__ = _Option
        return found


class _Command(_Eased, TyperCommand):
    pass


class _OnDemand(_Eased, TyperGroup):
    """Builds a command when it is called: reading the options of all takes longer than listing models."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found = getattr(import_module(f"zoo.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
            command.name = cmd_name
            return command
        alone = options.group()
        alone.command(cmd_name, cls=_Command)(found)
        return typer.main.get_command(alone)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=2)
            raise UsageError(
                "unknown-command",
                f"zoo has no command {args[0]!r}",
                expected=f"one of {', '.join(COMMANDS)}",
                hint=" or ".join(f"zoo {name}" for name in sorted(close)) or "zoo --help",
            )
        if any(not word or re.fullmatch("--[a-z0-9-]+=", word) for word in args):
            # A path of no letters would be this folder, an expression of none would meet everything.
            raise UsageError(
                "empty-argument",
                "an argument is empty",
                expected="a value for every option and argument",
                hint="look for a variable of the shell that is not set",
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_OnDemand,
    help="Model zoo for PP-TinyPose and PicoDet: fetch, verify, convert, prove.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
