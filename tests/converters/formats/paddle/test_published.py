"""Inspection of published models and weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.formats import check_pair, inspect, read_params, read_program
from registry.errors import IntegrityError


def test_the_published_detector(picodet: Path) -> None:
    inspection = inspect(picodet)

    assert (inspection.format, inspection.made_by, inspection.precision) == (
        "program",
        "paddle 2.1.2",
        "fp32",
    )
    assert [(tensor.name, tensor.shape) for tensor in inspection.inputs] == [("image", (1, 3, 192, 192))]
    assert [tensor.shape for tensor in inspection.outputs] == [
        *((1, cells, 1) for cells in (576, 144, 36, 9)),
        *((1, cells, 32) for cells in (576, 144, 36, 9)),
    ]
    assert inspection.operators["depthwise_conv2d"] == 35
    assert (inspection.parameters, inspection.elements) == (575, 979_711)
    assert inspection.warnings == ()


def test_the_exported_pose_model(tinypose: Path) -> None:
    inspection = inspect(tinypose / "model.pdmodel")

    assert inspection.made_by == "paddle 3.0.0"
    assert [(tensor.shape, tensor.dtype) for tensor in inspection.outputs] == [
        ((None, 17, 32, 24), "float32"), ((None, 17), "int64"),
    ]  # fmt: skip
    assert (inspection.parameters, inspection.operators["split"]) == (1342, 49)


def test_parameters_of_one_model_do_not_match_another(picodet: Path, tinypose: Path) -> None:
    program, own = read_program(picodet / "model.pdmodel"), read_params(picodet / "model.pdiparams")

    assert check_pair(program, own).matches
    assert not check_pair(program, read_params(tinypose / "model.pdiparams")).matches


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_truncated_published_program_is_rejected(picodet: Path, tmp_path: Path, share: float) -> None:
    whole = (picodet / "model.pdmodel").read_bytes()
    cut = tmp_path / "model.pdmodel"
    cut.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(IntegrityError) as caught:
        read_program(cut)

    assert caught.value.code == "program-truncated"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("tinypose_128x96", 1342), ("tinypose_256x192", 1342), ("picodet_s_192_pedestrian", 580)],
)
def test_checkpoints(shared: Path, name: str, parameters: int) -> None:
    inspection = inspect(shared / "data/weights" / f"{name}.pdparams")

    assert (inspection.format, inspection.weights_precision, inspection.parameters) == (
        "weights",
        "fp32",
        parameters,
    )
    assert any("pickle" in warning for warning in inspection.warnings)
