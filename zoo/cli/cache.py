"""Commands about the store: cache ls, cache verify, cache prune."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from zoo._utils.units import format_size
from zoo.cli import _options as options
from zoo.cli import artifacts
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.store.inventory import CacheItem

cache_app = options.group("Look after the store: what it holds, whether it is whole, what may go.")


@cache_app.command("ls")
def ls(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """List what the store holds: sizes, times of last use, and what was made from what."""
    from zoo.api import cache as housekeeping

    output = Output(as_json=json, quiet=quiet)
    found = housekeeping.stock()
    if json:
        output.document(found)
        return
    if found.things:
        now = datetime.now(timezone.utc)
        output.table(
            ("kind", "name", "size", "used", "remarks"), [_row(thing, now) for thing in found.things]
        )
    output.note(f"{found.store}: {len(found.things)} things, {format_size(found.size)}")


cache_app.command("verify")(artifacts.verify)


@cache_app.command("prune")
def prune(
    unused: Annotated[
        bool,
        typer.Option(
            "--dangling", help="What no digest leads to any more, and leftovers (the default alone)."
        ),
    ] = False,
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="What was not used for so long, for example 30d.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The least recently used, down to this size: 2GB.")
    ] = None,
    pinned: Annotated[bool, typer.Option("--include-locked", help="Also what zoo.lock here names.")] = False,
    grace: Annotated[
        str, typer.Option(metavar="TIME", help="Keep what was used within this time in any case.")
    ] = "1h",
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Remove from the store what is unused, old, or too much, and nothing that is in use."""
    from zoo._utils import units as amounts
    from zoo.api import cache as housekeeping
    from zoo.artifacts.resolver import Reporter
    from zoo.store.prune import PrunePolicy

    output = Output(as_json=json, quiet=quiet)
    policy = PrunePolicy(
        unused=unused,
        older_than=amounts.parse_duration(older_than) if older_than is not None else None,
        max_size=amounts.parse_size(max_size) if max_size is not None else None,
        pinned=pinned,
        grace=amounts.parse_duration(grace),
    )
    report = housekeeping.prune(policy, dry_run=dry_run, reporter=Reporter(note=output.note))
    if json:
        output.document(report)
        return
    verb = "would remove" if dry_run else "removed"
    output.lines(
        f"{verb}  {format_size(item.size):>8}  {item.kind} {item.name}: {item.reason}"
        for item in report.removed
    )
    for item in report.kept:
        output.note(f"kept {item.kind} {item.name}: {item.reason}")
    if policy.max_size is not None and report.remaining > policy.max_size:
        output.note(f"more than {max_size} remains: it is pinned, or was used within {grace}")
    output.note(
        f"{'would free' if dry_run else 'freed'} {format_size(report.freed)}, {_rest(report.remaining)}"
    )


def _rest(size: int) -> str:
    return f"{format_size(size)} remain" if size else "nothing remains"


def _row(thing: CacheItem, now: datetime) -> list[str]:
    from zoo._utils import units as amounts

    remarks = [f"from {', '.join(thing.made_from)}"] if thing.made_from else []
    remarks += [f"{len(thing.used_by)} made from it"] if thing.used_by else []
    remarks += ["pinned"] if thing.pinned else []
    superseded = thing.outdated or (thing.kind == "artifact" and not thing.current)
    remarks += ["superseded"] if superseded else []
    return [thing.kind, thing.name, format_size(thing.size), amounts.format_age(now - thing.used), "; ".join(remarks)]
