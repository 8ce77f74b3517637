"""``infer_cfg.yml``, which describes pre-processing to deployment code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import registry
from converters.inference.infer_cfg import infer_cfg
from converters.inference.options import published_options
from registry.schema import Entry, MulticlassNms


@pytest.fixture
def detector() -> Entry:
    return registry.load().get("picodet_s_192_pedestrian")


def written(entry: Entry, **changes: object) -> dict[str, Any]:
    text = infer_cfg(entry, published_options(entry).model_copy(update=changes))
    content = yaml.safe_load(text)
    assert isinstance(content, dict)
    return content


def test_a_pose_network_has_upstreams_file_to_the_byte(shared: Path) -> None:
    entry = registry.load().get("tinypose_128x96")
    upstream = shared / "data" / "inference" / entry.name / "infer_cfg.yml"

    assert infer_cfg(entry, published_options(entry)) == upstream.read_text(encoding="utf-8")


def test_a_detector_has_upstreams_file_but_for_the_labels_it_does_not_have(
    detector: Entry, shared: Path
) -> None:
    upstream = yaml.safe_load((shared / "data" / "inference" / detector.name / "infer_cfg.yml").read_text())

    content = written(detector)

    assert list(content) == list(upstream)
    # The 2021 file lists 80 labels for one class, and calls paddle by its old name.
    assert content == upstream | {"label_list": ["person"], "mode": "paddle"}


def test_normalization_in_the_graph_is_no_step_for_the_host(detector: Entry) -> None:
    steps = [step["type"] for step in written(detector, normalization="in_graph")["Preprocess"]]

    assert steps == ["Resize", "Permute", "PadStride"]


@pytest.mark.parametrize(("head", "arch"), [("raw", "PicoDet"), ("boxes", "GFL"), ("nms", "GFL")])
def test_a_graph_that_decodes_boxes_is_not_called_picodet(detector: Entry, head: str, arch: str) -> None:
    assert written(detector, head=head)["arch"] == arch


def test_the_nms_values_are_those_of_the_options(detector: Entry) -> None:
    values = MulticlassNms(score_threshold=0.1, iou_threshold=0.7, top_k=500, keep=50)

    assert written(detector, head="nms", nms=values)["NMS"] == {
        "name": "MultiClassNMS",
        "score_threshold": 0.1,
        "nms_threshold": 0.7,
        "nms_top_k": 500,
        "keep_top_k": 50,
    }
