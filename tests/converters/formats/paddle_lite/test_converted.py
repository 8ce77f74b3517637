"""Lite models that the real opt converts from published models."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from converters.formats import canonical_nb, inspect, read_nb
from tests.converters.formats.conftest import Convert


def counts(path: Path) -> Counter[tuple[str, str, str]]:
    return Counter(
        (operator.type, operator.kernel.target, operator.kernel.precision)
        for operator in read_nb(path).operators
        if operator.kernel
    )


def reference(shared: Path, model: str) -> dict[str, Any]:
    text = (shared / f"data/reference/arm/ops_{model}_fp16.json").read_text()
    return dict(json.loads(text)["summary"])


def test_fp16_tinypose_is_detected_as_fp16(opt: Convert, tinypose: Path) -> None:
    inspection = inspect(opt(tinypose, "arm", fp16=True))

    assert (inspection.format, inspection.target, inspection.precision) == ("lite", "arm", "fp16")
    assert inspection.weights_precision == "fp32"
    assert inspection.details["fp16_weights"] == 537
    assert inspection.details["fp32_operators"] == {"split": 49}
    assert inspection.made_by == "opt v2.13-rc"
    assert [tensor.name for tensor in inspection.outputs] == [
        "conv2d_172.tmp_1/precision_trans",
        "argmax_0.tmp_0",
    ]
    assert [(tensor.shape, tensor.dtype) for tensor in inspection.outputs] == [
        (None, "float32"), ((None, 17), "int64"),
    ]  # fmt: skip


def test_fp32_tinypose_is_detected_as_fp32(opt: Convert, tinypose: Path) -> None:
    inspection = inspect(opt(tinypose, "arm"))

    assert (inspection.target, inspection.precision) == ("arm", "fp32")
    assert inspection.details["fp16_weights"] == 0
    assert "calib" not in inspection.operators
    # 538 of the 1342 parameters remain after batch norms are folded.
    assert inspection.parameters == 538


@pytest.mark.parametrize("model", ["tinypose_128x96", "picodet_s_192_pedestrian"])
def test_operators_and_kernels_match_an_independent_reader(opt: Convert, shared: Path, model: str) -> None:
    """The reference is a file of opt 2.14rc0; aliases differ between versions, the rest does not."""
    summary = reference(shared, model)
    path = opt(shared / "data/inference" / model, "arm", fp16=True)

    expected: Counter[tuple[str, str, str]] = Counter()
    for row in summary["counts"]:
        expected[row["type"], row["target"], row["precision"]] += row["n"]
    assert counts(path) == expected
    decoded = read_nb(path)
    assert len(decoded.operators) == summary["n_ops"]
    assert len(decoded.parameters) == summary["n_params"]
    assert len(decoded.fp16_weights) == summary["fp16_weight_attrs"]
    assert [output.name for output in decoded.outputs] == summary["outputs"]


def test_x86_and_arm_files_are_distinguished(opt: Convert, picodet: Path) -> None:
    inspection = inspect(opt(picodet, "x86"))

    assert (inspection.target, inspection.precision) == ("x86", "fp32")


def test_opencl_file_has_no_precision(opt: Convert, picodet: Path) -> None:
    inspection = inspect(opt(picodet, "opencl"))

    assert (inspection.target, inspection.precision) == ("opencl", None)
    assert inspection.details["fp16_weights"] == 0


@pytest.mark.parametrize(("kind", "stored"), [("QUANT_INT8", "int8"), ("QUANT_INT16", "int16")])
def test_weight_only_quantization_changes_only_the_storage(
    opt: Convert, picodet: Path, kind: str, stored: str
) -> None:
    inspection = inspect(opt(picodet, "arm", quantize=kind))

    # Filter and bias of each of the 98 plain convolutions.
    assert (inspection.precision, inspection.weights_precision) == ("fp32", stored)
    assert inspection.details["quantized_weights"] == 2 * 98


def test_meta_versions_1_and_2_have_the_same_graph(opt: Convert, picodet: Path) -> None:
    one, two = read_nb(opt(picodet, "arm", meta1=True)), read_nb(opt(picodet, "arm"))

    assert (one.meta_version, two.meta_version) == (1, 2)
    assert one.operators == two.operators
    assert {(tensor.name, tensor.dims) for tensor in one.parameters} == {
        (tensor.name, tensor.dims) for tensor in two.parameters
    }
    assert two.trailing == 0


def test_parameter_bytes_equal_those_of_the_inference_model(opt: Convert, picodet: Path) -> None:
    """A bias that no pass changes is identical in both files."""
    path = opt(picodet, "arm")
    data, original = path.read_bytes(), (picodet / "model.pdiparams").read_bytes()
    bias = next(tensor for tensor in read_nb(path).parameters if tensor.name == "conv2d_5.b_0")

    assert original.count(data[bias.offset : bias.offset + bias.size]) == 1


def test_canonical_form_is_a_valid_lite_model(opt: Convert, picodet: Path, tmp_path: Path) -> None:
    path = opt(picodet, "arm")
    canonical = tmp_path / "canonical.nb"
    canonical.write_bytes(canonical_nb(path.read_bytes()))

    assert read_nb(canonical).sha256 == read_nb(path).canonical_sha256
    assert read_nb(canonical).operators == read_nb(path).operators
