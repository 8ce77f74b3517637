"""The seed models in TensorFlow Lite compute what Paddle Inference does: minutes each, where the tool is."""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from converters.onnx import OnnxOptions
from converters.planning.execute import run_step
from converters.planning.plan import ConversionTarget, plan_steps
from converters.toolchain import Toolchains
from converters.toolchain.pins import LITERT, PADDLE
from tests.conftest import ensured
from zoo.runner.sessions import open_session

np = pytest.importorskip("numpy")

WEIGHTS = {
    "tinypose_128x96": "tinypose_128x96",
    "tinypose_256x192": "tinypose_256x192",
    "picodet_s_192_pedestrian": "picodet_s_192_pedestrian",
    "picodet_s_320_pedestrian": "picodet_s_192_pedestrian",  # whose own are nowhere; names and shapes agree
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_outputs_lie_within_a_ten_thousandth_of_paddles(
    with_large_tools: Toolchains, shared: Path, tmp_path: Path, name: str
) -> None:
    entry, source = registry.load().get(name), shared / f"data/weights/{WEIGHTS[name]}.pdparams"
    for step, made in zip(
        plan_steps("weights", ConversionTarget(format="tflite", onnx=OnnxOptions()), entry),
        ("inference", "model.onnx", "model.tflite"),
        strict=True,
    ):
        source = run_step(
            step,
            source,
            tmp_path / made,
            entry=entry,
            toolchains=with_large_tools,
            work=tmp_path / "work",
            note=str,
        )
    extents = (1, 3, entry.input.height, entry.input.width)
    image = {"image": np.random.default_rng(0).standard_normal(extents).astype(np.float32)}
    paddle, litert = (ensured(with_large_tools, tool) for tool in (PADDLE, LITERT))
    with (
        open_session(tmp_path / "inference", "paddle", interpreter=paddle) as one,
        open_session(source, "tflite", interpreter=litert) as other,
    ):
        expected, found = one.run(image), other.run(image)

    assert list(expected) == list(found)
    for reference, array in zip(expected.values(), found.values(), strict=True):
        np.testing.assert_allclose(array, reference, atol=1e-4)
