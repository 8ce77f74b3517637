"""Which options an entry has by default, and which are refused."""

from __future__ import annotations

import pytest

import registry
from converters.inference.options import (
    HOST_NMS,
    InferenceOptions,
    published_options,
    require_consistent,
)
from registry.errors import NotFoundError, UsageError
from registry.schema import DetectionOutput, Entry, MulticlassNms

EVALUATED_NMS = MulticlassNms(score_threshold=0.025, iou_threshold=0.6, top_k=1000, keep=100)


@pytest.fixture
def pose() -> Entry:
    return registry.load().get("tinypose_128x96")


@pytest.fixture
def detector() -> Entry:
    return registry.load().get("picodet_s_192_pedestrian")


def test_a_pose_network_is_published_with_open_batch_and_maxima(pose: Entry) -> None:
    assert published_options(pose) == InferenceOptions(argmax=True)


def test_a_detector_of_2021_is_published_raw_with_the_nms_values_left_to_the_host(detector: Entry) -> None:
    assert published_options(detector) == InferenceOptions(head="raw", batch=1, nms=HOST_NMS)


def test_suppression_in_the_graph_has_the_values_of_the_published_accuracy(detector: Entry) -> None:
    assert isinstance(detector.output, DetectionOutput)
    suppressed = detector.model_copy(update={"output": detector.output.model_copy(update={"head": "nms"})})

    assert published_options(suppressed) == InferenceOptions(head="nms", nms=EVALUATED_NMS)


@pytest.mark.parametrize("changes", [{"head": "raw"}, {"nms": EVALUATED_NMS}, {"argmax": True}], ids=str)
def test_a_network_of_joint_coordinates_has_neither_heads_nor_maxima(changes: dict[str, object]) -> None:
    entry = registry.load().get("tinypose3d_human36m")
    options = published_options(entry)

    require_consistent(entry, options)

    assert options == InferenceOptions()
    with pytest.raises(UsageError) as refused:
        require_consistent(entry, options.model_copy(update=changes))
    assert refused.value.code == "option-not-applicable"


def test_the_program_format_can_be_chosen(pose: Entry) -> None:
    assert published_options(pose, program="pir").program == "pir"


@pytest.mark.parametrize(
    "changes",
    [{}, {"argmax": False}, {"batch": 4}, {"normalization": "in_graph"}, {"program": "pir"}],
    ids=str,
)
def test_options_of_a_pose_network(pose: Entry, changes: dict[str, object]) -> None:
    require_consistent(pose, published_options(pose).model_copy(update=changes))


@pytest.mark.parametrize(
    "changes",
    [{}, {"head": "boxes", "batch": None}, {"head": "nms", "batch": 2}, {"normalization": "in_graph"}],
    ids=str,
)
def test_options_of_a_detector(detector: Entry, changes: dict[str, object]) -> None:
    require_consistent(detector, published_options(detector).model_copy(update=changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"head": "raw"}, "option-not-applicable"),
        ({"nms": EVALUATED_NMS}, "option-not-applicable"),
        ({"argmax": None}, "option-missing"),
    ],
)
def test_a_pose_network_refuses(pose: Entry, changes: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_consistent(pose, published_options(pose).model_copy(update=changes))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"argmax": False}, "option-not-applicable"),
        ({"head": None}, "option-missing"),
        ({"nms": None}, "option-missing"),
        ({"batch": None}, "raw-head-batch-unsupported"),
        ({"batch": 2}, "raw-head-batch-unsupported"),
    ],
)
def test_a_detector_refuses(detector: Entry, changes: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_consistent(detector, published_options(detector).model_copy(update=changes))
    assert refused.value.code == code


def test_an_input_the_networks_cannot_halve_five_times_is_refused(pose: Entry) -> None:
    odd = pose.model_copy(update={"input": pose.input.model_copy(update={"width": 100})})

    with pytest.raises(UsageError, match="128x100") as refused:
        require_consistent(odd, published_options(odd))
    assert refused.value.code == "input-size-unsupported"


def test_an_entry_without_a_modeled_network_is_refused(pose: Entry) -> None:
    unknown = pose.model_copy(update={"architecture": None})

    with pytest.raises(NotFoundError) as refused:
        require_consistent(unknown, published_options(unknown))
    assert refused.value.code == "architecture-unsupported"
