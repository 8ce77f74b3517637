"""The seed models in ncnn compute what Paddle Inference does, on inputs of real images or on noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import registry
from converters.formats import inspect
from converters.inference.options import published_options
from converters.ncnn.options import NcnnOptions, ncnn_export
from converters.onnx import OnnxOptions
from converters.planning.execute import run_step
from converters.toolchain import Toolchains
from converters.toolchain.pins import NCNN, PADDLE
from registry.errors import UsageError
from tests.conftest import ensured
from zoo.runner.sessions import open_session

SEEDS = {
    "tinypose_128x96": "tinypose_128x96",
    "tinypose_256x192": "tinypose_256x192",
    "picodet_s_192_pedestrian": "picodet_s_192_pedestrian",
    "picodet_s_320_pedestrian": "picodet_s_192_pedestrian",  # its own weights are nowhere; these fit it
}

Export = Callable[[str], Path]


@pytest.fixture(scope="module")
def export(shared: Path, toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Name of an entry to a folder with its ``inference`` model, as it can go on to ``ncnn``, and that."""
    ensured(toolchains, PADDLE)
    ensured(toolchains, NCNN)
    folder = tmp_path_factory.mktemp("ncnn")

    def make(name: str) -> Path:
        entry, source = registry.load().get(name), shared / f"data/weights/{SEEDS[name]}.pdparams"
        published = published_options(entry)
        changes = ncnn_export(published, head=None, argmax=None, batch=None)
        for step, made in (
            (published.model_copy(update=changes), "inference"),
            (OnnxOptions(), "model.onnx"),
            (NcnnOptions(without_argmax=bool(published.argmax)), "ncnn"),
        ):
            target = folder / name / made
            if not target.exists():
                run_step(
                    step,
                    source,
                    target,
                    entry=entry,
                    toolchains=toolchains,
                    work=folder / "work",
                    note=[].append,
                )
            source = target
        return folder / name

    return make


@pytest.mark.parametrize("name", SEEDS)
def test_outputs_lie_within_a_ten_thousandth_of_paddles(
    export: Export, toolchains: Toolchains, shared: Path, name: str
) -> None:
    made, known = export(name), shared / f"data/reference/{name}__demo_3.raw.npz"
    shape = [1, 3, *(getattr(registry.load().get(name).input, side) for side in ("height", "width"))]
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    image = np.load(known)["image"] if known.exists() else noise

    with (
        open_session(made / "inference", "paddle", interpreter=ensured(toolchains, PADDLE)) as paddle,
        open_session(made / "ncnn", "ncnn", interpreter=ensured(toolchains, NCNN)) as ncnn,
    ):
        expected, found = paddle.run({"image": image}), ncnn.run({"image": image})

    assert len(found) == (1 if "pose" in name else 8)
    assert list(found) == [end.name for end in inspect(made / "model.onnx").outputs][: len(found)]
    for one, other in zip(expected.values(), found.values(), strict=False):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, atol=1e-4)


def test_the_engine_states_its_facts_and_takes_one_image_a_run(
    export: Export, toolchains: Toolchains
) -> None:
    model = export("tinypose_128x96") / "ncnn"
    python = ensured(toolchains, NCNN)
    pair = np.zeros((2, 3, 128, 96), np.float32)

    with open_session(model, "ncnn", interpreter=python, threads=2) as session:
        assert (session.engine, session.threads) == ("ncnn", 2)
        assert session.engine_version.endswith("computing in fp32")
        with pytest.raises(UsageError) as caught:
            session.run({"image": pair})
        assert caught.value.code == "input-shape"
        assert session.run({"image": pair[:1]})["heatmaps"].shape == (1, 17, 32, 24)


def test_a_file_of_another_format_is_refused(export: Export) -> None:
    with pytest.raises(UsageError) as caught:
        open_session(export("tinypose_128x96") / "model.onnx", "ncnn")

    assert caught.value.code == "wrong-format"
