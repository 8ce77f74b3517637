"""Parsers for table cells and column heads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.readme_import import cells
from registry.readme_import.cells import Figure, Size
from registry.readme_import.columns import parse_column, parse_head

numbers = st.decimals(min_value=0, max_value=100, places=2)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("128*96", Size(128, 96)),
        (" 256\\*192 ", Size(256, 192)),
        ("320x320", Size(320, 320)),
        ("800 × 608", Size(800, 608)),
        ("PicoDet-S-Pedestrian-192\\*192", Size(192, 192)),
        ("１２８＊９６", Size(128, 96)),
        ("512", None),
        ("192*192 and 320*320", None),
        ("-", None),
        ("1.5x 416", None),
    ],
)
def test_sizes(text: str, size: Size | None) -> None:
    assert cells.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.57ms", 4.57),
        ("11.72 ms", 11.72),
        ("6.65", 6.65),
        ("４．５７ｍｓ", 4.57),
        ("-", None),
        ("0ms", None),
    ],
)
def test_times(text: str, value: float | None) -> None:
    assert cells.parse_milliseconds(text) == value


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("58.1", Figure(58.1)),
        ("93.5%", Figure(93.5)),
        ("77.1 (+9.1)", Figure(77.1, "+9.1")),
        ("78.0 （+7.7）", Figure(78.0, "+7.7")),
        ("581", None),
        ("-", None),
        ("AP: 87.1", None),
    ],
)
def test_figures(text: str, figure: Figure | None) -> None:
    assert cells.parse_figure(text) == figure


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.32 M", "M", 1.32),
        ("326.24M", "M", 326.24),
        ("0.97", "G", 970),
        ("1.5G", "M", 1500),
        ("x", "M", None),
    ],
)
def test_amounts(text: str, unit: str, value: float | None) -> None:
    assert cells.parse_millions(text, unit) == value


@given(st.text(max_size=40))
def test_no_text_makes_a_parser_fail(text: str) -> None:
    cells.parse_size(text)
    cells.find_sizes(text)
    cells.parse_milliseconds(text)
    cells.parse_figure(text)
    cells.parse_named_figure(text)
    cells.parse_named_figure(f"AP: {text}")
    cells.parse_millions(text, "M")
    cells.artifact_kind(text)
    cells.container_format(text)
    parse_column(text)
    parse_head(text)


@given(numbers, st.sampled_from(["", " ", "\u3000"]), st.sampled_from(["", "ms", "MS", "ｍｓ"]))
def test_a_time_is_read_with_any_spacing(number: object, blank: str, unit: str) -> None:
    value = float(str(number))

    assert cells.parse_milliseconds(f"{blank}{number}{blank}{unit}{blank}") == (value or None)


@given(
    st.integers(16, 9999), st.integers(16, 9999), st.sampled_from(["*", "\\*", "x", "X", "×", "＊", " * "])
)
def test_a_size_is_read_with_any_separator(height: int, width: int, sign: str) -> None:
    assert cells.parse_size(f"{height}{sign}{width}") == Size(height, width)


@given(
    numbers, st.text(st.characters(exclude_characters="()（）", exclude_categories=["Cc", "Cs"]), max_size=5)
)
def test_a_remark_in_parentheses_does_not_change_a_figure(number: object, remark: str) -> None:
    found = cells.parse_figure(f"{number} ({remark})")

    assert found is not None
    assert found.value == float(str(number))


@pytest.mark.parametrize(
    ("heading", "role", "file_role", "precision"),
    [
        ("Model", "model", None, None),
        ("模型", "model", None, None),
        ("Model for Single-Pose", "model", None, None),
        ("输入尺寸", "size", None, None),
        ("AP (COCO Val)", "ap", None, None),
        ("AP (业务数据集）", "private_ap", None, None),
        ("mAP val 0.5:0.95", "map", None, None),
        ("mAP val 0.5", "map50", None, None),
        ("mAP (COCO Val-Person)", "map", None, None),
        ("Inference Time for Single Person（FP16)", "latency", None, "fp16"),
        ("单人推理耗时 (FP32)", "latency", None, "fp32"),
        ("Config", "file", "config", None),
        ("配置文件", "file", "config", None),
        ("Model Weights", "file", "weights", None),
        ("Download", "file", "weights", None),
        ("Deployment Model", "file", "inference", None),
        ("预测部署模型", "file", "inference", None),
        ("Paddle-Lite Model（FP16)", "file", "lite", "fp16"),
        ("ONNX( w/o 后处理)", "file", "onnx", None),
        ("Sparsity", "unknown", None, None),
        ("Size (MB)", "unknown", None, None),
    ],
)
def test_heads_in_two_languages(
    heading: str, role: str, file_role: str | None, precision: str | None
) -> None:
    column = parse_column(heading)

    assert (column.role, column.file_role, column.precision) == (role, file_role, precision)


@pytest.mark.parametrize(
    ("text", "metric", "value", "remark"),
    [
        ("mAP：29.0", "mAP", 29.0, None),
        ("AP: 87.1 (on internal dataset)", "AP", 87.1, "on internal dataset"),
    ],
)
def test_a_figure_may_name_its_metric(text: str, metric: str, value: float, remark: str | None) -> None:
    assert cells.parse_named_figure(text) == cells.NamedFigure(metric, Figure(value, remark))
    assert cells.parse_named_figure(str(value)) is None


def test_threads_are_read_from_the_head() -> None:
    assert parse_column("Latency single-thread Lite (ms)").threads == 1
    assert parse_column("Qualcomm latency (4-threads)").threads == 4
    assert parse_column("CPU + MKLDNN time (thread=1)").threads == 1
    assert parse_column("speed-up 4-thread").role == "unknown"


def test_units_and_engines_are_read_from_the_head() -> None:
    assert parse_column("FLOPS (G)").unit == "G"
    assert parse_column("Latency CPU (ms)").engine == "CPU"
    assert parse_column("Latency NCNN (ms)").engine == "NCNN"
    assert parse_column("Latency Lite (ms)").engine == "Paddle Lite"
    assert parse_column("ONNX(w/o postprocess)").head == "raw"
    assert parse_head("w/ postprocess") == "nms"
