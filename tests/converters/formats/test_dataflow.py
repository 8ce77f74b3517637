"""Facts from the order of operators: normalization of images and fusions."""

from __future__ import annotations

import pytest

from converters.formats.dataflow import Dataflow, count_fused_operators, detect_normalization
from converters.formats.graph import AttributeValue, Operator
from converters.formats.inspection import Tensor

IMAGE = Tensor(name="image", shape=(None, 3, 8, 8), dtype="float32")


def step(kind: str, reads: str, writes: str, bias: str = "", **attributes: AttributeValue) -> Operator:
    inputs = {"X": (reads,)} | ({"Bias": (bias,)} if bias else {})
    return Operator(kind, inputs, {"Out": (writes,)}, attributes)


def flow(*operators: Operator, image: Tensor = IMAGE) -> Dataflow:
    return Dataflow(operators, (image,), ())


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        pytest.param([step("conv2d", "image", "a")], "host", id="the convolution sees the input"),
        pytest.param(
            [step("calib", "image", "a"), step("Conv", "a", "b")], "host", id="after a change of type"
        ),
        pytest.param(
            [step("elementwise_sub", "image", "a"), step("conv2d", "a", "b")], "in_graph", id="mean first"
        ),
        pytest.param(
            [step("transpose2", "image", "a"), step("Div", "a", "b")], "in_graph", id="after a data movement"
        ),
        pytest.param(
            [step("softmax", "image", "a"), step("conv2d", "a", "b")], None, id="another operator first"
        ),
        pytest.param(
            [step("assign", "image", "a"), step("softmax", "image", "a"), step("scale", "a", "b")],
            None,
            id="a reused name is another value",
        ),
    ],
)
def test_operators_before_the_first_convolution_decide_the_normalization(
    operators: list[Operator], expected: str | None
) -> None:
    assert detect_normalization(flow(*operators)) == expected


def test_input_that_is_not_an_image_is_ignored() -> None:
    numbers = Tensor(name="image", shape=(None, 2), dtype="float32")

    assert detect_normalization(flow(step("scale", "image", "a"), image=numbers)) is None


def test_fused_activations_and_batch_norms_are_counted() -> None:
    merged = [
        step("conv2d", "image", "a", bias="batch_norm_0.b_0", with_act=True, act_type="relu", fuse_relu=True),
        step("conv2d", "a", "b", bias="batch_norm_1.b_0", with_act=True, act_type="relu"),
        step("fc", "b", "c", activation_type="relu"),
        step("fusion_elementwise_add_activation", "c", "d", act_type="relu"),
        step("conv2d", "d", "e", fuse_relu=False),
    ]

    assert count_fused_operators(merged) == {
        "conv2d + batch_norm + relu": 2,
        "fusion_elementwise_add_activation + relu": 1,
    }
