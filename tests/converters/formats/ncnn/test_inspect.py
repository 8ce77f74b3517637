"""Looking into ncnn models: a graph in plain text, and bare numbers that only the graph gives a meaning."""

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
HALF, SINGLE = 0x01306B47, 0


def weights(tag: int = SINGLE) -> bytes:
    """The mean of three colors, then a filter of six numbers with its tag, then two biases."""
    filters = b"\0" * (24 if tag == SINGLE else 12)
    return b"\0" * 12 + struct.pack("<I", tag) + filters + b"\0" * 8


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "tiny.param").write_text(GRAPH)
    (tmp_path / "tiny.bin").write_bytes(weights())
    return tmp_path


@pytest.mark.parametrize("name", ["tiny.param", "tiny.bin", ""])
def test_a_graph_its_weights_or_their_folder_says_what_it_is(model: Path, name: str) -> None:
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
    assert any("half precision" in warning for warning in found.warnings)


def test_half_weights_are_told_by_the_tag_whatever_the_biases_are(model: Path) -> None:
    (model / "tiny.bin").write_bytes(weights(HALF))
    found = inspect(model)

    assert found.weights_precision == "fp16"
    assert found.details["parameter_elements"] == {"float16": 6, "float32": 5}


def test_its_network_can_be_followed(model: Path) -> None:
    flow = read_dataflow(model)

    assert [operator.type for operator in flow.operators] == ["Sub", "Convolution", "Slice"]
    assert flow.parameters == {"mean"}


def test_without_its_weights_it_is_half_a_model(model: Path) -> None:
    (model / "tiny.bin").unlink()
    with pytest.raises(NotFoundError) as caught:
        inspect(model / "tiny.param")

    assert caught.value.code == "ncnn-weights-missing"


@pytest.mark.parametrize(("change", "code"), [(-1, "ncnn-truncated"), (4, "ncnn-corrupt")])
def test_weights_that_are_not_exactly_what_the_layers_take_are_refused(
    model: Path, change: int, code: str
) -> None:
    whole = weights()
    (model / "tiny.bin").write_bytes(whole[:change] if change < 0 else whole + bytes(change))
    with pytest.raises(IntegrityError) as caught:
        inspect(model)

    assert caught.value.code == code


def test_a_layer_of_another_format_is_named(model: Path) -> None:
    text = GRAPH.replace("Slice  ", "pnnx.Expression ")
    (model / "tiny.param").write_text(text)
    found = inspect(model)

    assert any("no pnnx.Expression" in warning for warning in found.warnings)
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
def test_a_damaged_graph_is_an_error_that_says_so(model: Path, old: str, new: str) -> None:
    (model / "tiny.param").write_text(GRAPH.replace(old, new))
    with pytest.raises(IntegrityError) as caught:
        inspect(model)

    assert caught.value.code == "ncnn-corrupt"


def test_wherever_a_graph_is_cut_off_between_lines_it_is_refused(model: Path) -> None:
    lines = GRAPH.splitlines(keepends=True)
    for count in range(1, len(lines)):
        (model / "tiny.param").write_text("".join(lines[:count]))
        with pytest.raises(IntegrityError) as caught:
            inspect(model / "tiny.param")
        assert caught.value.code == "ncnn-truncated"


@given(st.text(alphabet="7651 =,-\nabInputSplit0", max_size=60))
def test_whatever_follows_the_magic_number_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rest: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.param"
    path.write_text(f"7767517\n{rest}")
    with contextlib.suppress(IntegrityError):
        assert read_ncnn(path).layers
