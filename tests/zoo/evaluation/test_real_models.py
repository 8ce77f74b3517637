"""Converted real models compute the same as the inference model, on a real image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import registry
from tests.zoo.conftest import OpenModel
from zoo._utils.choices import Backend
from zoo.evaluation.output_diff import compare_outputs
from zoo.runner.images import read_image
from zoo.runner.preprocess import prepare_image

DETECTOR = "picodet_s_192_pedestrian"
POSE = "tinypose_128x96"


LIMIT = 1e-4  # on this image, which is easier than the drawn figures of the tolerances in the catalog


@pytest.mark.parametrize("engine", ["lite", "onnx"])
def test_the_detector_agrees_on_all_outputs(open_model: OpenModel, shared: Path, engine: Backend) -> None:
    decoded = read_image(shared / "data/reference/demo_3.jpg", honor_exif=True)
    image = prepare_image(decoded, registry.load().get(DETECTOR).input, "host").tensor
    expected = open_model(DETECTOR, "paddle").run({"image": image})

    found = compare_outputs(expected, open_model(DETECTOR, engine).run({"image": image}))

    assert len(found) == 8
    worst = max(difference.max_abs for difference in found)
    assert worst <= LIMIT, found


@pytest.mark.parametrize("engine", ["lite", "onnx"])
def test_the_pose_network_agrees_on_heat_maps_and_indices(
    open_model: OpenModel, shared: Path, engine: Backend
) -> None:
    reference = np.load(shared / "data/reference/tinypose_128x96__demo_3__A.heatmaps.npz")
    image = reference["input_0"].reshape(1, 3, 128, 96)
    expected = open_model(POSE, "paddle").run({"image": image})

    heat_maps, indices = compare_outputs(expected, open_model(POSE, engine).run({"image": image}))

    assert heat_maps.max_abs <= LIMIT
    assert (indices.index, indices.max_abs) == (True, 0)
