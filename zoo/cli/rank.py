"""The command rank: published accuracy against published latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from registry.choices import FloatPrecision, Scope
from zoo.cli import _options as options
from zoo.cli._output import Output

if TYPE_CHECKING:
    from registry.ranking import Ranking


def rank(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Entries to rank. Default: the whole catalog.",
            autocompletion=options.complete_name,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Device of the latency. Default: sd865.")
    ] = None,
    precision: Annotated[
        FloatPrecision | None, typer.Option(help="Precision of the latency. Default: one ranking for each.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Threads of the latency. Default: one ranking for each."),
    ] = None,
    scope: Annotated[Scope | None, typer.Option(help="What the latency includes. Default: network.")] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="AP, mAP or AP50. Default: each entry's main figure."),
    ] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="Filter, as for zoo list.")] = None,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Print only entries that no other entry beats.")
    ] = False,
    catalog: options.Catalog = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Rank models by published accuracy and latency.

    Only figures of the same metric, protocol, device and scope are in one ranking.
    """
    from zoo.catalogs.queries import compare_models
    from zoo.settings import settings

    found = compare_models(
        names or (),
        device=device or "sd865",
        precision=precision,
        threads=threads,
        scope=scope or "network",
        metric=metric,
        where=where,
        settings=settings(catalog=catalog),
    )
    found = found.pareto_front() if pareto else found
    output = Output(as_json=json, quiet=quiet)
    if json:
        output.document(found)
        return
    for index, ranking in enumerate(found.rankings):
        head = ("entry", ranking.accuracy.metric, "ms", "measured with", "beaten by")
        output.text(f"\n{ranking}" if index else str(ranking))
        output.table(head, _rows(ranking))
    if found.unranked:
        output.note(f"not ranked: {len(found.unranked)} entries without such figures (reasons: --json)")


def _rows(ranking: Ranking) -> list[tuple[str, ...]]:
    return [
        (row.entry, f"{row.accuracy:.1f}", f"{row.milliseconds:.2f}", row.measured_with, row.beaten_by or "")
        for row in ranking.rows
    ]
