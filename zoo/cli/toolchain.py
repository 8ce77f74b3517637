"""Commands about the environments that native tools run in: ls, add, remove, path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from zoo._utils import units as amounts
from zoo._utils.units import format_size
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.settings import settings

if TYPE_CHECKING:
    from zoo.api.toolchains import Toolchain

toolchain_app = options.group("Work on the environments that native tools run in.")

Name = Annotated[str, typer.Argument(metavar="TOOL[@VERSION]", help="For example paddlelite@2.14rc0.")]
HEAD = ("name", "python", "size", "age", "health", "interpreter")


@toolchain_app.command("list")
def list_(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """List the environments that were built, and try each one out."""
    from zoo.api import toolchains
    from zoo.artifacts.workspace import resolver_for

    output = Output(as_json=json, quiet=quiet)
    found = toolchains.list_toolchains(resolver_for(settings()).toolchains)
    if json:
        output.document({"toolchains": found})
    elif found:
        output.table(HEAD, rows(found, datetime.now(timezone.utc)))
        output.note(f"{len(found)} environments, {format_size(sum(each.size for each in found))}")
    else:
        output.note("no environment was built yet; each is built when it is needed (zoo doctor)")


@toolchain_app.command("install")
def install(
    name: Name,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Build an environment ahead of its use, prove it, and print its interpreter."""
    from zoo.api import toolchains
    from zoo.artifacts.workspace import resolver_for

    output = Output(as_json=json, quiet=quiet)
    place = resolver_for(settings(offline=offline)).toolchains
    found = toolchains.install(name, place, output.note)
    if json:
        output.document(found)
        return
    output.lines([found.interpreter])
    if not found.built:
        where = "the running interpreter" if found.origin == "current" else "an environment built earlier"
        output.note(f"{found.name}: {where} has it, nothing was built")


@toolchain_app.command("uninstall")
def uninstall(
    names: Annotated[
        list[str], typer.Argument(metavar="TOOL[@VERSION]", help="Without a version, all versions.")
    ],
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Delete environments, and print their folders; they are built anew when they are needed."""
    from zoo.api import toolchains
    from zoo.artifacts.workspace import resolver_for

    output = Output(as_json=json, quiet=quiet)
    place = resolver_for(settings()).toolchains
    found = toolchains.uninstall(names, place, output.note, dry_run=dry_run)
    if json:
        output.document(found)
        return
    output.lines(each.path for each in found.removed)
    output.note(f"{format_size(found.freed)} {'would be freed' if dry_run else 'freed'}")


@toolchain_app.command("find")
def find(name: Name, json: options.Json = False) -> None:
    """Print the interpreter that runs a tool, for scripts; nothing is built."""
    from zoo.api import toolchains
    from zoo.artifacts.workspace import resolver_for

    output = Output(as_json=json)
    found = toolchains.find(name, resolver_for(settings()).toolchains)
    if json:
        output.document({"interpreter": found})
    else:
        output.lines([found])


def rows(found: Sequence[Toolchain], now: datetime) -> list[list[str]]:
    """The cells of ``zoo toolchain list``.

    Args:
        found: The environments.
        now: The time, for ages.
    """
    return [
        [
            each.name,
            each.python,
            format_size(each.size),
            amounts.format_age(now - each.built) if each.built else "-",
            each.health,
            str(each.interpreter),
        ]
        for each in found
    ]
