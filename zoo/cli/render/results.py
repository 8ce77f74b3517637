"""Results of models as text: detections, accuracy, parity, latency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from registry.printable import printable
from registry.schema import KeypointProtocol
from zoo.cli.render.entry import latency_line, protocol_line
from zoo.evaluation.limits import DEFAULT_LIMITS, RELATIVE_TOLERANCE

if TYPE_CHECKING:
    from datetime import datetime

    from zoo.evaluation.accuracy import Validation
    from zoo.evaluation.against import Against
    from zoo.evaluation.changes import InstanceChange
    from zoo.evaluation.compare_model import ModelParity
    from zoo.evaluation.latency import Bench, Summary
    from zoo.evaluation.parity import FormatParity, LayerDifference, Parity
    from zoo.runner.batch import RunResult

OUTCOMES = {
    "met": "MET",
    "below": "NOT MET",
    "above": "NOT MET",
    "undecided": "UNDECIDED",
    "not-comparable": "not comparable",
    "not-published": "no published figure",
}
_LISTED_CHANGES = 3  # images, and instances; all are in the JSON form
_STATES = {
    "same": "same",
    "differs": "DIFFERS",
    "failed": "FAILED",
    "measured": "measured",
    "not-run": "not run",
    "missing": "missing",
}


def format_run(found: RunResult) -> tuple[list[str], list[list[str]]]:
    """Return the head cells and one row for each image."""
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
    """Format figures, protocol and verdict.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(map(printable, _validation_lines(found))) + "\n"


def _validation_lines(found: Validation) -> Iterator[str]:
    yield f"{found.entry}  {found.artifact} ({found.origin}) on {found.engine}"
    figures = found.metrics.model_dump()
    low = found.interval.low.model_dump() if found.interval else {}
    high = found.interval.high.model_dump() if found.interval else {}
    for name, value in figures.items():
        interval = ""
        if low.get(name) is not None and high.get(name) is not None:
            interval = f"   95 % interval {100 * low[name]:.1f} to {100 * high[name]:.1f}"
        yield f"  {name:<9} {f'{100 * value:5.1f} %' if value is not None else '    -'}{interval}"
    what = "persons" if isinstance(found.protocol, KeypointProtocol) else "boxes"
    yield f"  data      {found.images} images, {found.results} {what} scored, {found.annotations}"
    if found.missing:
        yield f"            {found.missing} annotated images are missing and were skipped"
    if found.size_mismatches:
        yield f"            {found.size_mismatches} images differ in size from the annotation file"
        yield "            (rotated or scaled later?): the figures may be too low"
    yield f"  protocol  {protocol_line(found.protocol)}"
    if found.detector:
        yield f"  boxes     from {found.detector}; scores include its scores, similar poses are suppressed"
    verdict = found.verdict
    if verdict.published is not None and found.source is not None:
        if not found.published_protocol:
            yield "            not the protocol of the published figure"
        source = f"[{found.source.document}: {found.source.cell}]"
        yield f"  published {verdict.metric} {verdict.published:.1f} %  {source}"
    else:
        yield f"            from {found.protocol.source.document}: {found.protocol.source.cell}"
    yield f"  verdict   {OUTCOMES[verdict.outcome]}: {verdict.reason}"
    if found.recorded is not None:
        yield f"  record    {_format_record(found.recorded)}"
    if found.against is not None:
        yield from _against_lines(found.against)


def _against_lines(found: Against) -> Iterator[str]:
    yield f"against {found.entry}  {found.artifact} ({found.origin}) on {found.engine}"
    low, high = found.interval.low.model_dump(), found.interval.high.model_dump()
    for name, value in found.difference.model_dump().items():
        reference = getattr(found.metrics, name)
        if value is None or low[name] is None or high[name] is None:
            yield f"  {name:<9} -"
            continue
        yield (
            f"  {name:<9} {100 * reference:5.1f} %   difference {100 * value:+.2f}, "
            f"95 % interval {100 * low[name]:+.2f} to {100 * high[name]:+.2f}"
        )
    changes = found.changes
    yield f"  changed   {changes.changed_images} images, {changes.changed_instances} annotated instances"
    for image in changes.images[:_LISTED_CHANGES]:
        yield f"            {image.file}  {image.influence:+.2f} points"
    for instance in changes.instances[:_LISTED_CHANGES]:
        yield f"            {instance.file}  {_describe_instance(instance)}"
    verdict = found.verdict
    yield f"  verdict   {verdict.outcome.upper()}, margin {verdict.margin:g}: {verdict.reason}"


