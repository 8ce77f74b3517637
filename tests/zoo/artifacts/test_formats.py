"""The table of formats has every format that users can name."""

from __future__ import annotations

from typing import get_args

import pytest

from converters.toolchain.pins import DEFAULT_LITE_VERSION, LITERT, NCNN, OPENVINO, PADDLE, paddlelite
from registry.errors import UsageError
from zoo._utils.choices import Backend
from zoo.artifacts.formats import BACKENDS, FORMATS, PHONE_ONLY, ROWS, format_of


def test_the_backends_of_the_command_line_are_those_of_the_table() -> None:
    assert set(get_args(Backend)) == set(BACKENDS)


def test_every_format_has_one_row_the_reference_first() -> None:
    assert ROWS[0] == "inference"
    assert ROWS[-1] == PHONE_ONLY.id == "lite-arm-fp32"
    assert len(set(ROWS)) == len(ROWS) == len(FORMATS) + 1


def test_a_version_of_paddle_lite_applies_to_lite_alone() -> None:
    assert format_of("lite", "fp32").tool(None) == paddlelite(DEFAULT_LITE_VERSION)
    assert format_of("lite", "fp32").tool("2.10") == paddlelite("2.10")
    assert format_of("lite", "fp16").tool("2.10") is None  # emulated
    assert format_of("paddle", "fp32").tool(None) == PADDLE
    assert format_of("openvino", "fp16").tool(None) == OPENVINO
    assert format_of("ncnn", "fp32").tool(None) == NCNN
    assert format_of("tflite", "fp16").tool(None) == LITERT


def test_an_unsupported_precision_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        format_of("paddle", "fp16")

    assert (caught.value.code, caught.value.expected) == ("paddle-precision-unsupported", "--precision fp32")


def test_a_format_is_found_by_the_options_that_an_error_names() -> None:
    with pytest.raises(UsageError) as caught:
        format_of("lite", "fp16", "int8")

    assert caught.value.found == "fp16 with int8 weights"
    assert "--precision fp32 --weight-only int16" in str(caught.value.expected)
    for each in FORMATS:
        assert format_of(each.backend, each.precision, each.weight_only) is each


def test_quantized_formats_have_no_tolerance_and_only_integer_activations_need_images() -> None:
    bounded = {each.name: each.tolerance for each in FORMATS}
    calibrated = [each.name for each in FORMATS if each.calibrated]

    assert bounded["onnx-fp16"] == "fp16"
    assert [name for name, limit in bounded.items() if limit is None] == [
        "onnx-int8",
        "onnx-fp32-int8-weights",
        "lite-x86-fp32-int8-weights",
        "lite-x86-fp32-int16-weights",
        "openvino-int8",
    ]
    assert calibrated == ["onnx-int8", "openvino-int8"]
