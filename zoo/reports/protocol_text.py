"""The conditions of an accuracy figure as text."""

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
        name: Name of the condition.
        value: Its value.
    """

    name: str
    value: str


def measurable(entry: Entry) -> KeypointProtocol | DetectionProtocol | None:
    """Select the protocol under which the accuracy of an entry is measured; None if there is none."""
    # Imported here: it imports the evaluators, which texts do not need.
    from zoo.evaluation.accuracy import select_protocol

    try:
        return select_protocol(entry, None)
    except UsageError:
        return None


def conditions(protocol: Protocol) -> tuple[Condition, ...]:
    """List everything that must be equal for two figures to be comparable.

    Args:
        protocol: The protocol.
    """
    if isinstance(protocol, KeypointProtocol):
        return tuple(_of_keypoints(protocol))
    if isinstance(protocol, DetectionProtocol):
        return tuple(_of_detection(protocol))
    return tuple(_of_incomplete(protocol))


def _of_keypoints(protocol: KeypointProtocol) -> Iterator[Condition]:
    crop, decoder, suppression = protocol.crop, protocol.decoder, protocol.suppression
    yield Condition("data", f"{protocol.dataset} {protocol.split}, {_IMAGES[protocol.images]}")
    truth = protocol.boxes == "ground_truth"
    yield Condition("boxes", "ground truth" if truth else f"detector, score > {protocol.box_threshold}")
    sides = "the short side" if crop.aspect == "both" else "the width only"
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
    scope = "person only" if protocol.category_scope == "person" else "every category"
    yield Condition("categories", scope)
    empty = "skipped" if protocol.empty_images is False else "scored too"
    yield Condition("images without annotations", empty)
    yield Condition(
        "suppression",
        f"score > {nms.score_threshold:g}, IoU {nms.iou_threshold:g}, "
        f"{nms.top_k} candidates, {nms.keep} kept",
    )
    yield Condition("scored", f"box AP 0.50:0.95, {protocol.max_detections} boxes an image")


def _of_incomplete(protocol: PipelineProtocol | PrivateProtocol | StatedProtocol) -> Iterator[Condition]:
    """Conditions of a protocol that cannot be executed: what upstream states, and what is missing."""
    if isinstance(protocol, PipelineProtocol):
        yield Condition("data", f"{protocol.dataset} {protocol.split}, {_IMAGES[protocol.images]}")
        yield Condition("boxes", f"detector, score > {protocol.box_threshold:g}")
        yield Condition("flip test", "yes" if protocol.flip else "no")
        yield Condition("not stated", "how persons are cropped")
    elif isinstance(protocol, PrivateProtocol):
        yield Condition("data", f"{protocol.dataset}, which is not public: not comparable")
        yield Condition("conditions", protocol.conditions)
    else:
        yield Condition("data", " ".join(filter(None, (protocol.dataset, protocol.split))))
        yield Condition("conditions", f"{protocol.conditions}; too incomplete to be repeated")
