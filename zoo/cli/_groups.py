"""Parser classes of commands and groups, built on the public classes of Typer."""

from __future__ import annotations

import difflib
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from registry.errors import UsageError


class Command(TyperCommand):
    """A command that takes its defaults without parsing when no argument is given.

    Typer imports pydantic to parse the value of an option, even if the option was not given. ``zoo list``
    needs less time than this import.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        parameters = self.get_params(ctx)
        if args or any(parameter.required for parameter in parameters):
            return super().parse_args(ctx, args)
        ctx.params.update(
            {
                parameter.name: parameter.get_default(ctx)
                for parameter in parameters
                if parameter.expose_value and parameter.name
            }
        )
        return []


class Group(TyperGroup):
    """A group of commands: without a command it prints its help, and an unknown command has a suggestion."""

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)
        for parameter in parameters:
            # Typer's own flags have the default None, and Typer imports pydantic to convert it.
            if getattr(parameter, "is_flag", False) and parameter.default is None:
                parameter.default = False
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], names, n=2)
            program = ctx.command_path
            raise UsageError(
                "unknown-command",
                f"{program} has no command {args[0]!r}",
                expected=f"one of {', '.join(names)}",
                hint=" or ".join(f"{program} {name}" for name in sorted(close)) or f"{program} --help",
            )
        if any(not word or re.fullmatch("--[a-z0-9-]+=", word) for word in args):
            # An empty path would be the current folder; an empty filter would match everything.
            raise UsageError(
                "empty-argument",
                "an argument is empty",
                expected="a value for every option and argument",
                hint="check for a shell variable that is not set",
            )
        return super().resolve_command(ctx, args)
