"""The x86 files of the oldest Paddle-Lite against outputs of the original runtimes on real images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.lite import LiteOptions, run_lite_job
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from tests.conftest import ensured
from zoo.runner.sessions import Session, open_session

OpenX86 = Callable[[str], Session]


@pytest.fixture
def open_x86(shared: Path, toolchains: Toolchains, tmp_path: Path) -> OpenX86:
    """Open a model's x86 file that 2.9.1 converts and runs."""
    interpreter = ensured(toolchains, paddlelite("2.9.1"))

    def make(name: str) -> Session:
        out, options = tmp_path / "x.nb", LiteOptions(target="x86", version="2.9.1")
        model, work = shared / "data/inference" / name, tmp_path / "work"
        run_lite_job(model, out, options, toolchains=toolchains, work=work, note=lambda text: None)
        return open_session(out, "lite", interpreter=interpreter)

    return make


def test_the_pose_network_on_several_persons(shared: Path, open_x86: OpenX86) -> None:
    stored = np.load(shared / "data/reference/tinypose_128x96__demo_4__A.heatmaps.npz")
    persons = np.concatenate([stored[f"input_{number}"] for number in range(3)])
    expected = np.concatenate([stored[f"heatmap_{number}"] for number in range(3)])
    with open_x86("tinypose_128x96") as session:
        maps, indices = session.run({"image": persons}).values()
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    assert (indices == expected.reshape(3, 17, -1).argmax(axis=2)).all()


def test_the_detector(shared: Path, open_x86: OpenX86) -> None:
    stored = np.load(shared / "data/reference/picodet_s_192_pedestrian__demo_4.raw.npz")
    with open_x86("picodet_s_192_pedestrian") as session:
        outputs = session.run({"image": stored["image"]})
    for number, output in enumerate(outputs.values()):
        np.testing.assert_allclose(output, stored[f"out{number}"], atol=1e-4)