def _describe_instance(changed: InstanceChange) -> str:
    name = "" if changed.annotation_id is None else f"annotation {changed.annotation_id} "
    before, after = (
        "not found" if level is None else f"found at {level:.2f}"
        for level in (changed.reference, changed.candidate)
    )
    return f"{name}{before}, now {after}"


def format_parity(found: Parity | ModelParity) -> tuple[list[str], list[list[str]]]:
    """Return the head cells and one row for each quantity."""
    head = ["format", "state", "layer", "quantity", "max abs", "unit", "relative", "cosine", "limit"]
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
        layer.quantity,
        (f"{layer.max_abs:.0f}" if counted else f"{layer.max_abs:.1e}")
        + ("" if layer.within_limit else " !"),
        layer.unit,
        "-" if layer.relative is None else f"{layer.relative:.1e}",
        "-" if layer.cosine is None else f"{layer.cosine:.6f}",
        limit,
    ]


def summarize_parity(found: Parity) -> Iterator[str]:
    """Summarize the table, one sentence for each format."""
    yield (
        f"{found.entry} compared with its inference model on {found.reference}: {found.images} images, "
        f"{found.instances} detections"
    )
    if any(row.limits == "default" for row in found.formats):
        yield f"default limits, since the catalog states none for this entry: {DEFAULT_LIMITS}"
    for row in found.formats:
        yield f"{row.format}: {_format_summary(row)}"


def summarize_model_parity(found: ModelParity) -> Iterator[str]:
    """Summarize the table of a model outside the catalog, one sentence for each format."""
    yield f"{found.model} on {found.reference}, fed noise: {'; '.join(found.runs)}"
    yield f"limit: {RELATIVE_TOLERANCE:g} of the largest value of an output"
    for row in found.formats:
        yield f"{row.format}: {_format_summary(row)}"


def _format_summary(row: FormatParity) -> str:
    return _format_state(row) + (f" ({_format_record(row.recorded)})" if row.recorded else "")


def _format_record(time: datetime) -> str:
    return f"from a record of {time:%Y-%m-%d %H:%M} UTC; --fresh measures again"


def _format_state(row: FormatParity) -> str:
    if row.state == "same":
        return f"same on every layer, on {row.engine}" + (f"; {row.reason}" if row.reason else "")
    if row.state == "measured":
        return f"measured without a limit, on {row.engine}; see zoo validate for the accuracy"
    if row.state == "differs":
        return f"differs first in the {row.first_layer} layer, on {row.engine}" + (
            f": {row.reason}" if row.reason else ""
        )
    return f"{_STATES[row.state]}: {row.reason}"


def format_bench(found: Bench) -> tuple[list[str], list[list[str]]]:
    """Return the head cells and one row for each format, in milliseconds."""
    head = ["format", "engine", "threads", "runs", "min ms", "p50 ms", "p90 ms", "p99 ms", "max ms", "note"]
    rows = []
    for timing in found.timings:
        times = _times(timing.summary) if timing.summary else ["-"] * 6
        rows.append([timing.format, timing.engine or "-", str(timing.threads), *times, timing.reason or ""])
    return head, rows


def _times(summary: Summary) -> list[str]:
    values = (summary.minimum, summary.p50, summary.p90, summary.p99, summary.maximum)
    return [str(summary.runs), *(f"{value:.2f}" for value in values)]


def format_published_latencies(found: Bench) -> Iterator[str]:
    """Format the published figures of the same scope, one on each line."""
    yield f"scope {found.plan.scope}, batch 1, {found.plan.warmup} warm-up runs"
    if not found.published:
        yield "no published latency has this scope"
    for figure in found.published:
        yield f"published  {latency_line(figure)}"
