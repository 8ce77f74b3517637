"""Real models in every format, made once a run from the inference models beside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from converters.interpreter import Interpreter
from zoo.runner.sessions import Engine, Session, open_session

_OPT = """
import sys
from paddlelite.lite import Opt
opt = Opt()
opt.set_model_file(sys.argv[1] + "/model.pdmodel")
opt.set_param_file(sys.argv[1] + "/model.pdiparams")
opt.set_valid_places(sys.argv[2])
opt.set_model_type("naive_buffer")
opt.set_optimize_out(sys.argv[3])
opt.run()
"""

OpenModel = Callable[[str, Engine], Session]
MakeModel = Callable[[str], Path]


@pytest.fixture(scope="session")
def lite_python() -> Interpreter:
    """A Python that has paddlelite 2.13rc0."""
    path = os.environ.get("ZOO_TEST_LITE_PYTHON")
    if not path:
        pytest.skip("set ZOO_TEST_LITE_PYTHON to a Python that has paddlelite and numpy below 2")
    return Interpreter(Path(path), "3.10", "managed")


@pytest.fixture(scope="session")
def onnx_model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Name of a model to its ONNX file."""
    folder = tmp_path_factory.mktemp("onnx")

    def make(name: str) -> Path:
        target = folder / f"{name}.onnx"
        if not target.exists():
            command = [Path(sys.executable).with_name("paddle2onnx")]
            command += ["--model_dir", shared / "data/inference" / name, "--model_filename", "model.pdmodel"]
            command += ["--params_filename", "model.pdiparams", "--save_file", target]
            command += ["--opset_version", "11", "--optimize_tool", "None"]
            subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return target

    return make


@pytest.fixture(scope="session")
def lite_model(
    shared: Path, lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    """Name of a model and target to its FP32 ``.nb`` file."""
    folder = tmp_path_factory.mktemp("lite")

    def make(name: str, target: str) -> Path:
        path = folder / f"{name}.{target}"
        file = path.with_name(path.name + ".nb")
        if not file.exists():
            arguments = [shared / "data/inference" / name, target, path]
            command = [lite_python.path, "-I", "-c", _OPT, *arguments]
            subprocess.run(command, check=True, capture_output=True)
        return file

    return make


@pytest.fixture(scope="session")
def open_model(shared: Path, request: pytest.FixtureRequest) -> Iterator[OpenModel]:
    """Name of a model and engine to a session, opened once a run."""
    opened: dict[tuple[str, str], Session] = {}

    def open_once(name: str, engine: Engine) -> Session:
        if (name, engine) not in opened:
            opened[name, engine] = _open(name, engine)
        return opened[name, engine]

    def _open(name: str, engine: Engine) -> Session:
        if engine == "onnx":
            return open_session(request.getfixturevalue("onnx_model")(name), "onnx")
        if engine == "paddle":
            return open_session(shared / "data/inference" / name, "paddle")
        python = request.getfixturevalue("lite_python")
        return open_session(request.getfixturevalue("lite_model")(name, "x86"), "lite", interpreter=python)

    yield open_once
    for session in opened.values():
        session.close()
