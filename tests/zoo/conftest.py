"""Real models in every format, made once a run from the inference models beside the checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from converters.lite import LiteOptions, run_lite_job
from converters.onnx import OnnxOptions, run_onnx_job
from converters.openvino.convert import run_openvino_job
from converters.openvino.options import OpenvinoOptions
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.toolchain.pins import OPENVINO
from tests.conftest import ensured
from zoo._utils.choices import Backend
from zoo._utils.progress import discard_note
from zoo.runner.sessions import Session, open_session

OpenModel = Callable[[str, Backend], Session]
MakeModel = Callable[[str], Path]


@pytest.fixture(scope="session")
def onnx_model(shared: Path, toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Name of a model to its ONNX file."""
    folder = tmp_path_factory.mktemp("onnx")

    def make(name: str) -> Path:
        target = folder / f"{name}.onnx"
        if not target.exists():
            model = shared / "data/inference" / name
            work = folder / "work"
            run_onnx_job(model, target, OnnxOptions(), toolchains=toolchains, work=work, note=discard_note)
        return target

    return make


@pytest.fixture(scope="session")
def openvino_model(
    onnx_model: MakeModel, toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory
) -> MakeModel:
    """Name of a model to the folder of its OpenVINO model."""
    ensured(toolchains, OPENVINO)
    folder = tmp_path_factory.mktemp("openvino")

    def make(name: str) -> Path:
        target, work = folder / name, folder / "work"
        if not target.exists():
            options = OpenvinoOptions()
            run_openvino_job(
                onnx_model(name), target, options, toolchains=toolchains, work=work, note=discard_note
            )
        return target

    return make


@pytest.fixture(scope="session")
def lite_model(
    shared: Path, toolchains: Toolchains, lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Literal["arm", "x86"]], Path]:
    """Name of a model and target to its FP32 ``.nb`` file."""
    folder = tmp_path_factory.mktemp("lite")

    def make(name: str, target: Literal["arm", "x86"]) -> Path:
        file = folder / f"{name}_{target}.nb"
        if not file.exists():
            model, options = shared / "data/inference" / name, LiteOptions(target=target)
            run_lite_job(model, file, options, toolchains=toolchains, work=folder / "work", note=discard_note)
        return file

    return make


@pytest.fixture(scope="session")
def half_model(
    shared: Path, toolchains: Toolchains, lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> MakeModel:
    """Name of a model to its half-precision ``.nb`` file for ARM."""
    folder = tmp_path_factory.mktemp("half")

    def make(name: str) -> Path:
        file = folder / f"{name}.nb"
        if not file.exists():
            model, options = shared / "data/inference" / name, LiteOptions(target="arm", precision="fp16")
            run_lite_job(model, file, options, toolchains=toolchains, work=folder / "work", note=discard_note)
        return file

    return make


@pytest.fixture(scope="session")
def open_model(shared: Path, request: pytest.FixtureRequest) -> Iterator[OpenModel]:
    """Name of a model and engine to a session, opened once a run."""
    opened: dict[tuple[str, str], Session] = {}

    def open_once(name: str, engine: Backend) -> Session:
        if (name, engine) not in opened:
            opened[name, engine] = _open(name, engine)
        return opened[name, engine]

    def _open(name: str, engine: Backend) -> Session:
        if engine == "onnx":
            return open_session(request.getfixturevalue("onnx_model")(name), "onnx")
        if engine == "paddle":
            return open_session(shared / "data/inference" / name, "paddle")
        if engine == "openvino":
            model, toolchains = (request.getfixturevalue(each) for each in ("openvino_model", "toolchains"))
            return open_session(model(name), "openvino", interpreter=ensured(toolchains, OPENVINO))
        python = request.getfixturevalue("lite_python")
        return open_session(request.getfixturevalue("lite_model")(name, "x86"), "lite", interpreter=python)

    yield open_once
    for session in opened.values():
        session.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine's loopback, and its key in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    request = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-keyout", file, "-out", f"{file}.crt"]
    try:
        command = [*request.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no certificate can be made for an https server: {error}")
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file
