"""Real and small artifacts for the readers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.process.interpreter import Interpreter
from tests.helpers.timing import deadline

_OPT = """
import sys
from paddlelite.lite import Opt
folder, out, target, fp16, quantize = sys.argv[1:]
opt = Opt()
opt.set_model_file(folder + "/model.pdmodel")
opt.set_param_file(folder + "/model.pdiparams")
if fp16 == "fp16":
    opt.enable_fp16()  # has no effect after set_valid_places
opt.set_valid_places(target)
opt.set_model_type("naive_buffer")
if quantize:
    opt.set_quant_model(True)  # has no effect before set_valid_places
    opt.set_quant_type(quantize)
opt.set_optimize_out(out)
opt.run()
"""

Convert = Callable[..., Path]


@pytest.fixture(scope="session")
def opt(lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Run the real opt on an inference model: ``opt(folder, "arm", fp16=True)`` returns the ``.nb``."""
    made: dict[tuple[object, ...], Path] = {}

    def convert(
        folder: Path, target: str, *, fp16: bool = False, quantize: str = "", meta1: bool = False
    ) -> Path:
        key = (folder, target, fp16, quantize, meta1)
        if key not in made:
            out = tmp_path_factory.mktemp("opt") / "model"
            asked = [str(folder), str(out), target, "fp16" if fp16 else "fp32", quantize]
            environment = {"PADDLE_LITE_MODEL_VERSION1": "1"} if meta1 else {}
            subprocess.run(
                [str(lite_python.path), "-c", _OPT, *asked],
                check=True,
                capture_output=True,
                env=environment,
                timeout=deadline(120),
            )
            made[key] = out.with_suffix(".nb")
        return made[key]

    return convert


@pytest.fixture(scope="session")
def picodet(shared: Path) -> Path:
    return shared / "data/inference/picodet_s_192_pedestrian"


@pytest.fixture(scope="session")
def tinypose(shared: Path) -> Path:
    return shared / "data/inference/tinypose_128x96"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes, str], Path]:
    """Write bytes to a file, by default under a neutral name."""

    def to_file(content: bytes, name: str = "artifact") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file
