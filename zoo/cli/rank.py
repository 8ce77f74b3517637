"""``zoo rank``: accuracy against latency, of what may be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from registry.ranking import Ranking


def compare_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Entries to compare. Default: the whole catalog, group by group.",
            autocompletion=options.known_names,
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Device of the latency; sd865 by default.")] = None,
    precision: Annotated[
        options.Precision | None, typer.Option(help="Arithmetic of the latency. Default: each by itself.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the latency. Default: each by itself.")
    ] = None,
    scope: Annotated[
        options.Scope | None, typer.Option(help="What the latency includes; network by default.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="AP, mAP or AP50. Default: each entry's main figure.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help="Only entries that meet it, as in zoo list.")
    ] = None,
    front: Annotated[bool, typer.Option("--pareto", help="Only entries that nothing beats.")] = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Rank models by published accuracy and latency, never across different measurements."""
    from zoo.catalogs import queries as lookup
    from zoo.settings import settings

    found = lookup.compare_models(
        names or (),
        device=device or "sd865",
        precision=precision.value if precision else None,
        threads=threads,
        scope=scope.value if scope else "network",
        metric=metric,
        where=where,
        settings=settings(catalog=catalog),
    )
    found = found.front() if front else found
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(found)
        return
    for place, ranking in enumerate(found.rankings):
        head = ("entry", ranking.accuracy.metric, "ms", "measured with", "beaten by")
        output.text(f"\n{ranking}" if place else str(ranking))
        output.table(head, _rows(ranking))
    if found.apart:
        output.note(f"not ranked: {len(found.apart)} entries without such figures (--json says why)")


def _rows(ranking: Ranking) -> list[tuple[str, ...]]:
    return [
        (row.entry, f"{row.accuracy:.1f}", f"{row.milliseconds:.2f}", row.measured_with, row.beaten_by or "")
        for row in ranking.rows
    ]
