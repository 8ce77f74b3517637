"""Inspection of ncnn models: a graph in plain text and raw weights."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.formats import inspect, read_dataflow
from converters.formats.ncnn.graph import read_ncnn
from registry.errors import IntegrityError, NotFoundError

GRAPH = """7767517
5 6
Input            image   0 1 image 0=4 1=4 2=3
MemoryData       mean    0 1 mean 0=1 1=1 2=3
BinaryOp         center  2 1 image mean centerd 0=1
Convolution      conv    1 1 centerd conv 0=2 1=1 5=1 6=6 9=1
Slice            halves  1 2 conv a b -23300=2,-233,-233 1=0
"""
FP16, FP32 = 0x01306B47, 0


def weights(tag: int = FP32) -> bytes:
    """Three mean values, a tagged filter of six numbers, two biases."""
    filters = b"\0" * (24 if tag == FP32 else 12)
    return b"\0" * 12 + struct.pack("<I", tag) + filters + b"\0" * 8


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "tiny.param").write_text(GRAPH)
    (tmp_path / "tiny.bin").write_bytes(weights())
    return tmp_path


@pytest.mark.parametrize("name", ["tiny.param", "tiny.bin", ""])
def test_graph_weights_and_folder_give_the_same_inspection(model: Path, name: str) -> None:
    found = inspect(model / name)

    assert (found.format, found.precision, found.weights_precision) == ("ncnn", None, "fp32")
    assert [(end.name, end.shape) for end in (*found.inputs, *found.outputs)] == [
        ("image", (1, 3, 4, 4)),
        ("a", None),
        ("b", None),
    ]
    assert found.operators == {"BinaryOp": 1, "Convolution": 1, "Slice": 1}
    assert found.fused == {"Convolution + ReLU": 1}
    assert (found.parameters, found.elements) == (3, 11)
    assert found.normalization == "in_graph"
    assert any("computes in fp16" in warning for warning in found.warnings)


def test_tag_gives_fp16_weights_with_fp32_biases(model: Path) -> None:
    (model / "tiny.bin").write_bytes(weights(FP16))
    found = inspect(model)

    assert found.weights_precision == "fp16"
    assert found.details["parameter_elements"] == {"float16": 6, "float32": 5}


def test_dataflow_of_a_model(model: Path) -> None:
    flow = read_dataflow(model)

    assert [operator.type for operator in flow.operators] == ["Sub", "Convolution", "Slice"]
    assert flow.parameters == {"mean"}


def test_missing_weights_are_an_error(model: Path) -> None:
    (model / "tiny.bin").unlink()
    with pytest.raises(NotFoundError) as caught:
        inspect(model / "tiny.param")

    assert caught.value.code == "ncnn-weights-missing"


@pytest.mark.parametrize(("change", "code"), [(-1, "ncnn-truncated"), (4, "ncnn-corrupt")])
def test_weights_of_another_size_are_rejected(model: Path, change: int, code: str) -> None:
    whole = weights()
    (model / "tiny.bin").write_bytes(whole[:change] if change < 0 else whole + bytes(change))
    with pytest.raises(IntegrityError) as caught:
        inspect(model)

    assert caught.value.code == code


def test_unsupported_layer_has_a_warning(model: Path) -> None:
    text = GRAPH.replace("Slice  ", "pnnx.Expression ")
    (model / "tiny.param").write_text(text)
    found = inspect(model)

    assert any("not support pnnx.Expression" in warning for warning in found.warnings)
    assert found.parameters is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5 6", "5 3"),
        ("5 6", "4 6"),
        ("5 6", "many 6"),
        ("5 6", "0 0"),
        ("conv    1 1 centerd", "conv    1 1 nowhere"),
        ("a b", "a a"),
        ("0=2 1=1", "0=2 wide"),
        ("0=2 1=1", "0=two 1=1"),
        ("6=6", "6=-6"),
        ("halves  1 2", "halves  1 9"),
        ("0=4 1=4", "0=4 1=wide"),
    ],
)
def test_damaged_graph_is_rejected(model: Path, old: str, new: str) -> None:
    (model / "tiny.param").write_text(GRAPH.replace(old, new))
    with pytest.raises(IntegrityError) as caught:
        inspect(model)

    assert caught.value.code == "ncnn-corrupt"


def test_graph_truncated_between_lines_is_rejected(model: Path) -> None:
    lines = GRAPH.splitlines(keepends=True)
    for count in range(1, len(lines)):
        (model / "tiny.param").write_text("".join(lines[:count]))
        with pytest.raises(IntegrityError) as caught:
            inspect(model / "tiny.param")
        assert caught.value.code == "ncnn-truncated"


@given(st.text(alphabet="7651 =,-\nabInputSplit0", max_size=60))
def test_any_text_after_the_magic_number_is_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, rest: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.param"
    path.write_text(f"7767517\n{rest}")
    with contextlib.suppress(IntegrityError):
        assert read_ncnn(path).layers
