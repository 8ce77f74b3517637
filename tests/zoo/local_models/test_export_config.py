"""The configuration next to an exported model: what it states, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.errors import IntegrityError, UsageError, ZooError
from tests.helpers.own_models import NORMALIZE, detector_config, pose_config, write_config
from zoo.local_models.export_config import (
    FILE_NAMES,
    ExportConfig,
    PixelValues,
    find_config,
    read_export_config,
    read_normalization,
)


def read(folder: Path, content: dict[str, Any]) -> ExportConfig:
    return read_export_config(write_config(folder / "infer_cfg.yml", **content))


def test_a_detector_states_size_normalization_labels_and_suppression(tmp_path: Path) -> None:
    found = read(tmp_path, detector_config())

    assert (found.geometry.height, found.geometry.width) == (192, 320)
    assert (found.geometry.resize, found.geometry.interpolation) == ("stretch", "cubic")
    assert found.pixels == PixelValues(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert found.labels == ("helmet", "person", "vest")
    assert found.nms is not None
    assert (found.nms.score_threshold, found.nms.iou_threshold, found.nms.top_k, found.nms.keep) == (
        0.3,
        0.5,
        1000,
        100,
    )
    assert (found.strides, found.draw_threshold, found.normalization) == ((8, 16, 32, 64), 0.4, "host")


def test_a_pose_model_states_its_size_as_width_and_height(tmp_path: Path) -> None:
    geometry = read(tmp_path, pose_config()).geometry

    assert (geometry.height, geometry.width, geometry.resize) == (128, 96, "top_down_affine")


def test_without_a_normalize_step_the_graph_normalizes(tmp_path: Path) -> None:
    steps = [step for step in pose_config()["Preprocess"] if step["type"] != "NormalizeImage"]
    found = read(tmp_path, pose_config(Preprocess=steps))

    assert (found.pixels, found.normalization) == (None, "in_graph")


def test_paddlex_states_the_name_of_its_model(tmp_path: Path) -> None:
    found = read(tmp_path, {"Global": {"model_name": "PicoDet-S"}, **detector_config(arch="GFL")})

    assert (found.model_name, found.architecture) == ("PicoDet-S", "GFL")


def resize(**changes: Any) -> dict[str, Any]:
    first, *rest = detector_config()["Preprocess"]
    return detector_config(Preprocess=[{**first, **changes}, *rest])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown step": (detector_config(Preprocess=[{"type": "Mosaic"}]), "preprocessing-unsupported"),
    "no resize": (detector_config(Preprocess=[NORMALIZE]), "preprocessing-unsupported"),
    "a kept aspect ratio": (resize(keep_ratio=True), "preprocessing-unsupported"),
    "another interpolation": (resize(interp=0), "preprocessing-unsupported"),
    "an interpolation that is a list": (resize(interp=[2]), "preprocessing-unsupported"),
    "two normalizations": (
        detector_config(Preprocess=[*detector_config()["Preprocess"], NORMALIZE]),
        "preprocessing-unsupported",
    ),
    "another family": (detector_config(arch="YOLO"), "model-family-unsupported"),
    "an architecture that is a list": (detector_config(arch=["PicoDet"]), "model-family-unsupported"),
    "no size": (resize(target_size=None), "configuration-unreadable"),
    "a size that is text": (resize(target_size="192x320"), "configuration-unreadable"),
    "a negative size": (resize(target_size=[-1, 320]), "configuration-unreadable"),
    "a mean of two channels": (
        detector_config(Preprocess=[detector_config()["Preprocess"][0], {**NORMALIZE, "mean": [0.1, 0.2]}]),
        "configuration-unreadable",
    ),
    "labels that are numbers": (detector_config(label_list=[1, 2, 3]), "configuration-unreadable"),
    "a label with an escape": (detector_config(label_list=["\x1b[2J", "b", "c"]), "configuration-unreadable"),
    "a threshold above one": (detector_config(draw_threshold=3), "configuration-unreadable"),
    "suppression without a threshold": (detector_config(NMS={"keep_top_k": 1}), "configuration-unreadable"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, what: str) -> None:
    content, code = REFUSED[what]

    with pytest.raises(ZooError) as caught:
        read(tmp_path, content)

    assert caught.value.code == code
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("text", ["", "- 1", "a: !!python/name:os.system", "Preprocess: 1", "\x00"])
def test_text_that_is_no_configuration_is_unreadable(tmp_path: Path, text: str) -> None:
    (tmp_path / "infer_cfg.yml").write_text(text)

    with pytest.raises(IntegrityError) as caught:
        read_export_config(tmp_path / "infer_cfg.yml")

    assert caught.value.code == "configuration-unreadable"


@pytest.mark.parametrize("name", FILE_NAMES)
def test_either_name_is_found_and_both_are_ambiguous(tmp_path: Path, name: str) -> None:
    assert find_config(tmp_path) is None
    write_config(tmp_path / name, **pose_config())

    assert find_config(tmp_path) == tmp_path / name

    for other in FILE_NAMES:
        write_config(tmp_path / other, **pose_config())
    with pytest.raises(UsageError) as caught:
        find_config(tmp_path)
    assert caught.value.code == "ambiguous-config"


def test_the_configuration_of_any_family_states_where_pixels_are_normalized(tmp_path: Path) -> None:
    path = write_config(tmp_path / "infer_cfg.yml", arch="YOLO", Preprocess=[{"type": "NormalizeImage"}])

    assert read_normalization(path) == "host"
