"""Repairs of graphs written by paddle2onnx."""

from __future__ import annotations

from typing import Any

import pytest

from converters.onnx.worker import lift_scalars, pin_batch

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
onnxruntime = pytest.importorskip("onnxruntime")


def reshape_to(*parts: tuple[str, list[int]]) -> Any:
    """``x`` [n, 6], reshaped to constants put together, each with the extents it is given."""
    constants = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.helper.make_tensor(name, 7, dims, [value]))
        for value, (name, dims) in enumerate(parts, start=2)
    ]
    # As paddle2onnx does, so that the extents are known to shape inference alone.
    casts = [onnx.helper.make_node("Cast", [name], [f"{name}/cast"], to=7) for name, _ in parts]
    together = onnx.helper.make_node("Concat", [node.output[0] for node in casts], ["shape"], axis=0)
    reshape = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    ends = [
        onnx.helper.make_tensor_value_info(name, 1, dims)
        for name, dims in (("x", ["n", 6]), ("y", [None, None]))
    ]
    graph = onnx.helper.make_graph([*constants, *casts, together, reshape], "graph", [ends[0]], [ends[1]])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=6)


@pytest.mark.parametrize("first", [[], [1]])
def test_scalars_of_a_shape_get_their_dimension_back(first: list[int]) -> None:
    model = reshape_to(("a", first), ("b", []))
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx.checker.check_model(model, full_check=True)

    lift_scalars(model)

    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.zeros((1, 6), np.float32)})[0].shape == (2, 3)


def test_a_graph_without_them_keeps_its_bytes() -> None:
    model = reshape_to(("a", [1]), ("b", [1]))
    before = model.SerializeToString(deterministic=True)

    lift_scalars(model)

    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(("operator", "batch"), [("NonMaxSuppression", 1), ("Identity", "n")])
def test_the_batch_of_a_graph_with_suppression_is_fixed_to_1(operator: str, batch: int | str) -> None:
    """paddle2onnx writes the suppression for one image and leaves the batch open."""
    kinds = {"boxes": ["n", "m", 4], "scores": ["n", 1, "m"]}
    ends = [onnx.helper.make_tensor_value_info(name, 1, dims) for name, dims in kinds.items()]
    found = onnx.helper.make_tensor_value_info("found", 7, [None, None])
    taken = ["boxes", "scores"] if operator == "NonMaxSuppression" else ["boxes"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, taken, ["found"])], "graph", ends, [found]
    )

    pin_batch(graph)

    first = [value.type.tensor_type.shape.dim[0] for value in graph.input]
    assert [extent.dim_value or extent.dim_param for extent in first] == [batch, batch]
    assert graph.input[0].type.tensor_type.shape.dim[1].dim_param == "m"
