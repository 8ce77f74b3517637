"""Commands about the cache: cache ls, cache verify, cache prune."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import _options as options
from zoo.cli import artifacts
from zoo.cli._output import Output

if TYPE_CHECKING:
    from zoo.store.inventory import CacheItem

cache_app = options.group("List, verify and prune the cache.")


def ls(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """List cached files with size and time of last use."""
    from zoo._utils.units import format_size
    from zoo.api import cache

    output = Output(as_json=json, quiet=quiet)
    info = cache.cache_info()
    if json:
        output.document(info)
        return
    if info.items:
        now = datetime.now(timezone.utc)
        output.table(("kind", "name", "size", "used", "remarks"), [_row(item, now) for item in info.items])
    output.note(f"{info.path}: {len(info.items)} items, {format_size(info.size)}")


def prune(
    dangling: Annotated[
        bool,
        typer.Option("--dangling", help="Remove unreferenced artifacts and temporary files (default)."),
    ] = False,
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="Remove items not used for this time, such as 30d.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Remove the least recently used items down to this size: 2GB."),
    ] = None,
    include_locked: Annotated[
        bool, typer.Option("--include-locked", help="Also remove artifacts that zoo.lock lists.")
    ] = False,
    keep_recent: Annotated[
        str, typer.Option(metavar="TIME", help="Keep items that were used within this time.")
    ] = "1h",
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Remove unused, old or excess items from the cache.

    Items in use are kept. Without an option, --dangling applies.
    """
    from zoo._utils.units import format_size, parse_duration, parse_size
    from zoo.api import cache
    from zoo.artifacts.resolver import Reporter
    from zoo.store.prune import PrunePolicy

    output = Output(as_json=json, quiet=quiet)
    policy = PrunePolicy(
        dangling=dangling,
        older_than=parse_duration(older_than) if older_than is not None else None,
        max_size=parse_size(max_size) if max_size is not None else None,
        include_locked=include_locked,
        keep_recent=parse_duration(keep_recent),
    )
    report = cache.prune(policy, dry_run=dry_run, reporter=Reporter(note=output.note))
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
        output.note(f"more than {max_size} remains: it is in zoo.lock, or was used within {keep_recent}")
    remaining = f"{format_size(report.remaining)} remain" if report.remaining else "nothing remains"
    output.note(f"{'would free' if dry_run else 'freed'} {format_size(report.freed)}, {remaining}")


options.add(cache_app, "ls", ls)
options.add(cache_app, "verify", artifacts.verify)
options.add(cache_app, "prune", prune)


def _row(item: CacheItem, now: datetime) -> list[str]:
    from zoo._utils.units import format_age, format_size

    remarks = [f"from {', '.join(item.made_from)}"] if item.made_from else []
    remarks += [f"source of {len(item.used_by)}"] if item.used_by else []
    remarks += ["locked"] if item.locked else []
    superseded = item.outdated or (item.kind == "artifact" and not item.current)
    remarks += ["superseded"] if superseded else []
    return [
        item.kind,
        item.name,
        format_size(item.size),
        format_age(now - item.last_used),
        "; ".join(remarks),
    ]
