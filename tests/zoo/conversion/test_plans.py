"""Plans of conversions, and the options that are rejected before anything runs."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import registry
import zoo
from registry.errors import ConversionError, UsageError
from zoo.conversion.convert import plan
from zoo.conversion.options import ConvertOptions

NAME = "tinypose_128x96"


def lines(name: str = NAME, **options: Any) -> list[str]:
    return [line.strip() for line in plan(name, ConvertOptions(**options), registry.load()).lines()[1:]]


def test_int8_starts_from_a_simplified_graph_of_an_opset_with_channel_scales() -> None:
    first, second, third = lines(to="onnx", precision="int8", calibration=Path("images"))

    assert first.endswith("ONNX fp32, opset 13")
    assert second.endswith("simplified ONNX fp32")
    assert third.endswith("in int8, calibrated")


def test_weight_only_needs_no_images() -> None:
    assert lines(to="onnx", weight_only="int8")[-1].endswith("with weights in int8")


def test_openvino_goes_through_onnx() -> None:
    assert [line.partition(" to ")[2] for line in lines(to="openvino", precision="fp16")] == [
        "ONNX fp32, opset 11",
        "OpenVINO, weights in fp16",
    ]


def test_tflite_goes_through_onnx() -> None:
    assert [line.partition(" to ")[2] for line in lines(to="tflite", precision="fp16")] == [
        "ONNX fp32, opset 11",
        "TensorFlow Lite, weights in fp16",
    ]


def test_tflite_needs_another_head_for_a_detector_with_nms() -> None:
    name = "picodet_s_192_lcnet_pedestrian"
    with pytest.raises(ConversionError) as caught:
        lines(name, to="tflite")

    assert caught.value.code == "tflite-suppression-unsupported"
    assert lines(name, to="tflite", head="raw")[-1].endswith("to TensorFlow Lite, weights in fp32")


def test_ncnn_gets_heat_maps_without_arg_max() -> None:
    first, last = lines(to="ncnn", precision="fp16")

    assert first.startswith("convert  inference model to ONNX")
    assert last.endswith("ONNX to ncnn, weights in fp16, without arg-max")
    assert lines(to="ncnn", argmax=False, batch=1)[-1].endswith("weights in fp32")


def test_ncnn_converts_published_raw_heads() -> None:
    assert [line.partition(" to ")[2] for line in lines("picodet_s_192_pedestrian", to="ncnn")] == [
        "ONNX fp32, opset 11",
        "ncnn, weights in fp32",
    ]


def test_ncnn_needs_another_head_for_a_detector_with_nms() -> None:
    name = "picodet_s_192_lcnet_pedestrian"
    with pytest.raises(UsageError) as caught:
        lines(name, to="ncnn")

    assert caught.value.code == "ncnn-nms-unsupported"
    for head in ("raw", "boxes"):
        assert lines(name, to="ncnn", head=head)[-1].endswith("to ncnn, weights in fp32")


def test_the_ir_version_applies_to_the_export_and_is_fixed_in_a_file(tmp_path: Path) -> None:
    first, _ = lines(to="onnx", precision="fp16", ir_version=8)
    (tmp_path / "made.onnx").write_bytes(b"\x08\x06:\x00B\x02\x10\x0b")

    assert first.endswith("ONNX fp32, opset 11, IR version 8")
    with pytest.raises(UsageError) as caught:
        plan(tmp_path / "made.onnx", ConvertOptions(to="onnx", simplify=True, ir_version=8), registry.load())
    assert caught.value.code == "ir-version-fixed"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"to": "onnx", "precision": "int8"}, "calibration-needed"),
        ({"to": "lite", "precision": "int8"}, "lite-precision-unsupported"),
        ({"to": "openvino", "precision": "int8"}, "calibration-needed"),
        ({"to": "openvino", "calibration": Path("images")}, "option-not-applicable"),
        ({"to": "tflite", "precision": "int8"}, "tflite-precision-unsupported"),
        ({"to": "tflite", "fp16_io": True}, "option-not-applicable"),
        ({"to": "openvino", "weight_only": "int8"}, "option-not-applicable"),
        ({"to": "ncnn", "precision": "int8"}, "ncnn-precision-unsupported"),
        ({"to": "ncnn", "argmax": True}, "ncnn-argmax-unsupported"),
        ({"to": "ncnn", "batch": 0}, "ncnn-batch-unsupported"),
        ({"to": "ncnn", "batch": 2}, "ncnn-batch-unsupported"),
        ({"to": "ncnn", "simplify": True}, "option-not-applicable"),
        ({"to": "openvino", "simplify": True}, "option-not-applicable"),
        ({"to": "lite", "calibration": Path("images")}, "option-not-applicable"),
    ],
)
def test_unsupported_options_are_rejected_before_anything_runs(options: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        lines(**options)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("call", "function"),
    [
        (lambda: zoo.fetch(NAME, lite="fp99"), "fetch"),  # type: ignore[arg-type]
        (lambda: zoo.convert(NAME, to="onnx", precision="fp99"), "convert"),
        (lambda: zoo.convert(NAME, to="onnx", no_such_option=1), "convert"),
        (lambda: zoo.load(NAME, precision="fp99"), "load"),  # type: ignore[arg-type]
    ],
)
def test_wrong_options_of_a_call_are_zoo_errors(call: Callable[[], object], function: str) -> None:
    """A caller that catches ZooError also catches these errors."""
    with pytest.raises(UsageError) as caught:
        call()

    assert caught.value.code == "bad-option"
    assert caught.value.hint == f"help(zoo.{function}) lists the options"


def test_an_archive_is_not_converted_and_has_a_hint(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with tarfile.open(tmp_path / "model.tar", "w") as archive:
        archive.add(tmp_path / "note.txt", "note.txt")

    with pytest.raises(UsageError) as caught:
        plan(tmp_path / "model.tar", ConvertOptions(to="lite"), registry.load())

    assert caught.value.code == "not-convertible"
    assert caught.value.hint == "unpack it and name the folder: zoo convert FOLDER --to lite"


@pytest.mark.parametrize(
    ("head", "options", "code"),
    [
        (b"\x08\x06:\x00B\x02\x10\x0b", {"to": "openvino", "opset": 16}, "opset-fixed"),
        (b"\x08\x06:\x00B\x02\x10\x0b", {"to": "openvino", "architecture": NAME}, "option-not-applicable"),
        (b"\x80\x02}q\x00.", {"to": "safetensors", "architecture": NAME}, "option-not-applicable"),
    ],
)
def test_options_that_a_file_has_fixed_are_rejected(
    tmp_path: Path, head: bytes, options: dict[str, Any], code: str
) -> None:
    (tmp_path / "source").write_bytes(head)

    with pytest.raises(UsageError) as caught:
        plan(tmp_path / "source", ConvertOptions(**options), registry.load())

    assert caught.value.code == code


def test_an_inference_model_takes_no_architecture(shared: Path) -> None:
    model = shared / "data/inference" / NAME

    with pytest.raises(UsageError) as caught:
        plan(model, ConvertOptions(to="onnx", architecture=NAME), registry.load())

    assert (caught.value.code, caught.value.hint) == ("option-not-applicable", "leave out --architecture")
    assert plan(model, ConvertOptions(to="onnx", opset=13), registry.load()).source_kind == "program"


def test_calibration_of_a_file_needs_an_architecture(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])], "graph", values[:1], values[1:]
    )
    file = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(graph), file)
    options = {"to": "onnx", "precision": "int8", "calibration": tmp_path}

    with pytest.raises(UsageError) as caught:
        plan(file, ConvertOptions(**options), registry.load())

    assert caught.value.code == "architecture-required"
    assert plan(file, ConvertOptions(**options, architecture=NAME), registry.load()).source_kind == "onnx"
