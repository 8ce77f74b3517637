"""Commands about the environments of native tools: toolchain list, install, uninstall, find."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from converters.toolchain import Toolchains
    from zoo.api.toolchains import Toolchain

Name = Annotated[str, typer.Argument(metavar="TOOL[@VERSION]", help="For example paddlelite@2.14rc0.")]
HEAD = ("name", "python", "size", "age", "health", "interpreter")


def list_(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """List installed toolchains, and test each one."""
    from zoo._utils.units import format_size
    from zoo.api import toolchains

    output = Output(as_json=json, quiet=quiet)
    found = toolchains.list_toolchains(_toolchains())
    if json:
        output.document({"toolchains": found})
    elif found:
        output.table(HEAD, rows(found, datetime.now(timezone.utc)))
        output.note(f"{len(found)} toolchains, {format_size(sum(each.size for each in found))}")
    else:
        output.note("no toolchain is installed yet; each is installed when it is needed (zoo doctor)")


def install(
    name: Name,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Install a toolchain, and print its interpreter."""
    from zoo.api import toolchains

    output = Output(as_json=json, quiet=quiet)
    installed = toolchains.install(name, _toolchains(offline=offline), output.note)
    if json:
        output.document(installed)
        return
    output.lines([installed.interpreter])
    if not installed.built:
        where = "the running interpreter" if installed.origin == "current" else "an installed toolchain"
        output.note(f"{installed.name}: {where} has it, nothing was installed")


def uninstall(
    names: Annotated[
        list[str], typer.Argument(metavar="TOOL[@VERSION]", help="Without a version: all versions.")
    ],
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Remove toolchains, and print their folders.

    A removed toolchain is installed again when it is needed.
    """
    from zoo._utils.units import format_size
    from zoo.api import toolchains

    output = Output(as_json=json, quiet=quiet)
    report = toolchains.uninstall(names, _toolchains(), output.note, dry_run=dry_run)
    if json:
        output.document(report)
        return
    output.lines(each.path for each in report.removed)
    output.note(f"{'would free' if dry_run else 'freed'} {format_size(report.freed)}")


def find(name: Name, json: options.Json = False) -> None:
    """Print the interpreter of an installed toolchain."""
    from zoo.api import toolchains

    output = Output(as_json=json)
    interpreter = toolchains.find(name, _toolchains())
    output.document({"interpreter": interpreter}) if json else output.lines([interpreter])


def _toolchains(*, offline: bool = False) -> Toolchains:
    from zoo.artifacts.source_options import SourceOptions
    from zoo.artifacts.workspace import resolver_for

    return resolver_for(SourceOptions.create(offline=offline)).toolchains


def rows(found: Sequence[Toolchain], now: datetime) -> list[list[str]]:
    """Return the cells of ``zoo toolchain list``.

    Args:
        found: The toolchains.
        now: The present time, to compute ages.
    """
    from zoo._utils.units import format_age, format_size

    return [
        [
            each.name,
            each.python,
            format_size(each.size),
            format_age(now - each.built) if each.built else "-",
            each.health,
            str(each.interpreter),
        ]
        for each in found
    ]


toolchain_app = options.group("Manage the tools that convert and run models.")
options.add(toolchain_app, "list", list_)
options.add(toolchain_app, "install", install)
options.add(toolchain_app, "uninstall", uninstall)
options.add(toolchain_app, "find", find)
