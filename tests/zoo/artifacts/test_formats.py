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

    assert (caught.value.code, caught.value.expected) == ("paddle-precision-unsupported", "fp32")
