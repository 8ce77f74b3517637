"""Exported models compute the same as the network, in both program formats, for every head."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.choices import Program
from registry.schema import DetectionOutput, MulticlassNms
from tests.converters.inference.conftest import NMS, PROGRAMS, SCALE_FACTORS, Models, Sample


@pytest.mark.parametrize("program", PROGRAMS)
def test_heat_maps_and_the_positions_of_their_maxima(program: Program, models: Models, pose: Sample) -> None:
    outputs = models[program]["pose"].outputs
    expected = pose.outputs["heatmaps"]

    assert list(outputs) == ["heatmaps", "argmax"]
    np.testing.assert_allclose(outputs["heatmaps"], expected, atol=1e-6)
    assert outputs["argmax"].dtype == np.int64
    np.testing.assert_array_equal(outputs["argmax"], expected.reshape(2, 3, -1).argmax(-1))


@pytest.mark.parametrize("program", PROGRAMS)
def test_joints_in_space_are_the_expected_cells_of_their_volumes(
    program: Program, models: Models, pose3d: Sample
) -> None:
    outputs = models[program]["3d pose"].outputs
    volumes = pose3d.outputs["heatmaps"].reshape(2, 3, 5, 16, 24).astype("float64")
    share = np.exp(volumes) / np.exp(volumes).sum(axis=(2, 3, 4), keepdims=True)
    expected = [
        (share.sum(axis=others) * np.arange(cells)).sum(axis=-1)
        for others, cells in (((2, 3), 24), ((2, 4), 16), ((3, 4), 5))
    ]

    assert list(outputs) == ["joints"]
    np.testing.assert_allclose(outputs["joints"], np.stack(expected, axis=-1), atol=1e-4)


@pytest.mark.parametrize("program", PROGRAMS)
def test_raw_levels_come_as_scores_then_distances_by_stride(
    program: Program, models: Models, detector: Sample
) -> None:
    outputs = models[program]["raw"].outputs

    strides = [8, 16, 32, 64]
    assert list(outputs) == [f"{kind}_{stride}" for kind in ("scores", "distances") for stride in strides]
    for name, values in outputs.items():
        np.testing.assert_allclose(values, detector.outputs[name][:1], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("program", PROGRAMS)
def test_boxes_are_decoded_in_network_pixels_of_an_image_the_graph_normalized(
    program: Program, models: Models, detector_v2: Sample
) -> None:
    outputs = models[program]["boxes from pixels"].outputs
    boxes, scores = decoded(detector_v2)

    assert list(outputs) == ["boxes", "scores"]
    np.testing.assert_allclose(outputs["boxes"], boxes, atol=1e-2)
    np.testing.assert_allclose(outputs["scores"], scores, atol=1e-4)


@pytest.mark.parametrize("program", PROGRAMS)
def test_suppressed_boxes_are_in_the_pixels_of_each_image(
    program: Program, models: Models, detector_v2: Sample
) -> None:
    outputs = models[program]["nms"].outputs
    boxes, scores = decoded(detector_v2)

    assert list(outputs) == ["boxes", "box_counts"]
    counts = outputs["box_counts"]
    assert counts.dtype == np.int32
    assert counts.sum() == len(outputs["boxes"])
    per_image = np.split(outputs["boxes"], np.cumsum(counts)[:-1])
    for image, rows in enumerate(per_image):
        factor = SCALE_FACTORS[image][[1, 0, 1, 0]]
        expected = suppressed(boxes[image] / factor, scores[image], NMS)
        assert 0 < len(expected) < boxes.shape[1]
        np.testing.assert_allclose(in_order(rows), in_order(expected), atol=1e-2)


@pytest.mark.parametrize("program", PROGRAMS)
def test_inspection_of_the_files_matches_the_options(program: Program, models: Models) -> None:
    inspection = models[program]["nms"].model.inspection

    assert inspection.format == ("program" if program == "legacy" else "pir")
    assert {tensor.name: tensor.shape for tensor in inspection.inputs} == {
        "image": (None, 3, 64, 96),
        "scale_factor": (None, 2),
    }
    assert {tensor.name: tensor.dtype for tensor in inspection.outputs} == {
        "boxes": "float32",
        "box_counts": "int32",
    }


def test_both_program_formats_have_the_same_parameters(models: Models) -> None:
    for name, ran in models["legacy"].items():
        assert ran.model.params.read_bytes() == models["pir"][name].model.params.read_bytes(), name


def decoded(sample: Sample) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes [N, A, 4] in network pixels and scores [N, classes, A], from the raw levels."""
    entry = sample.entry
    assert isinstance(entry.output, DetectionOutput)
    boxes, scores = [], []
    for stride in entry.output.strides:
        logits = sample.outputs[f"distances_{stride}"]
        rows, columns = -(-entry.input.height // stride), -(-entry.input.width // stride)
        shares = np.exp(logits.reshape(2, rows, columns, 4, 8).astype("float64"))
        sides = (shares / shares.sum(-1, keepdims=True)) @ np.arange(8)
        for y in range(rows):
            for x in range(columns):
                left, top, right, bottom = sides[:, y, x].T
                corners = [x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom]
                boxes.append(np.stack(corners, axis=-1) * stride)
        scores.append(sample.outputs[f"scores_{stride}"].transpose(0, 2, 1))
    return np.stack(boxes, axis=1), np.concatenate(scores, axis=2)


def suppressed(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], nms: MulticlassNms
) -> NDArray[np.float32]:
    """Rows of class, score and corners that class-wise greedy suppression keeps."""
    kept: list[tuple[float, ...]] = []
    for number, of_class in enumerate(scores):
        chosen: list[int] = []
        candidates = [i for i in np.argsort(-of_class, kind="stable") if of_class[i] > nms.score_threshold]
        for candidate in candidates[: nms.top_k]:
            if all(overlap(boxes[candidate], boxes[other]) <= nms.iou_threshold for other in chosen):
                chosen.append(candidate)
        kept += [(number, of_class[i], *boxes[i]) for i in chosen]
    return np.array(sorted(kept, key=lambda row: -row[1])[: nms.keep])


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = sum(float(np.prod(box[2:] - box[:2])) for box in (one, other))
    return common / (areas - common)


def in_order(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """By class, then by falling score: versions of paddle order them differently."""
    return rows[np.lexsort((-rows[:, 1], rows[:, 0]))]
