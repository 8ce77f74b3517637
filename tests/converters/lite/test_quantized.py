"""Models of Paddle's post-training quantization, in both of its formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.lite import LiteOptions, require_precision, run_lite_job
from converters.process.run import run_worker
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from registry.errors import UsageError
from tests.conftest import ensured

SCRIPT = """
import os

def main(request):
    os.environ["FLAGS_enable_pir_api"] = "0"
    import numpy, paddle
    from paddle import nn
    from paddle.static.quantization import PostTrainingQuantization

    network = nn.Sequential(nn.Conv2D(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2D(8, 4, 1))
    network.eval()
    image = paddle.static.InputSpec([1, 3, 32, 32], "float32", "image")
    paddle.jit.save(network, "plain/model", input_spec=[image])
    paddle.enable_static()
    random = numpy.random.default_rng(0)
    images = [{"image": random.standard_normal((1, 3, 32, 32)).astype("float32")} for _ in range(4)]
    names = {"model_filename": "model.pdmodel", "params_filename": "model.pdiparams"}
    for name, onnx_format in (("new", True), ("old", False)):
        quantization = PostTrainingQuantization(
            executor=paddle.static.Executor(paddle.CPUPlace()), model_dir="plain", **names,
            data_loader=lambda: iter(images), batch_size=1, batch_nums=4, algo="abs_max",
            quantizable_op_type=["conv2d"], onnx_format=onnx_format)
        quantization.quantize()
        quantization.save_quantized_model(os.path.join(request["out"], name), **names)
    os.rename("plain", os.path.join(request["out"], "plain"))
    return {}
"""


@pytest.fixture(scope="module")
def models(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``plain``, and ``new`` and ``old`` for the two formats of quantized models."""
    out, work = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("work")
    script = tmp_path_factory.mktemp("script") / "quantize.py"
    script.write_text(SCRIPT)
    interpreter = ensured(toolchains, PADDLE)
    run_worker(interpreter, script, {"out": str(out)}, folder=work, log=work / "log", timeout=300)
    return out


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("name", ["new", "old"])
def test_the_lite_file_of_a_quantized_model_computes_in_int8(
    models: Path, toolchains: Toolchains, tmp_path: Path, name: str, precision: str
) -> None:
    notes: list[str] = []
    options = LiteOptions.model_validate({"precision": precision})
    found = run_lite_job(
        models / name, tmp_path / "q.nb", options, toolchains=toolchains, work=tmp_path, note=notes.append
    )
    assert (found.format, found.precision, found.target) == ("lite", "int8", "arm")
    assert any("computes in int8" in note for note in notes) is (precision == "fp32")


def test_a_model_that_is_not_quantized_has_no_int8_file(
    models: Path, toolchains: Toolchains, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        run_lite_job(
            models / "plain",
            tmp_path / "q.nb",
            LiteOptions(precision="int8"),
            toolchains=toolchains,
            work=tmp_path,
            note=lambda _: None,
        )
    assert caught.value.code == "lite-precision-unsupported"
    assert not (tmp_path / "q.nb").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"precision": "fp16"}, "lite-precision-unsupported"),
        ({"weight_only": "int8"}, "lite-quantization-unsupported"),
        ({"precision": "int8", "weight_only": "int16"}, "lite-quantization-unsupported"),
        ({"sparse": True}, "lite-sparse-unsupported"),
    ],
)
def test_options_that_a_quantized_model_cannot_honor_are_refused(
    options: dict[str, object], code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        require_precision(LiteOptions.model_validate(options), quantized=True)
    assert caught.value.code == code
