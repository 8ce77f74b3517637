"""The protocol of an accuracy measurement: that of the published figure, or the default without one."""

from __future__ import annotations

import pytest

import registry
from registry.errors import UsageError
from registry.schema import DetectionProtocol, Entry, KeypointProtocol
from zoo.evaluation.accuracy import DetectorBoxes, select_protocol
from zoo.runner.runner import require_runnable

POSE = registry.load().get("tinypose_128x96")
DETECTOR = registry.load().get("picodet_s_192_pedestrian")


def without_figures(entry: Entry, **output: object) -> Entry:
    return entry.model_copy(update={"accuracy": (), "output": entry.output.model_copy(update=output)})


def test_the_published_protocol_is_selected() -> None:
    assert select_protocol(POSE, None) == POSE.accuracy[0].protocol
    assert select_protocol(DETECTOR, None) == DETECTOR.accuracy[0].protocol


def test_a_pose_model_without_figures_has_the_default_protocol() -> None:
    bare = without_figures(POSE)

    require_runnable(bare)
    protocol = select_protocol(bare, None)

    assert isinstance(protocol, KeypointProtocol)
    published = POSE.accuracy[0].protocol
    assert protocol.model_copy(update={"source": published.source}) == published
    assert "default" in protocol.source.cell


@pytest.mark.parametrize(("flip", "expected"), [(None, False), (False, False)])
def test_the_default_protocol_has_no_flip_test_without_flip_pairs(flip: bool | None, expected: bool) -> None:
    protocol = select_protocol(without_figures(POSE, flip_pairs=None), flip)

    assert isinstance(protocol, KeypointProtocol)
    assert protocol.flip == expected


@pytest.mark.parametrize(
    ("classes", "scope"),
    [(("person",), "person"), (("pedestrian",), "person"), (("helmet", "person"), "all"), (("cat",), "all")],
)
def test_a_detector_without_figures_has_the_default_protocol(classes: tuple[str, ...], scope: str) -> None:
    bare = without_figures(DETECTOR, classes=classes)

    require_runnable(bare)
    protocol = select_protocol(bare, None)

    assert isinstance(protocol, DetectionProtocol)
    assert protocol.category_scope == scope
    published = DETECTOR.accuracy[0].protocol
    assert isinstance(published, DetectionProtocol)
    assert protocol.nms == published.nms


def test_detector_boxes_can_be_used_without_a_published_figure() -> None:
    protocol = select_protocol(without_figures(POSE), None, DetectorBoxes(detector=DETECTOR))

    assert isinstance(protocol, KeypointProtocol)
    assert (protocol.boxes, protocol.box_threshold) == ("detector", 0.5)


def test_an_entry_whose_output_cannot_be_scored_is_refused() -> None:
    coordinates = registry.load().get("tinypose3d_human36m")

    with pytest.raises(UsageError) as caught:
        select_protocol(coordinates, None)

    assert caught.value.code == "no-protocol"
