"""The first layer that differs, on networks that differ in one layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import registry
from tests.helpers.fake_session import DETECTOR_TENSOR, POSE_TENSOR, FakeSession, bright_spots
from zoo.artifacts.resolver import Fetched
from zoo.evaluation.layers import LayerOutputs, Sample, record_layers, without_argmax
from zoo.evaluation.limits import (
    PIXEL_TOLERANCE,
    RELATIVE_TOLERANCE,
    SCORE_TOLERANCE,
    UNLIMITED,
    Limits,
    select_limits,
)
from zoo.evaluation.parity import compare_layers
from zoo.runner.loading import LoadedModel, RunConfig

POSE = registry.load().get("tinypose_128x96")
DETECTOR = registry.load().get("picodet_s_192_pedestrian")
LIMIT = POSE.tolerances[0].max_abs

Answer = Callable[[np.ndarray], list[np.ndarray]]


def pose(answer: Answer) -> LayerOutputs:
    rows, columns = np.mgrid[:300, :400]
    spot = 255 * np.exp(-((columns - 210) ** 2 + (rows - 140) ** 2) / (2 * 20**2))
    image = np.repeat(spot[:, :, None], 3, axis=2).astype(np.uint8)
    boxes = np.array([[100.0, 50, 300, 250], [150, 60, 260, 280]])
    return record_layers(network("tinypose", FakeSession(answer, POSE_TENSOR)), [Sample(image, boxes)])


def detector(answer: Answer) -> LayerOutputs:
    images = [Sample(np.full((200, 300, 3), level, dtype=np.uint8)) for level in (0, 200)]
    return record_layers(network("picodet", FakeSession(answer, DETECTOR_TENSOR)), images)


def network(name: str, session: FakeSession) -> LoadedModel:
    entry = POSE if name == "tinypose" else DETECTOR
    fetched = Fetched(
        entry=entry.id,
        artifact="onnx-fp32",
        path=Path("x"),
        origin="built",
        start="inference",
        url="",
        sha256="",
        from_cache=True,
    )
    return LoadedModel(entry, RunConfig(), fetched, session, "host")


def off_by(amount: float) -> Answer:
    """Heatmaps with one changed value; the arg-max is unchanged."""

    def answer(tensor: np.ndarray) -> list[np.ndarray]:
        maps, index = bright_spots(tensor)
        maps[0, 0, 0, 0] += np.float32(amount)
        return [maps, index]

    return answer


def final_rows(*rows: tuple[float, ...]) -> Answer:
    """The outputs of a graph with suppression: class, score, corners."""
    found = np.array([(0, *row) for row in rows], np.float32).reshape(-1, 6)
    return lambda _: [found, np.array([len(found)], np.int32)]


def test_equal_outputs_are_the_same_on_every_layer() -> None:
    found = compare_layers(pose(bright_spots), pose(bright_spots), POSE, "fp32")

    assert (found.state, found.first_layer) == ("same", None)
    assert [layer.layer for layer in found.layers] == ["raw", "raw", "decoded", "final", "final"]
    assert all(layer.max_abs == 0 for layer in found.layers)


@pytest.mark.parametrize(("amount", "state"), [(LIMIT / 2, "same"), (LIMIT * 2, "differs")])
def test_the_tolerance_of_the_catalog_limits_raw_outputs(amount: float, state: str) -> None:
    found = compare_layers(pose(bright_spots), pose(off_by(amount)), POSE, "fp32")

    assert found.state == state
    assert found.first_layer == ("raw" if state == "differs" else None)
    assert found.layers[0].max_abs == pytest.approx(amount, rel=1e-2)


@pytest.mark.parametrize(
    ("factor", "state"), [(0, "same"), (0.5, "same"), (2, "differs")], ids=["equal", "rounding", "beyond"]
)
def test_the_default_limits_apply_without_a_tolerance_in_the_catalog(factor: float, state: str) -> None:
    bare = POSE.model_copy(update={"tolerances": ()})
    reference = pose(bright_spots)
    largest = max(1.0, float(np.abs(next(iter(reference.raw.values()))).max()))

    found = compare_layers(reference, pose(off_by(factor * RELATIVE_TOLERANCE * largest)), bare, "fp32")

    assert (found.state, found.limits) == (state, "default")
    assert [layer.limit for layer in found.layers] == [
        pytest.approx(RELATIVE_TOLERANCE * largest),
        0,  # indices
        PIXEL_TOLERANCE,
        PIXEL_TOLERANCE,
        SCORE_TOLERANCE,
    ]


def test_the_default_limits_apply_to_final_boxes() -> None:
    bare = DETECTOR.model_copy(update={"tolerances": ()})
    reference = detector(final_rows((0.9, 10, 10, 50, 80)))

    near = compare_layers(reference, detector(final_rows((0.9005, 10, 10, 50, 80.05))), bare, "fp32")
    far = compare_layers(reference, detector(final_rows((0.9, 10, 10, 50, 80.5))), bare, "fp32")

    assert (near.state, near.limits) == ("same", "default")
    assert (far.state, far.first_layer) == ("differs", "final")


def test_fp16_has_no_default_limits() -> None:
    bare = POSE.model_copy(update={"tolerances": ()})

    assert select_limits(bare, "fp16") == UNLIMITED


def test_the_catalog_states_the_bounds_of_every_layer() -> None:
    (stated,) = POSE.tolerances
    half = stated.model_copy(update={"precision": "fp16", "max_abs": 0.2, "pixels": 2.0, "scores": 0.02})
    both = POSE.model_copy(update={"tolerances": (stated, half)})

    assert select_limits(both, "fp16") == Limits(raw=0.2, pixels=2.0, scores=0.02, source="catalog")
    found = compare_layers(pose(bright_spots), pose(bright_spots), both, "fp32")
    assert [layer.limit for layer in found.layers] == [
        stated.max_abs,
        stated.max_abs,
        stated.pixels,
        stated.pixels,
        stated.scores,
    ]


def test_half_precision_is_measured_where_the_catalog_does_not_bound_it() -> None:
    found = compare_layers(pose(bright_spots), pose(off_by(0.3)), POSE, "fp16")

    assert (found.state, found.first_layer) == ("measured", None)
    assert found.layers[0].max_abs == pytest.approx(0.3, rel=1e-2)
    assert {layer.limit for layer in found.layers} == {None}


def test_indices_are_compared_for_equality() -> None:
    def answer(tensor: np.ndarray) -> list[np.ndarray]:
        maps, index = bright_spots(tensor)
        index[1, 3] += 1
        return [maps, index]

    found = compare_layers(pose(bright_spots), pose(answer), POSE, "fp32")

    assert (found.first_layer, found.layers[1].unit, found.layers[1].max_abs) == ("raw", "count", 1)


def test_a_format_without_argmax_is_compared_by_its_heatmaps() -> None:
    def maps_alone(tensor: np.ndarray) -> list[np.ndarray]:
        return bright_spots(tensor)[:1]

    reference, other = pose(bright_spots), pose(maps_alone)

    found = compare_layers(without_argmax(reference), other, POSE, "fp32")
    assert [layer.layer for layer in found.layers] == ["raw", "decoded", "final", "final"]
    assert (found.state, compare_layers(reference, other, POSE, "fp32").state) == ("same", "differs")


def test_outputs_of_another_shape_differ_in_kind() -> None:
    found = compare_layers(pose(bright_spots), pose(lambda tensor: bright_spots(tensor)[:1]), POSE, "fp32")

    assert (found.state, found.first_layer) == ("differs", "raw")
    assert found.reason is not None
    assert "1 outputs" in found.reason


def test_the_order_of_rows_behind_a_suppression_does_not_matter() -> None:
    one, two = (0.9, 10, 10, 50, 80), (0.7, 100, 20, 160, 90)

    found = compare_layers(detector(final_rows(one, two)), detector(final_rows(two, one)), DETECTOR, "fp32")

    assert found.state == "same"
    assert [layer.quantity for layer in found.layers] == ["boxes", "scores", "unpaired"]


@pytest.mark.parametrize(
    ("other", "quantity"),
    [
        ([(0.9, 10, 10, 50, 81), (0.7, 100, 20, 160, 90)], "boxes"),
        ([(0.8, 10, 10, 50, 80), (0.7, 100, 20, 160, 90)], "scores"),
        ([(0.7, 100, 20, 160, 90)], "unpaired"),
        ([(0.9, 10, 10, 50, 80), (0.7, 100, 20, 160, 90), (0.8, 0, 0, 9, 9)], "unpaired"),
    ],
)
def test_final_boxes_are_compared_by_position_score_and_number(
    other: list[tuple[float, ...]], quantity: str
) -> None:
    reference = detector(final_rows((0.9, 10, 10, 50, 80), (0.7, 100, 20, 160, 90)))

    found = compare_layers(reference, detector(final_rows(*other)), DETECTOR, "fp32")

    assert found.first_layer == "final"
    assert [layer.quantity for layer in found.layers if not layer.within_limit] == [quantity]


def test_a_box_near_the_lowest_kept_score_may_be_missing() -> None:
    kept, edge = (0.9, 10, 10, 50, 80), (0.0251, 100, 20, 160, 90)

    assert (
        compare_layers(detector(final_rows(kept, edge)), detector(final_rows(kept)), DETECTOR, "fp32").state
        == "same"
    )


def test_two_empty_results_are_the_same() -> None:
    found = compare_layers(detector(final_rows()), detector(final_rows()), DETECTOR, "fp32")

    assert found.state == "same"
