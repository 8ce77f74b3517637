"""Reader and inspection of ONNX models, written by the onnx package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from converters.formats import inspect, read_onnx
from registry.errors import IntegrityError

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

Write = Callable[..., Path]
FLOAT, FLOAT16 = 1, 10


def constant(name: str, shape: Sequence[int], dtype: str = "float32") -> Any:
    return onnx.numpy_helper.from_array(np.ones(shape, dtype), name)


def model(
    nodes: Sequence[Any], constants: Sequence[Any], *, border: int = FLOAT, opset: int = 13, ir: int = 8
) -> Any:
    """A graph from ``x`` [n, 3, 8, 8] to ``y`` of unknown shape."""
    graph = onnx.helper.make_graph(
        nodes,
        "graph",
        [onnx.helper.make_tensor_value_info("x", border, ["n", 3, 8, 8])],
        [onnx.helper.make_tensor_value_info("y", border, None)],
        constants,
    )
    opsets = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model(
        graph, opset_imports=opsets, producer_name="tests", producer_version="1", ir_version=ir
    )


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, outputs, **attributes)


CONV = node("Conv", ["x", "w"], ["c"])
RESIZE = node("Resize", ["c", "", "scales"], ["y"])


def plain(dtype: str = "float32", border: int = FLOAT) -> bytes:
    constants = [constant("w", (4, 3, 3, 3), dtype), constant("scales", (4,))]
    return bytes(model([CONV, RESIZE], constants, border=border).SerializeToString())


def test_a_model_is_decoded(write: Write) -> None:
    decoded = read_onnx(write(plain()))

    assert (decoded.ir_version, dict(decoded.opsets), decoded.producer) == (8, {"ai.onnx": 13}, "tests 1")
    assert [(t.name, t.shape, t.dtype) for t in decoded.inputs] == [("x", (None, 3, 8, 8), "float32")]
    assert [(t.name, t.shape, t.dtype) for t in decoded.outputs] == [("y", None, "float32")]
    assert decoded.operators == {"Conv": 1, "Resize": 1}
    assert [(t.name, t.dtype, t.dims) for t in decoded.initializers] == [
        ("w", "float32", (4, 3, 3, 3)), ("scales", "float32", (4,)),
    ]  # fmt: skip


def made(nodes: Sequence[Any], *constants: Any, border: int = FLOAT) -> bytes:
    return bytes(model(nodes, constants, border=border).SerializeToString())


SHAPE = (4, 3, 3, 3)
ADD, RELU = node("Add", ["c", "b"], ["y"]), node("Relu", ["x"], ["y"])
QUANTIZED = [
    node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
    node("ConvInteger", ["q", "w"], ["i"]),
    node("Cast", ["i"], ["y"], to=FLOAT),
]
DEQUANTIZED = [node("DequantizeLinear", ["w", "s"], ["f"]), node("Conv", ["x", "f"], ["y"])]
BOTH = made([CONV, ADD], constant("w", SHAPE, "float16"), constant("b", (4,)))
INTEGERS = made(QUANTIZED, constant("w", SHAPE, "int8"))
STORED_INTEGERS = made(DEQUANTIZED, constant("w", SHAPE, "int8"), constant("s", ()))


@pytest.mark.parametrize(
    ("content", "precision", "weights"),
    [
        pytest.param(plain(), "fp32", "fp32", id="fp32"),
        pytest.param(plain("float16", FLOAT16), "fp16", "fp16", id="fp16"),
        pytest.param(plain("float16", FLOAT), "fp16", "fp16", id="fp16 with fp32 inputs and outputs"),
        pytest.param(BOTH, "mixed", "mixed", id="fp16 and fp32"),
        pytest.param(INTEGERS, "int8", "int8", id="integers"),
        pytest.param(STORED_INTEGERS, "fp32", "int8", id="integers in storage only"),
        pytest.param(made([RELU], border=FLOAT16), "fp16", None, id="no weights"),
    ],
)
def test_precision_follows_the_float_tensors(
    write: Write, content: bytes, precision: str, weights: str | None
) -> None:
    inspection = inspect(write(content))

    assert (inspection.format, inspection.precision, inspection.weights_precision) == (
        "onnx",
        precision,
        weights,
    )


def test_operators_of_subgraphs_are_counted(write: Write) -> None:
    empty = onnx.helper.make_graph(
        [node("Neg", ["x"], ["a"])], "then", [], [onnx.helper.make_empty_tensor_value_info("a")]
    )
    nodes = [node("If", ["c"], ["y"], then_branch=empty, else_branch=empty)]

    assert read_onnx(write(model(nodes, [constant("c", (), "bool")]).SerializeToString())).operators == {
        "If": 1,
        "Neg": 2,
    }


def test_custom_operators_have_their_domain_and_a_warning(write: Write) -> None:
    fused = model(
        [node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft")], [constant("w", (4, 3, 3, 3))]
    )
    fused.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))

    inspection = inspect(write(fused.SerializeToString()))

    assert inspection.operators == {"com.microsoft.FusedConv": 1}
    assert any("com.microsoft" in warning for warning in inspection.warnings)


def test_constants_listed_as_inputs_are_not_inputs(write: Write) -> None:
    old = model([node("Add", ["x", "w"], ["y"])], [constant("w", (8,))], ir=3)
    old.graph.input.append(onnx.helper.make_tensor_value_info("w", FLOAT, [8]))

    assert [tensor.name for tensor in read_onnx(write(old.SerializeToString())).inputs] == ["x"]


def test_constants_inside_operators_count_as_parameters(write: Write) -> None:
    inner = model([node("Constant", [], ["k"], value=constant("", (7,))), node("Add", ["x", "k"], ["y"])], [])

    assert inspect(write(inner.SerializeToString())).elements == 7


def external(location: str) -> bytes:
    tensor = constant("w", (4, 3, 3, 3))
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return bytes(model([node("Conv", ["x", "w"], ["y"])], [tensor]).SerializeToString())


def test_external_data_belongs_to_the_artifact(write: Write, tmp_path: Path) -> None:
    content = external("weights.bin")
    path = write(content, "model.onnx")

    alone = inspect(path)
    (tmp_path / "weights.bin").write_bytes(bytes(432))
    whole = inspect(path)

    assert any("weights.bin is not in the folder" in warning for warning in alone.warnings)
    assert any("ship them with the model" in warning for warning in whole.warnings)
    assert (alone.size, whole.size) == (len(content), len(content) + 432)
    assert alone.sha256 != whole.sha256


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../b", "C:\\data", "..\\data", ""])
def test_external_data_outside_the_folder_is_rejected(write: Write, location: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        inspect(write(external(location)))

    assert caught.value.code == "onnx-unsafe-external-data"


def test_truncation_at_any_byte_is_rejected(write: Write) -> None:
    whole = plain()

    for end in range(3, len(whole)):
        with pytest.raises(IntegrityError) as caught:
            read_onnx(write(whole[:end]))
        assert caught.value.code == "onnx-truncated"


def shortened() -> bytes:
    tensor = constant("w", (4, 3, 3, 3))
    tensor.raw_data = tensor.raw_data[:-1]
    return bytes(model([CONV], [tensor]).SerializeToString())


def emptied() -> bytes:
    tensor = constant("w", (4, 3, 3, 3))
    tensor.ClearField("raw_data")
    return bytes(model([CONV], [tensor]).SerializeToString())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(shortened(), "onnx-corrupt", id="data shorter than its extents"),
        pytest.param(emptied(), "onnx-corrupt", id="no data"),
        pytest.param(
            model([node("", ["x"], ["y"])], []).SerializeToString(),
            "onnx-corrupt",
            id="operator without a type",
        ),
        pytest.param(b"PK\x03\x04", "not-an-onnx-model", id="zip"),
    ],
)
def test_damaged_models_are_rejected(write: Write, content: bytes, code: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_onnx(write(content))

    assert caught.value.code == code
