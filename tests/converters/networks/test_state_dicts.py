"""Names and shapes of every network, compared with upstream's own code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from registry.schema import Architecture

UPSTREAM = [
    "tinypose_128x96",
    "tinypose_256x192",
    "picodet_s_192_pedestrian",
    "picodet_s_320_pedestrian",
    "picodet_s_192_lcnet_pedestrian",
    "picodet_s_320_lcnet_pedestrian",
    "picodet_s_320_coco",
    "picodet_s_416_coco",
    "picodet_xs_320_coco_lcnet",
    "picodet_xs_416_coco_lcnet",
    "picodet_s_320_coco_lcnet",
    "picodet_s_416_coco_lcnet",
    "picodet_m_416_coco_lcnet",
]


def without_size(name: str) -> str:
    return re.sub(r"_\d+(x\d+)?", "", name)


@pytest.mark.parametrize("name", UPSTREAM)
def test_every_name_and_shape_is_upstreams(
    name: str, published: dict[str, Architecture], paddle: ModuleType, shared: Path
) -> None:
    from converters.networks.build import build

    listed = json.loads((shared / "data" / "state_dicts" / f"state_dict_{name}.json").read_text())

    built = {key: tensor.shape for key, tensor in build(published[without_size(name)]).state_dict().items()}

    assert {key: list(shape) for key, shape in built.items()} == listed


@pytest.mark.parametrize(
    ("name", "keys", "trainable"),
    [
        ("tinypose", 1342, 1_318_625),
        ("picodet_s_pedestrian", 580, 962_067),
        ("picodet_s_coco", 580, 992_719),
        ("picodet_m_coco", 660, 2_152_558),
        ("picodet_l_coco", 660, 3_305_013),
        ("picodet_s_lcnet_pedestrian", 463, 1_155_844),
        ("picodet_xs_coco_lcnet", 463, 704_258),
        ("picodet_m_coco_lcnet", 543, 3_465_320),
        ("picodet_l_coco_lcnet", 543, 5_804_504),
    ],
)
def test_counts_are_upstreams(
    name: str, keys: int, trainable: int, published: dict[str, Architecture], paddle: ModuleType
) -> None:
    from converters.networks.measure import measure

    measured = measure(published[name])

    assert len(measured.shapes) == keys
    assert measured.parameters == trainable


def test_a_prediction_convolution_of_the_second_head_has_two_names(
    published: dict[str, Architecture], paddle: ModuleType
) -> None:
    from converters.networks.build import build

    state = build(published["picodet_s_lcnet_pedestrian"]).state_dict()

    assert state["head.head_cls2.weight"] is state["head.head_cls_list.2.weight"]
    assert state["head.head_reg0.bias"] is state["head.head_reg_list.0.bias"]
