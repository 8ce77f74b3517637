"""ONNX to OpenVINO, with the real tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import Inspection, inspect
from converters.openvino.convert import run_openvino_job
from converters.openvino.options import OpenvinoOptions, openvino_key
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import OPENVINO
from registry.errors import ConversionError
from tests.conftest import ensured
from zoo.runner.sessions import open_session

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

Convert = Callable[..., Inspection]


def network(path: Path, kind: str = "Relu", bias: float | None = None) -> Path:
    """A convolution of ``image`` with something behind it, and where it is largest."""
    helper, random = onnx.helper, np.random.default_rng(0)
    weights = onnx.numpy_helper.from_array(random.standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    constants = [weights]
    if bias is not None:
        constants.append(onnx.numpy_helper.from_array(np.full(4, bias, np.float32), "b"))
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"][: 1 + len(constants)], ["conv"]),
        helper.make_node(kind, ["conv"], ["maps"]),
        helper.make_node("ArgMax", ["maps"], ["index"], axis=1, keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", 1, ["n", 3, 8, 8])
    outputs = [
        helper.make_tensor_value_info("maps", 1, ["n", 4, 6, 6]),
        helper.make_tensor_value_info("index", 7, ["n", 6, 6]),
    ]
    graph = helper.make_graph(nodes, "graph", [image], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


@pytest.fixture
def convert(toolchains: Toolchains, tmp_path: Path) -> Convert:
    ensured(toolchains, OPENVINO)

    def run(source: Path, out: Path, **options: Any) -> Inspection:
        asked = OpenvinoOptions(**options)
        return run_openvino_job(source, out, asked, toolchains=toolchains, work=tmp_path / "work", note=str)

    return run


def test_it_keeps_inputs_and_outputs_and_computes_the_same(
    convert: Convert, toolchains: Toolchains, tmp_path: Path
) -> None:
    source = network(tmp_path / "model.onnx")
    made = convert(source, tmp_path / "ir")

    assert (made.format, made.precision, made.weights_precision) == ("openvino", "fp32", "fp32")
    assert (made.inputs, made.outputs) == (inspect(source).inputs, inspect(source).outputs)
    image = {"image": np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)}
    interpreter = ensured(toolchains, OPENVINO)
    with (
        open_session(source, "onnx") as one,
        open_session(tmp_path / "ir", "openvino", interpreter=interpreter) as other,
    ):
        expected, found = one.run(image), other.run(image)
    np.testing.assert_allclose(found["maps"], expected["maps"], atol=1e-5)
    np.testing.assert_array_equal(found["index"], expected["index"])


def test_half_weights_take_half_the_bytes(convert: Convert, tmp_path: Path) -> None:
    source = network(tmp_path / "model.onnx")
    made = convert(source, tmp_path / "ir", weights="fp16")

    assert made.weights_precision == "fp16"
    assert (made.inputs, made.outputs) == (inspect(source).inputs, inspect(source).outputs)


def test_numbers_beyond_half_precision_stay_as_they_are(convert: Convert, tmp_path: Path) -> None:
    made = convert(network(tmp_path / "model.onnx", bias=1e-6), tmp_path / "ir", weights="fp16")

    assert made.weights_precision == "mixed"


def test_equal_models_give_equal_bytes_whatever_their_names_and_say_where_they_come_from(
    convert: Convert, tmp_path: Path
) -> None:
    first = convert(network(tmp_path / "one.onnx"), tmp_path / "a")
    second = convert(network(tmp_path / "two.onnx"), tmp_path / "b")

    assert first.sha256 == second.sha256
    statement = read_provenance(tmp_path / "a" / "model.xml")
    assert [subject.name for subject in statement.subject] == ["model.bin", "model.xml"]


def test_a_graph_with_an_unknown_operator_is_an_error(convert: Convert, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(network(tmp_path / "model.onnx", kind="NoSuchOperator"), tmp_path / "ir")

    assert caught.value.code == "converter-failed"
    assert not (tmp_path / "ir" / "model.xml").exists()


def test_the_weight_type_is_part_of_the_key() -> None:
    options = (OpenvinoOptions(weights="fp32"), OpenvinoOptions(weights="fp16"))
    keys = {openvino_key({"model": "0" * 64}, each) for each in options}

    assert len(keys) == 2
