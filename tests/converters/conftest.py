"""A network that exports and converts in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.process.run import run_worker
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from tests.conftest import ensured
from tests.helpers.timing import deadline

EXPORT = """
import os

def main(request):
    os.environ["FLAGS_enable_pir_api"] = request["pir"]
    import paddle

    class Network(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.convolution = paddle.nn.Conv2D(3, 17, 3, padding=1)

        def forward(self, image):
            maps = self.convolution(image)
            rows = maps.flatten(2) if request["flatten"] else maps.reshape([0, 17, 768])
            return maps, paddle.argmax(rows, axis=-1)

    paddle.seed(7)
    network = Network()
    network.eval()
    image = paddle.static.InputSpec([None, 3, 32, 24], name="image")
    paddle.jit.save(paddle.jit.to_static(network, input_spec=[image]), request["out"] + "/model")
    return {}
"""

Export = Callable[..., Path]


@pytest.fixture(scope="session")
def export(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports the small network with paddle: image [N, 3, 32, 24] to heat maps and arg-max."""
    interpreter = ensured(toolchains, PADDLE)

    def make(*, pir: bool = False, flatten: bool = False) -> Path:
        out, folder = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("export")
        script = folder / "export.py"
        script.write_text(EXPORT)
        request = {"pir": "1" if pir else "0", "flatten": flatten, "out": str(out)}
        run_worker(interpreter, script, request, folder=folder, log=folder / "log", timeout=deadline(300))
        return out

    return make


@pytest.fixture(scope="session")
def small(export: Export) -> Path:
    """The small network as a legacy program."""
    return export()


@pytest.fixture(scope="session")
def small_pir(export: Export) -> Path:
    """The small network as a program of Paddle 3."""
    return export(pir=True)
