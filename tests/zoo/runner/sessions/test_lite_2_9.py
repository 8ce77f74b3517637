"""The x86 twins of the oldest Paddle-Lite against what the original runtimes computed on real photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.lite import LiteOptions, to_lite
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from tests.conftest import ensured
from zoo.runner.sessions import Session, open_session

Twin = Callable[[str], Session]


@pytest.fixture
def twin(shared: Path, toolchains: Toolchains, tmp_path: Path) -> Twin:
    """Name of a model to its twin made by 2.9.1 and run by it."""
    interpreter = ensured(toolchains, paddlelite("2.9.1"))

    def make(name: str) -> Session:
        out, options = tmp_path / "x.nb", LiteOptions(target="x86", version="2.9.1")
        model, work = shared / "data/inference" / name, tmp_path / "work"
        to_lite(model, out, options, toolchains=toolchains, work=work, note=lambda text: None)
        return open_session(out, "lite", interpreter=interpreter)

    return make


def test_the_pose_network_on_several_persons(shared: Path, twin: Twin) -> None:
    stored = np.load(shared / "data/reference/tinypose_128x96__demo_4__A.heatmaps.npz")
    persons = np.concatenate([stored[f"input_{number}"] for number in range(3)])
    expected = np.concatenate([stored[f"heatmap_{number}"] for number in range(3)])
    with twin("tinypose_128x96") as session:
        maps, indices = session.run({"image": persons}).values()
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    assert (indices == expected.reshape(3, 17, -1).argmax(axis=2)).all()


def test_the_detector(shared: Path, twin: Twin) -> None:
    stored = np.load(shared / "data/reference/picodet_s_192_pedestrian__demo_4.raw.npz")
    with twin("picodet_s_192_pedestrian") as session:
        outputs = session.run({"image": stored["image"]})
    for number, output in enumerate(outputs.values()):
        np.testing.assert_allclose(output, stored[f"out{number}"], atol=1e-4)
