"""ONNX to TensorFlow Lite, with the real tool if it is built: no test run downloads its 400 MB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import Inspection
from converters.provenance.statement import read_provenance
from converters.tflite.convert import run_tflite_job
from converters.tflite.options import TfliteOptions, tflite_key, tflite_options
from converters.toolchain import Toolchains
from converters.toolchain.pins import LITERT
from registry.errors import ConversionError, UsageError
from tests.conftest import ensured
from zoo.runner.sessions import open_session

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

Convert = Callable[..., Inspection]


def saved(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> Path:
    graph = onnx.helper.make_graph(nodes, "graph", inputs, outputs, constants)
    opset = onnx.helper.make_opsetid("", 11)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=6), path)
    return path


def network(path: Path, kind: str = "Relu") -> Path:
    """A convolution of ``image`` with something behind it, and where it is largest."""
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    constants = {"w": weights, "flat": np.array([0, 4, -1])}
    return saved(
        path,
        [
            node("Conv", ["image", "w"], ["conv"]),
            node(kind, ["conv"], ["z/maps.0"]),
            node("Reshape", ["z/maps.0", "flat"], ["rows"]),
            node("ArgMax", ["rows"], ["a/index.0"], axis=2, keepdims=0),
        ],
        [value("image", 1, ["n", 3, 10, 8])],
        # Not in alphabetical order, in which TensorFlow returns them.
        [value("z/maps.0", 1, ["n", 4, 8, 6]), value("a/index.0", 7, ["n", 4])],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )


@pytest.fixture
def convert(with_large_tools: Toolchains, tmp_path: Path) -> Convert:
    def run(source: Path, out: Path, **options: Any) -> Inspection:
        asked = TfliteOptions(**options)
        return run_tflite_job(
            source, out, asked, toolchains=with_large_tools, work=tmp_path / "work", note=str
        )

    return run


def test_it_keeps_names_and_order_puts_channels_last_and_computes_the_same(
    convert: Convert, with_large_tools: Toolchains, tmp_path: Path
) -> None:
    source, out = network(tmp_path / "model.onnx"), tmp_path / "model.tflite"
    made = convert(source, out)

    assert (made.format, made.precision, made.weights_precision) == ("tflite", "fp32", "fp32")
    assert [(tensor.name, tensor.shape, tensor.dtype) for tensor in (*made.inputs, *made.outputs)] == [
        ("image", (1, 10, 8, 3), "float32"),
        ("z/maps.0", (1, 8, 6, 4), "float32"),
        ("a/index.0", (1, 4), "int64"),
    ]
    assert made.details["layout"] == "NHWC"
    assert read_provenance(out).is_about(made.sha256)
    image = {"image": np.random.default_rng(1).standard_normal((1, 3, 10, 8)).astype(np.float32)}
    with (
        open_session(source, "onnx") as one,
        open_session(out, "tflite", interpreter=ensured(with_large_tools, LITERT), threads=2) as other,
    ):
        expected, found = one.run(image), other.run(image)
    assert list(found) == ["z/maps.0", "a/index.0"]
    np.testing.assert_allclose(found["z/maps.0"], expected["z/maps.0"], atol=1e-5)
    np.testing.assert_array_equal(found["a/index.0"], expected["a/index.0"])


def test_weights_are_stored_in_half_and_equal_models_give_equal_bytes_in_any_folder(
    convert: Convert, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    again = network(tmp_path / "elsewhere" / "two.onnx")
    first = convert(network(tmp_path / "one.onnx"), tmp_path / "one.tflite", weights="fp16")
    second = convert(again, tmp_path / "elsewhere" / "two.tflite", weights="fp16")

    assert (first.precision, first.weights_precision) == ("fp32", "fp16")
    assert first.sha256 == second.sha256


def test_a_graph_with_an_unknown_operator_is_an_error(convert: Convert, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(network(tmp_path / "model.onnx", kind="NoSuchOperator"), tmp_path / "model.tflite")

    assert caught.value.code == "converter-failed"
    assert not (tmp_path / "model.tflite").exists()


def test_a_graph_that_suppresses_boxes_is_refused_before_any_tool_is_looked_for(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info
    source = saved(
        tmp_path / "model.onnx",
        [onnx.helper.make_node("NonMaxSuppression", ["boxes", "scores"], ["kept"])],
        [value("boxes", 1, [1, 4, 4]), value("scores", 1, [1, 1, 4])],
        [value("kept", 7, [None, 3])],
        [],
    )
    nowhere, work = Toolchains(tmp_path / "toolchains", offline=True), tmp_path / "work"
    with pytest.raises(ConversionError) as caught:
        run_tflite_job(
            source, tmp_path / "m.tflite", TfliteOptions(), toolchains=nowhere, work=work, note=str
        )

    assert caught.value.code == "tflite-suppression-unsupported"


def test_integers_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        tflite_options("int8")

    assert caught.value.code == "tflite-precision-unsupported"


def test_the_weight_type_is_part_of_the_key() -> None:
    keys = {tflite_key({"model": "0" * 64}, tflite_options(each)) for each in ("fp32", "fp16")}

    assert len(keys) == 2
