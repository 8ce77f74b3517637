"""Detector outputs of all three forms become boxes in the image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import ConversionError
from registry.schema.protocol import MulticlassNms
from tests.helpers.model_specs import DETECTOR_INPUT, EVALUATION_NMS, RAW_BOXES
from zoo.runner.postprocess.boxes import decode_raw, make_grid
from zoo.runner.postprocess.heads import decode_detections, identify_head
from zoo.runner.postprocess.suppression import multiclass_nms
from zoo.runner.protocols import PYTHON_DEPLOYMENT_NMS

STRIDES = (8, 16, 32, 64)
ONE = np.ones(2, np.float32)


def raw_outputs(height: int = 192, width: int = 192, classes: int = 1, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    counts = [-(-height // stride) * -(-width // stride) for stride in STRIDES]
    scores = [random.random((1, count, classes), np.float32) for count in counts]
    return scores + [random.normal(0, 3, (1, count, 32)).astype(np.float32) for count in counts]


def reference_decode(outputs: list[np.ndarray], height: int, width: int) -> np.ndarray:
    boxes = []
    for stride, logits in zip(STRIDES, outputs[4:], strict=True):
        cell = 0
        for y in range(-(-height // stride)):
            for x in range(-(-width // stride)):
                sides = []
                for side in logits[0, cell].astype(np.float64).reshape(4, 8):
                    weight = np.exp(side - side.max())
                    sides.append((weight * np.arange(8)).sum() / weight.sum() * stride)
                cx, cy = (x + 0.5) * stride, (y + 0.5) * stride
                boxes.append([cx - sides[0], cy - sides[1], cx + sides[2], cy + sides[3]])
                cell += 1
    return np.array(boxes)


@pytest.mark.parametrize(("side", "count"), [(192, 765), (320, 2125), (416, 3598)])
def test_a_square_input_has_as_many_cells_as_upstream_counts(side: int, count: int) -> None:
    assert len(make_grid(side, side, STRIDES).centers) == count


@pytest.mark.parametrize(("height", "width"), [(192, 192), (64, 160), (96, 100)])
def test_decoding_equals_the_definition(height: int, width: int) -> None:
    spec = DETECTOR_INPUT.model_copy(update={"height": height, "width": width})
    outputs = raw_outputs(height, width)
    decoded = decode_raw(outputs, spec, RAW_BOXES, -1.0)
    np.testing.assert_allclose(decoded.boxes, reference_decode(outputs, height, width), atol=1e-3)
    chosen = decode_raw(outputs, spec, RAW_BOXES, 0.7)
    above = np.concatenate(outputs[:4], axis=1)[0, :, 0] > 0.7
    assert (chosen.boxes == decoded.boxes[above]).all()


def test_a_one_hot_distribution_gives_whole_cells() -> None:
    outputs = raw_outputs()
    outputs[4][0, 0] = -1000
    outputs[4][0, 0].reshape(4, 8)[range(4), [0, 1, 2, 7]] = 1000
    assert decode_raw(outputs, DETECTOR_INPUT, RAW_BOXES, -1).boxes[0].tolist() == [4, -4, 20, 60]


def test_outputs_of_another_input_size_are_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        decode_raw(raw_outputs(320, 320), DETECTOR_INPUT, RAW_BOXES, 0.4)
    assert caught.value.code == "output-shape"


def reference_nms(boxes: np.ndarray, scores: np.ndarray, rule: MulticlassNms) -> list[tuple[int, int]]:
    def overlap(a: np.ndarray, b: np.ndarray) -> float:
        sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        shared = max(0, sides[0]) * max(0, sides[1])
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

    found = []
    for label in range(scores.shape[1]):
        order = sorted(range(len(boxes)), key=lambda row: -scores[row, label])
        order = [row for row in order if scores[row, label] > rule.score_threshold][: rule.top_k]
        kept: list[int] = []
        for row in order:
            if all(overlap(boxes[row], boxes[other]) <= rule.iou_threshold for other in kept):
                kept.append(row)
        found += [(row, label) for row in kept]
    return sorted(found, key=lambda pair: -scores[pair])[: rule.keep]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 40),
    st.integers(1, 4),
    st.builds(
        MulticlassNms,
        score_threshold=st.floats(0, 0.9),
        iou_threshold=st.floats(0.1, 0.9),
        top_k=st.integers(1, 40),
        keep=st.integers(1, 40),
    ),
)
def test_suppression_equals_comparing_every_pair(
    seed: int, count: int, classes: int, rule: MulticlassNms
) -> None:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 60, (count, 2))], axis=1)
    scores = random.random((count, classes), np.float32)
    kept = multiclass_nms(boxes, scores, rule)
    pairs = list(zip(kept.index.tolist(), kept.label.tolist(), strict=True))
    assert pairs == reference_nms(boxes, scores, rule)
    assert kept.score.tolist() == [scores[pair] for pair in pairs]


def test_boxes_of_different_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10.0]])
    kept = multiclass_nms(boxes, np.array([[0.9, 0.0], [0.0, 0.8]], np.float32), EVALUATION_NMS)
    assert kept.label.tolist() == [0, 1]


def test_an_overlap_equal_to_the_threshold_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 5, 10.0]])
    rule = EVALUATION_NMS.model_copy(update={"iou_threshold": 0.5})
    assert len(multiclass_nms(boxes, np.array([[0.9], [0.8]], np.float32), rule).index) == 2


def test_a_score_equal_to_the_threshold_is_dropped() -> None:
    rule = EVALUATION_NMS.model_copy(update={"score_threshold": 0.5})
    assert len(multiclass_nms(np.array([[0, 0, 1, 1.0]]), np.array([[0.5]], np.float32), rule).index) == 0


def test_the_three_forms_of_output_give_the_same_boxes() -> None:
    scale = np.array([0.5, 2], np.float32)
    raw = raw_outputs()
    everything = decode_raw(raw, DETECTOR_INPUT, RAW_BOXES, -1)
    from_raw = decode_detections(raw, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, scale)
    decoded = [everything.boxes[None], everything.scores.T[None]]
    from_boxes = decode_detections(decoded, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, scale)
    rows = np.column_stack([from_raw.labels, from_raw.scores, from_raw.boxes]).astype(np.float32)
    from_nms = decode_detections(
        [rows, np.array([len(rows)], np.int32)], DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, scale
    )
    assert len(from_raw) == 100
    for other in (from_boxes, from_nms):
        np.testing.assert_allclose(other.boxes, from_raw.boxes)
        assert (other.scores == from_raw.scores).all()


def test_boxes_are_divided_by_the_scale_of_their_axis() -> None:
    raw = raw_outputs()
    plain = decode_detections(raw, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, ONE)
    scaled = decode_detections(raw, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, np.array([0.5, 2], np.float32))
    np.testing.assert_allclose(scaled.boxes, plain.boxes * [0.5, 2, 0.5, 2], rtol=1e-6)


def test_a_graph_without_detections() -> None:
    nothing = [np.zeros((0, 6), np.float32), np.zeros(1, np.int32)]
    assert len(decode_detections(nothing, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, ONE)) == 0
    empty = raw_outputs()
    for scores in empty[:4]:
        scores[:] = 0
    assert decode_detections(empty, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, ONE).boxes.shape == (0, 4)


@pytest.mark.parametrize("shapes", [[], [(1, 17, 32, 24), (1, 17)], [(1, 765, 5), (1, 1, 765)]])
def test_outputs_of_another_family_are_refused(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ConversionError) as caught:
        identify_head(shapes, RAW_BOXES)
    assert caught.value.code == "output-shape"


def test_boxes_match_upstreams_on_its_own_outputs(shared: Path) -> None:
    for image in ("demo_3", "demo_4"):
        folder = shared / "data/reference"
        for model, rule in (
            ("picodet_s_192_pedestrian", PYTHON_DEPLOYMENT_NMS),
            ("picodet_s_192_lcnet_pedestrian", EVALUATION_NMS),
        ):
            stored = np.load(folder / f"{model}__{image}.raw.npz")
            stated = json.loads((folder / f"{model}__{image}.boxes.json").read_text())
            names = ("boxes", "scores") if "boxes" in stored.files else [f"out{i}" for i in range(8)]
            outputs = [stored[name] for name in names]
            scale = np.array(stated["scale_factor_yx"], np.float32)
            found = decode_detections(outputs, DETECTOR_INPUT, RAW_BOXES, rule, scale)
            expected = np.array(stated["boxes"])
            np.testing.assert_allclose(found.boxes, expected[:, 2:], atol=1e-3)
            np.testing.assert_allclose(found.scores, expected[:, 1], atol=1e-6)


def test_the_order_of_boxes_does_not_depend_on_the_graphs_order() -> None:
    rows = np.array([[0, 0.9, 1, 1, 9, 9], [0, 0.6, 2, 2, 8, 8], [1, 0.7, 3, 3, 7, 7]], np.float32)
    count = np.array([3], np.int32)

    found = [
        decode_detections([rows[order], count], DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS, ONE)
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0])
    ]

    for each in found:
        np.testing.assert_array_equal(each.scores, rows[:, 1])
        np.testing.assert_array_equal(each.boxes, rows[:, 2:])
