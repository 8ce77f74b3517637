"""An entry as text: figures with protocol and source, files with digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from converters.networks.measured import Complexity
from registry.printable import printable
from registry.schema import (
    Accuracy,
    Artifact,
    Conflict,
    DetectionOutput,
    DetectionProtocol,
    Entry,
    HeatmapOutput,
    KeypointProtocol,
    Latency,
    Pipeline,
    PipelineProtocol,
    Protocol,
    Source,
)


def format_entry(entry: Entry, measured: Complexity | None) -> str:
    """Format the catalog data of a model.

    Args:
        entry: The model.
        measured: Size computed from the network; None if the architecture is not modeled.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(map(printable, _lines(entry, measured))) + "\n"


def format_pipeline(pipeline: Pipeline) -> str:
    """Format the catalog data of a pipeline.

    Args:
        pipeline: The pipeline.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(map(printable, _pipeline_lines(pipeline))) + "\n"


def _lines(entry: Entry, measured: Complexity | None) -> Iterator[str]:
    spec = entry.input
    yield f"{entry.id}  {entry.title}"
    yield f"  task      {entry.task}, family {entry.family}, license {entry.license}"
    shape = f"[N, 3, {spec.height}, {spec.width}]"
    yield f"  input     {spec.name} {shape} {spec.color}, {spec.resize}, {spec.interpolation}"
    yield f"            (x * {spec.scale:.8f} - {_list(spec.mean)}) / {_list(spec.std)}  {cite(spec.source)}"
    yield from _output(entry)
    yield from _accuracies(entry.accuracy)
    yield from _latencies(entry.latency)
    yield from _sizes(entry, measured)
    for data in entry.training:
        yield f"  trained   {f'{data.name} {data.split or str()}'.strip()}  {cite(data.source)}"
        yield from ([f"            {data.url}"] if data.url else [])
    yield (
        "  artifacts" if entry.artifacts else "  artifacts none: only the training configuration is published"
    )
    width = max((len(artifact.id) for artifact in entry.artifacts), default=0) + 2
    for artifact in entry.artifacts:
        yield from _artifact(artifact, width)
    yield from _remarks(entry.conflicts, entry.notes)


def _pipeline_lines(pipeline: Pipeline) -> Iterator[str]:
    yield f"{pipeline.id}  {pipeline.title}"
    yield f"  task      {pipeline.task}, family {pipeline.family}, license {pipeline.license}"
    yield f"  detector  {pipeline.detector}"
    yield f"  pose      {pipeline.pose}"
    yield f"  persons   {'one' if pipeline.persons == 1 else f'up to {pipeline.persons}'} in an image"
    yield from _accuracies(pipeline.accuracy)
    yield from _latencies(pipeline.latency)
    yield f"  run       zoo run {pipeline.pose} --detector {pipeline.detector} IMAGE"
    yield from _remarks(pipeline.conflicts, pipeline.notes)


def _output(entry: Entry) -> Iterator[str]:
    out = entry.output
    if isinstance(out, HeatmapOutput):
        height, width = entry.input.height // out.stride, entry.input.width // out.stride
        index = f", arg-max [N, {len(out.joints)}] int64" if out.argmax else ""
        yield f"  output    heat maps [N, {len(out.joints)}, {height}, {width}]{index}  {cite(out.source)}"
        yield f"            joints: {', '.join(out.joints)}"
    elif isinstance(out, DetectionOutput):
        kinds = {
            "raw": f"scores of strides {_list(out.strides)}, then {out.reg_max + 1}-bin distances",
            "boxes": "decoded boxes and scores, before suppression",
            "nms": "class, score, x1, y1, x2, y2 a box",
        }
        yield f"  output    {kinds[out.head]}  {cite(out.source)}"
        yield f"            {len(out.classes)} classes: {', '.join(out.classes)}"
    else:
        yield f"  output    {out.joints} joints, {out.dimensions} coordinates each  {cite(out.source)}"


def _accuracies(figures: Iterable[Accuracy]) -> Iterator[str]:
    for figure in figures:
        unit = "" if figure.metric == "error" else " %"
        yield f"  {figure.metric:<9} {figure.value:{'g' if figure.metric == 'error' else '.1f'}}{unit}  " + (
            cite(figure.source)
        )
        yield f"            {protocol_line(figure.protocol)}"
        yield from ([f"            {figure.note}"] if figure.note else [])


def _latencies(figures: Iterable[Latency]) -> Iterator[str]:
    for figure in figures:
        yield f"  latency   {latency_line(figure)}"
        yield from ([f"            {figure.note}"] if figure.note else [])


def _sizes(entry: Entry, measured: Complexity | None) -> Iterator[str]:
    for size in entry.complexity:
        numbers = [
            f"{size.parameters:g} M parameters" if size.parameters else "",
            f"{size.flops:g} M operations" if size.flops else "",
            f"{size.lite_megabytes:g} MB as a Lite file" if size.lite_megabytes else "",
        ]
        yield f"  published {', '.join(filter(None, numbers))}  {cite(size.source)}"
    if measured:
        parameters, multiply_adds = measured.parameters / 1e6, measured.multiply_adds / 1e6
        sizes = f"{parameters:.2f} M parameters, {multiply_adds:.2f} M multiply-adds"
        yield f"  computed  {sizes}  [from the network: convolutions; a multiply-add counts once]"
    elif entry.architecture is None:
        yield "  computed  none: the architecture is not modeled"


def latency_line(figure: Latency) -> str:
    """Format a latency with its conditions and its source in one line."""
    conditions = [
        figure.device,
        f"{figure.engine or 'engine: see the conflict'} {figure.engine_version or ''}".strip(),
        f"{figure.threads} thread{'s' if figure.threads > 1 else ''}" if figure.threads else "",
        figure.precision or "precision not stated",
        f"batch {figure.batch}" if figure.batch > 1 else "",
        f"{figure.persons} person{'s' if figure.persons > 1 else ''}" if figure.persons else "",
        figure.harness or "",
        figure.scope,
    ]
    return f"{figure.milliseconds:.2f} ms  {', '.join(filter(None, conditions))}  {cite(figure.source)}"


def protocol_line(protocol: Protocol) -> str:
    """Format the conditions of an accuracy figure in one line."""
    if isinstance(protocol, KeypointProtocol):
        boxes = (
            "ground-truth boxes" if protocol.boxes == "ground_truth" else f"boxes > {protocol.box_threshold}"
        )
        flip = "flip test" if protocol.flip else "no flip test"
        return f"{protocol.dataset} {protocol.split}, {boxes}, {flip}, {protocol.decoder.method} decoding"
    if isinstance(protocol, DetectionProtocol):
        nms = protocol.nms
        return (
            f"{protocol.dataset} {protocol.split}, categories: {protocol.category_scope}, "
            f"NMS {nms.score_threshold}/{nms.iou_threshold}/{nms.top_k}/{nms.keep}"
        )
    if isinstance(protocol, PipelineProtocol):
        flip = "flip test" if protocol.flip else "no flip test"
        images = protocol.images.replace("_", " ")
        return f"{protocol.dataset} {protocol.split}, {images}, boxes > {protocol.box_threshold}, {flip}"
    if protocol.kind == "private":
        return f"private data, not comparable: {protocol.dataset}; {protocol.conditions}"
    split = f" {protocol.split}" if protocol.split else ""
    return f"{protocol.dataset}{split}, incomplete protocol: {protocol.conditions}"


def _artifact(artifact: Artifact, width: int) -> Iterator[str]:
    indent = " " * (4 + width)
    yield f"    {artifact.id:<{width}}{artifact.urls[0]}"
    yield from (f"{indent}{url}" for url in artifact.urls[1:])
    facts: list[str] = [artifact.container]
    if artifact.normalization:
        facts.append(f"normalization: {artifact.normalization}")
    if artifact.runtime:
        facts.append(f"runtime {artifact.runtime}")
    if artifact.status != "current":
        facts.append(f"{artifact.status.upper()}, never selected by default")
    if artifact.superseded_by:
        facts.append(f"superseded by {artifact.superseded_by}")
    if artifact.digest:
        facts.append(f"sha256 {artifact.digest.sha256}")
    elif artifact.members:
        facts.append(f"digests of {len(artifact.members)} members recorded")
    yield f"{indent}{', '.join(facts)}  {cite(artifact.source)}"
    yield from ([f"{indent}{artifact.note}"] if artifact.note else [])


def _remarks(conflicts: Iterable[Conflict], notes: Iterable[str]) -> Iterator[str]:
    for conflict in conflicts:
        yield f"  conflict  {conflict.about}"
        yield from (f"            {claim.value}  {cite(claim.source)}" for claim in conflict.claims)
        yield from ([f"            {conflict.note}"] if conflict.note else [])
    for note in notes:
        yield f"  note      {note}"


def _list(values: tuple[float, ...] | tuple[int, ...]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


def cite(source: Source) -> str:
    """Format a source in square brackets."""
    return f"[{source.document}: {source.cell}]"
