"""The conditions of an accuracy figure, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from registry import Entry
from registry.errors import UsageError
from registry.schema import DetectionProtocol, KeypointProtocol, Protocol
from registry.schema.protocol import PipelineProtocol, PrivateProtocol, StatedProtocol

_IMAGES = {
    "all": "all images",
    "one_person": "images of one person",
    "at_most_six_persons": "images of one to six persons",
}


class Condition(NamedTuple):
    """One condition.

    Attributes:
        name: What it is about.
        value: How it was done.
    """

    name: str
    value: str


def measurable(entry: Entry) -> KeypointProtocol | DetectionProtocol | None:
    """The protocol an entry's accuracy is measured under; None where the catalog has none to execute."""
    # Imported here: it brings the evaluators along, and words need none.
    from zoo.evaluation.accuracy import executed

    try:
        return executed(entry, None)
    except UsageError:
        return None


def conditions(protocol: Protocol) -> tuple[Condition, ...]:
    """Everything that has to be the same for two figures to be comparable.

    Args:
        protocol: The protocol.
    """
    if isinstance(protocol, KeypointProtocol):
        return tuple(_of_keypoints(protocol))
    if isinstance(protocol, DetectionProtocol):
        return tuple(_of_detection(protocol))
    return tuple(_as_told(protocol))


def _of_keypoints(protocol: KeypointProtocol) -> Iterator[Condition]:
    crop, decoder, suppression = protocol.crop, protocol.decoder, protocol.suppression
    yield Condition("data", f"{protocol.dataset} {protocol.split}, {_IMAGES[protocol.images]}")
    truth = protocol.boxes == "ground_truth"
    yield Condition("boxes", "ground truth" if truth else f"detector, score > {protocol.box_threshold}")
    sides = "the short side" if crop.aspect == "both" else "the width alone"
    around = "filled with black outside the image" if crop.border == "black" else "cut at the image's edge"
    udp = ", unbiased (UDP)" if crop.udp else ""
    yield Condition("crop", f"{sides} widened to the aspect, x{crop.expand:g}, {around}{udp}")
    yield Condition("flip test", "yes, shifted by one cell" if protocol.flip else "no")
    dark = f"DARK, kernel {decoder.kernel}" if decoder.method == "dark" else "arg-max"
    yield Condition("decoding", f"{dark}, projected back by the {decoder.back_projection} map")
    if suppression is not None:
        words = f"OKS {suppression.threshold:g}, joints above {suppression.visibility:g} count for the score"
        yield Condition("suppression", words)
    yield Condition("scored", f"OKS AP 0.50:0.95, {protocol.max_detections} persons an image")


def _of_detection(protocol: DetectionProtocol) -> Iterator[Condition]:
    nms = protocol.nms
    yield Condition("data", f"{protocol.dataset} {protocol.split}")
    scope = "person alone" if protocol.category_scope == "person" else "every category"
    yield Condition("categories", scope)
    empty = "left out" if protocol.empty_images is False else "scored too"
    yield Condition("images without truth", empty)
    yield Condition(
        "suppression",
        f"score > {nms.score_threshold:g}, IoU {nms.iou_threshold:g}, "
        f"{nms.top_k} candidates, {nms.keep} kept",
    )
    yield Condition("scored", f"box AP 0.50:0.95, {protocol.max_detections} boxes an image")


def _as_told(protocol: PipelineProtocol | PrivateProtocol | StatedProtocol) -> Iterator[Condition]:
    """Protocols that cannot be executed: what upstream says, and why that is not enough."""
    if isinstance(protocol, PipelineProtocol):
        yield Condition("data", f"{protocol.dataset} {protocol.split}, {_IMAGES[protocol.images]}")
        yield Condition("boxes", f"detector, score > {protocol.box_threshold:g}")
        yield Condition("flip test", "yes" if protocol.flip else "no")
        yield Condition("not stated", "how regions are cut")
    elif isinstance(protocol, PrivateProtocol):
        yield Condition("data", f"{protocol.dataset}, which only its publisher has: not to be compared")
        yield Condition("conditions", protocol.conditions)
    else:
        yield Condition("data", " ".join(filter(None, (protocol.dataset, protocol.split))))
        yield Condition("conditions", f"{protocol.conditions}; not stated completely enough to be repeated")
