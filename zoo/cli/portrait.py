"""One entry as text for people: figures with protocol and source, files with digests."""

from __future__ import annotations

from collections.abc import Iterator

from converters.networks.measured import Complexity
from registry.schema import Artifact, DetectionProtocol, Entry, KeypointProtocol, Source


def of_entry(entry: Entry, measured: Complexity | None) -> str:
    """Everything the catalogue knows about an entry.

    Args:
        entry: The entry.
        measured: Its network's size, computed here; None where the architecture is not modelled.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(_lines(entry, measured)) + "\n"


def _lines(entry: Entry, measured: Complexity | None) -> Iterator[str]:
    spec = entry.input
    yield f"{entry.id}  {entry.title}"
    yield f"  task      {entry.task}, family {entry.family}, licence {entry.licence}"
    shape = f"[N, 3, {spec.height}, {spec.width}]"
    yield f"  input     {spec.name} {shape} {spec.colour}, {spec.resize}, {spec.interpolation}"
    yield f"            (x * {spec.scale:.8f} - {_list(spec.mean)}) / {_list(spec.std)}  {_cite(spec.source)}"
    yield from _output(entry)
    yield from _figures(entry)
    if measured:
        parameters, multiply_adds = measured.parameters / 1e6, measured.multiply_adds / 1e6
        sizes = f"{parameters:.2f} M parameters, {multiply_adds:.2f} M multiply-adds"
        yield f"  computed  {sizes}  [from the network: convolutions, a multiply-add counted once]"
    yield "  trained   " + ", ".join(f"{data.name} {data.split or ''}".strip() for data in entry.training)
    yield "  artifacts"
    for artifact in entry.artifacts:
        yield from _artifact(artifact)
    for note in entry.notes:
        yield f"  note      {note}"


def _output(entry: Entry) -> Iterator[str]:
    out = entry.output
    if out.kind == "heatmap":
        height, width = entry.input.height // out.stride, entry.input.width // out.stride
        index = f", arg-max [N, {len(out.joints)}] int64" if out.argmax else ""
        yield f"  output    heat maps [N, {len(out.joints)}, {height}, {width}]{index}  {_cite(out.source)}"
        yield f"            joints: {', '.join(out.joints)}"
    else:
        kinds = {
            "raw": f"scores of strides {_list(out.strides)}, then {out.reg_max + 1}-bin distances",
            "boxes": "decoded boxes and scores, before suppression",
            "nms": "class, score, x1, y1, x2, y2 a box",
        }
        yield f"  output    {kinds[out.head]}  {_cite(out.source)}"
        yield f"            classes: {', '.join(out.classes)}"


def _figures(entry: Entry) -> Iterator[str]:
    for accuracy in entry.accuracy:
        yield f"  {accuracy.metric:<9} {accuracy.value:.1f} %  {_cite(accuracy.source)}"
        yield f"            {protocol_line(accuracy.protocol)}"
    for latency in entry.latency:
        how = f"{latency.engine} {latency.engine_version or ''}".strip()
        threads = f", {latency.threads} threads" if latency.threads else ""
        yield (
            f"  latency   {latency.milliseconds:.2f} ms  {latency.device}, {how}{threads}, "
            f"{latency.precision or 'precision not stated'}, {latency.scope}  {_cite(latency.source)}"
        )
    for size in entry.complexity:
        numbers = [f"{size.parameters} M parameters" if size.parameters else ""]
        numbers.append(f"{size.flops} M operations" if size.flops else "")
        yield f"  published {', '.join(filter(None, numbers))}  {_cite(size.source)}"


def protocol_line(protocol: KeypointProtocol | DetectionProtocol) -> str:
    """The conditions of an accuracy figure in one line."""
    if isinstance(protocol, KeypointProtocol):
        boxes = (
            "ground-truth boxes" if protocol.boxes == "ground_truth" else f"boxes > {protocol.box_threshold}"
        )
        flip = "flip test" if protocol.flip else "no flip test"
        return f"{protocol.dataset} {protocol.split}, {boxes}, {flip}, {protocol.decoder.method} decoding"
    nms = protocol.nms
    return (
        f"{protocol.dataset} {protocol.split}, categories: {protocol.category_scope}, "
        f"NMS {nms.score_threshold}/{nms.iou_threshold}/{nms.top_k}/{nms.keep}"
    )


def _artifact(artifact: Artifact) -> Iterator[str]:
    yield f"    {artifact.id:<16}{artifact.urls[0]}"
    yield from (f"{'':20}{url}" for url in artifact.urls[1:])
    facts: list[str] = [artifact.container]
    if artifact.normalisation:
        facts.append(f"normalisation: {artifact.normalisation}")
    if artifact.runtime:
        facts.append(f"runtime {artifact.runtime}")
    if artifact.digest:
        facts.append(f"sha256 {artifact.digest.sha256}")
    elif artifact.members:
        facts.append(f"digests of {len(artifact.members)} members known")
    yield f"{'':20}{', '.join(facts)}"


def _list(values: tuple[float, ...] | tuple[int, ...]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


def _cite(source: Source) -> str:
    return f"[{source.document}: {source.cell}]"
