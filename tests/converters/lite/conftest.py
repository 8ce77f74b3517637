"""Outputs of a Lite file for x86, and those of Paddle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from numpy.typing import NDArray

from converters.lite import LiteOptions, run_lite_job
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE, paddlelite
from tests.conftest import ensured
from zoo.runner.sessions import open_session


class Outputs(NamedTuple):
    """Outputs of an inference model and of its x86 file, in order."""

    paddle: list[NDArray[Any]]
    twin: list[NDArray[Any]]


Compute = Callable[[Path, str, Mapping[str, NDArray[Any]]], Outputs]


@pytest.fixture
def compute(toolchains: Toolchains, tmp_path: Path) -> Compute:
    """Runs a model with Paddle, and its x86 file with a version of Paddle-Lite."""

    def run(model: Path, version: str, feeds: Mapping[str, NDArray[Any]]) -> Outputs:
        paddle, lite = ensured(toolchains, PADDLE), ensured(toolchains, paddlelite(version))
        options, out, work = LiteOptions(target="x86", version=version), tmp_path / "x.nb", tmp_path / "work"
        run_lite_job(model, out, options, toolchains=toolchains, work=work, note=lambda text: None)
        with open_session(model, "paddle", interpreter=paddle) as session:
            expected = list(session.run(feeds).values())
        with open_session(out, "lite", interpreter=lite) as session:
            found = list(session.run(feeds).values())
        assert len(found) == len(expected)
        return Outputs(expected, found)

    return run
