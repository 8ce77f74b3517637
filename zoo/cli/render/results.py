"""What models computed, as text for people: results, accuracy, parity, latency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from registry.schema import KeypointProtocol
from zoo.cli.render.entry import latency_line, protocol_line

if TYPE_CHECKING:
    from zoo.evaluation.accuracy import Validation
    from zoo.evaluation.latency import Bench, Summary
    from zoo.evaluation.parity import FormatParity, LayerDifference, Parity
    from zoo.evaluation.parity_of_file import ModelParity
    from zoo.runner.batch import RunResult

_STANDINGS = {"met": "MET", "below": "NOT MET", "above": "NOT MET", "not-comparable": "not comparable"}
_STATES = {
    "same": "same",
    "differs": "DIFFERS",
    "failed": "FAILED",
    "measured": "measured",
    "not-run": "not run",
    "missing": "missing",
}


def format_run(found: RunResult) -> tuple[list[str], list[list[str]]]:
    """One row an image: head cells and rows."""
    rows = [
        [
            str(image.file if isinstance(image.image_id, int) else image.image_id),
            f"{image.width}x{image.height}",
            str(image.found),
            f"{image.best:.2f}" if image.best is not None else "-",
        ]
        for image in found.images
    ]
    return ["image", "size", "found", "best score"], rows


def format_validation(found: Validation) -> str:
    """Figures, protocol, verdict.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(_validation_lines(found)) + "\n"


def _validation_lines(found: Validation) -> Iterator[str]:
    yield f"{found.entry}  {found.artifact} ({found.origin}) on {found.engine}"
    figures = found.metrics.model_dump()
    low = found.spread.low.model_dump() if found.spread else {}
    high = found.spread.high.model_dump() if found.spread else {}
    for name, value in figures.items():
        interval = ""
        if low.get(name) is not None and high.get(name) is not None:
            interval = f"   95 % interval {100 * low[name]:.1f} to {100 * high[name]:.1f}"
        yield f"  {name:<9} {f'{100 * value:5.1f} %' if value is not None else '    -'}{interval}"
    what = "persons" if isinstance(found.protocol, KeypointProtocol) else "boxes"
    yield f"  data      {found.images} images, {found.results} {what} scored, {found.annotations}"
    if found.missing:
        yield f"            {found.missing} more that the file names are not there and were left out"
    if found.other_size:
        yield f"            {found.other_size} are not as large as the file says (turned or scaled since?),"
        yield "            so annotations may not fit them: then the figures are too low"
    yield f"  protocol  {protocol_line(found.protocol)}"
    if found.detector:
        yield f"  boxes     found by {found.detector}; their scores count, and like poses are suppressed"
    if not found.published_protocol:
        yield "            this is not the protocol of the published figure"
    verdict = found.verdict
    source = f"[{found.source.document}: {found.source.cell}]"
    yield f"  published {verdict.metric} {verdict.published:.1f} %  {source}"
    yield f"  verdict   {_STANDINGS[verdict.standing]}: {verdict.reason}"


def format_parity(found: Parity | ModelParity) -> tuple[list[str], list[list[str]]]:
    """One row a quantity: head cells and rows."""
    head = ["format", "state", "layer", "what", "max abs", "unit", "relative", "cosine", "limit"]
    rows: list[list[str]] = []
    for row in found.formats:
        name, state = row.format, _STATES[row.state]
        if not row.layers:
            rows.append([name, state, *["-"] * 7])
        for layer in row.layers:
            rows.append([name, state, *_cells(layer)])
            name, state = "", ""
    return head, rows


def _cells(layer: LayerDifference) -> list[str]:
    counted = layer.unit == "count"
    limit = "-" if layer.limit is None else f"{layer.limit:.0f}" if counted else f"{layer.limit:.0e}"
    return [
        layer.layer,
        layer.what,
        (f"{layer.max_abs:.0f}" if counted else f"{layer.max_abs:.1e}") + ("" if layer.within else " !"),
        layer.unit,
        "-" if layer.relative is None else f"{layer.relative:.1e}",
        "-" if layer.cosine is None else f"{layer.cosine:.6f}",
        limit,
    ]


def parity_words(found: Parity) -> Iterator[str]:
    """What the table comes to, a sentence a format."""
    yield (
        f"{found.entry} beside its inference model on {found.reference}: {found.images} images, "
        f"{found.found} found in them"
    )
    for row in found.formats:
        yield f"{row.format}: {_parity_word(row)}"


def model_parity_words(found: ModelParity) -> Iterator[str]:
    """What the table of a model outside the catalog comes to, a sentence a format."""
    yield f"{found.model} on {found.reference}, fed noise: {'; '.join(found.runs)}"
    for row in found.formats:
        yield f"{row.format}: {_parity_word(row)}"


def _parity_word(row: FormatParity) -> str:
    if row.state == "same":
        return f"the same on every layer, on {row.engine}" + (f"; {row.reason}" if row.reason else "")
    if row.state == "measured":
        return (
            f"what half precision does, held to no bound, on {row.engine}; zoo validate shows what it costs"
        )
    if row.state == "differs":
        return f"differs first in the {row.first} layer, on {row.engine}" + (
            f": {row.reason}" if row.reason else ""
        )
    return f"{_STATES[row.state]}: {row.reason}"


def format_bench(found: Bench) -> tuple[list[str], list[list[str]]]:
    """One row a format, milliseconds: head cells and rows."""
    head = ["format", "engine", "threads", "runs", "min ms", "p50 ms", "p90 ms", "p99 ms", "max ms", "note"]
    rows = []
    for timing in found.timings:
        times = _times(timing.summary) if timing.summary else ["-"] * 6
        rows.append([timing.format, timing.engine or "-", str(timing.threads), *times, timing.reason or ""])
    return head, rows


def _times(summary: Summary) -> list[str]:
    values = (summary.minimum, summary.p50, summary.p90, summary.p99, summary.maximum)
    return [str(summary.runs), *(f"{value:.2f}" for value in values)]


def published_latencies(found: Bench) -> Iterator[str]:
    """Published figures of the same scope, one a line."""
    yield f"scope {found.plan.scope}, batch 1, {found.plan.warm_up} runs before the first that counts"
    if not found.published:
        yield "nothing is published with this scope"
    for figure in found.published:
        yield f"published  {latency_line(figure)}"
