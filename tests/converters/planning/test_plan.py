"""Plans of conversions: combinations that no tool supports are refused before anything runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import registry
from converters.formats import Tensor
from converters.inference.options import published_options
from converters.onnx.convert import _require_one_image
from converters.planning.plan import ConversionTarget, plan_steps
from registry.errors import ConversionError

DETECTOR = registry.load().get("picodet_s_192_lcnet_pedestrian")


def target(format_: Any, head: str, batch: int | None) -> ConversionTarget:
    options = published_options(DETECTOR).model_copy(update={"head": head, "batch": batch})
    return ConversionTarget(format=format_, inference=options)


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
@pytest.mark.parametrize("batch", [2, 8])
def test_box_suppression_in_onnx_takes_one_image(format_: str, batch: int) -> None:
    with pytest.raises(ConversionError) as caught:
        plan_steps("weights", target(format_, "nms", batch), DETECTOR)
    assert caught.value.code == "onnx-nms-batch-unsupported"
    assert f"batch {batch}" in str(caught.value.found)


@pytest.mark.parametrize(
    ("format_", "head", "batch"),
    [
        ("onnx", "nms", 1),
        ("onnx", "nms", None),
        ("onnx", "boxes", 2),
        ("lite", "nms", 2),
        ("inference", "nms", 2),
    ],
)
def test_other_combinations_are_planned(format_: str, head: str, batch: int | None) -> None:
    assert plan_steps("weights", target(format_, head, batch), DETECTOR)


@pytest.mark.parametrize("operator", ["multiclass_nms3", "multiclass_nms", "matrix_nms"])
def test_a_local_model_with_suppression_takes_one_image_too(operator: str) -> None:
    def model(batch: int | None, **operators: int) -> Any:
        return SimpleNamespace(
            operators={"conv2d": 3, **operators},
            inputs=(
                Tensor(name="image", shape=(batch, 3, 64, 64), dtype="float32"),
                Tensor(name="scale_factor", shape=(batch, 2), dtype="float32"),
            ),
        )

    assert not _require_one_image(model(2))
    assert not _require_one_image(model(1, **{operator: 1}))
    assert _require_one_image(model(None, **{operator: 1}))
    with pytest.raises(ConversionError) as caught:
        _require_one_image(model(4, **{operator: 1}))
    assert caught.value.code == "onnx-nms-batch-unsupported"
