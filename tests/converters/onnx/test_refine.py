"""Simplification of ONNX and conversion to FP16, with the real tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import Inspection, inspect
from converters.onnx import RefineOptions, refine_key, refine_options
from converters.onnx.refine import run_refine_job
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXTOOLS
from registry.errors import ConversionError, UsageError
from tests.conftest import ensured

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
onnxruntime = pytest.importorskip("onnxruntime")

Refine = Callable[..., Inspection]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution of ``image``, with a constant that is made by operators, and where it is largest."""
    helper, random = onnx.helper, np.random.default_rng(0)
    weights = onnx.numpy_helper.from_array(random.standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Constant", [], ["one"], value=onnx.numpy_helper.from_array(np.float32([1]))),
        helper.make_node("Identity", ["one"], ["same"]),
        helper.make_node("Conv", ["image", "w"], ["conv"]),
        helper.make_node("Add", ["conv", "same"], ["maps"]),
        helper.make_node("ArgMax", ["maps"], ["index"], axis=1, keepdims=0),
    ]
    image = helper.make_tensor_value_info("image", 1, ["n", 3, 8, 8])
    outputs = [
        helper.make_tensor_value_info("maps", 1, ["n", 4, 6, 6]),
        helper.make_tensor_value_info("index", 7, ["n", 6, 6]),
    ]
    graph = helper.make_graph(nodes, "graph", [image], outputs, [weights])
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


@pytest.fixture
def make(toolchains: Toolchains, tmp_path: Path) -> Refine:
    ensured(toolchains, ONNXTOOLS)

    def run(source: Path, out: Path, options: RefineOptions) -> Inspection:
        return run_refine_job(source, out, options, toolchains=toolchains, work=tmp_path / "work", note=str)

    return run


def run(path: Path, image: Any) -> Any:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})


def test_fp16_keeps_inputs_and_outputs_and_nearly_the_values(
    make: Refine, model: Path, tmp_path: Path
) -> None:
    made = make(model, tmp_path / "half.onnx", refine_options("fp16"))

    assert (made.precision, made.weights_precision) == ("fp16", "fp16")
    assert (made.inputs, made.outputs) == (inspect(model).inputs, inspect(model).outputs)
    image = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(run(tmp_path / "half.onnx", image)[0], run(model, image)[0], atol=2e-2)


def test_a_graph_that_suppresses_boxes_is_refused_in_half_before_any_tool_is_looked_for(
    tmp_path: Path,
) -> None:
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, 1, ["n", "m", 4]) for name in ("boxes", "scores")]
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores"], ["kept"])
    graph = helper.make_graph([node], "graph", ends, [helper.make_tensor_value_info("kept", 7, ["k", 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)]), tmp_path / "nms.onnx")

    with pytest.raises(ConversionError) as caught:
        run_refine_job(
            tmp_path / "nms.onnx",
            tmp_path / "half.onnx",
            refine_options("fp16"),
            toolchains=Toolchains(tmp_path / "none", offline=True),
            work=tmp_path / "work",
            note=str,
        )

    assert caught.value.code == "onnx-fp16-unsupported"
    assert "--head raw" in (caught.value.hint or "")


def test_fp16_io_makes_fp32_inputs_and_outputs_fp16(make: Refine, model: Path, tmp_path: Path) -> None:
    made = make(model, tmp_path / "half.onnx", refine_options("fp16", fp16_io=True))

    assert [tensor.dtype for tensor in (*made.inputs, *made.outputs)] == ["float16", "float16", "int64"]


def test_simplified_it_computes_the_same_with_fewer_operators(
    make: Refine, model: Path, tmp_path: Path
) -> None:
    made = make(model, tmp_path / "slim.onnx", refine_options("fp32", simplify=True))
    image = np.ones((1, 3, 8, 8), np.float32)

    assert sum(made.operators.values()) < sum(inspect(model).operators.values())
    assert (made.precision, made.details["opsets"]) == ("fp32", {"ai.onnx": 11})
    np.testing.assert_allclose(run(tmp_path / "slim.onnx", image)[0], run(model, image)[0], atol=1e-5)


def test_equal_requests_give_equal_bytes_and_say_where_they_come_from(
    make: Refine, model: Path, tmp_path: Path
) -> None:
    files = [make(model, tmp_path / name, refine_options("fp16")) for name in ("a.onnx", "b.onnx")]

    assert files[0].sha256 == files[1].sha256
    assert read_provenance(tmp_path / "a.onnx").is_about(files[0].sha256)


def test_a_graph_that_cannot_be_fp16_is_an_error(make: Refine, model: Path, tmp_path: Path) -> None:
    broken = onnx.load(model)
    broken.graph.node[2].op_type = "NoSuchOperator"
    onnx.save(broken, tmp_path / "broken.onnx")

    with pytest.raises(ConversionError) as caught:
        make(tmp_path / "broken.onnx", tmp_path / "out.onnx", refine_options("fp16"))

    assert caught.value.code == "converter-failed"
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"precision": "int8"}, "onnx-precision-unsupported"),
        ({"precision": "fp32", "fp16_io": True}, "onnx-fp16-io-unsupported"),
    ],
)
def test_unsupported_options_are_refused(asked: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        refine_options(**asked)

    assert caught.value.code == code


def test_every_option_is_part_of_the_key() -> None:
    keys = {
        refine_key({"model": "0" * 64}, refine_options(precision, fp16_io=ends, simplify=True))
        for precision, ends in (("fp32", False), ("fp16", False), ("fp16", True))
    }

    assert len(keys) == 3


def test_a_missing_comparison_is_reported(toolchains: Toolchains, tmp_path: Path) -> None:
    ensured(toolchains, ONNXTOOLS)
    helper = onnx.helper
    shape = onnx.numpy_helper.from_array(
        np.int64([-1, 7919]), "shape"
    )  # no guess is a multiple of this prime
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["rows"]),
        helper.make_node("Relu", ["rows"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", 1, ["n", 3])
    y = helper.make_tensor_value_info("y", 1, ["m", 7919])
    graph = helper.make_graph(nodes, "graph", [x], [y], [shape])
    source = tmp_path / "open.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), source)
    notes: list[str] = []

    run_refine_job(
        source,
        tmp_path / "simple.onnx",
        refine_options("fp32", simplify=True),
        toolchains=toolchains,
        work=tmp_path / "work",
        note=notes.append,
    )

    assert any("were not compared" in note for note in notes)
