"""Quantization of ONNX with the real tool."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import Inspection, inspect
from converters.onnx import Calibration, QuantizeOptions, quantize_key, quantize_options
from converters.onnx.quantize import run_quantize_job
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXQUANT
from registry.errors import ConversionError, UsageError
from tests.conftest import ensured

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
onnxruntime = pytest.importorskip("onnxruntime")

Quantize = Callable[..., Inspection]
ALONE = QuantizeOptions(arithmetic="fp32")


def network(path: Path, convolutions: int, opset: int = 13) -> Path:
    """A sequence of convolutions, every third of them depthwise, with bounded values."""
    helper, random = onnx.helper, np.random.default_rng(0)
    nodes, weights, value = [], [], "image"
    for index in range(convolutions):
        depthwise = index % 3 == 2
        shape = (8, 1 if depthwise else 3 if index == 0 else 8, 3, 3)
        array = random.standard_normal(shape).astype(np.float32) / 6
        weights.append(onnx.numpy_helper.from_array(array, f"w{index}"))
        nodes.append(
            helper.make_node(
                "Conv",
                [value, f"w{index}"],
                [f"c{index}"],
                group=8 if depthwise else 1,
                pads=[1, 1, 1, 1],
            )
        )
        nodes.append(helper.make_node("Relu", [f"c{index}"], [value := f"r{index}"]))
    ends = [helper.make_tensor_value_info("image", 1, ["n", 3, 8, 8])]
    ends.append(helper.make_tensor_value_info(value, 1, ["n", 8, 8, 8]))
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7), path)
    return path


@pytest.fixture
def options(tmp_path: Path) -> QuantizeOptions:
    """Calibrated on noise."""
    images = np.random.default_rng(3).standard_normal((8, 3, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "seen.npz", image=images)
    digest = hashlib.sha256(images.tobytes()).hexdigest()
    seen = Calibration(sha256=digest, inputs=8, images={"a.jpg": "a" * 64}, tensors=tmp_path / "seen.npz")
    return QuantizeOptions(calibration=seen)


@pytest.fixture
def make(toolchains: Toolchains, tmp_path: Path) -> Quantize:
    ensured(toolchains, ONNXQUANT)

    def run(source: Path, out: Path, options: QuantizeOptions) -> Inspection:
        return run_quantize_job(source, out, options, toolchains=toolchains, work=tmp_path / "work", note=str)

    return run


def run(path: Path) -> Any:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(4).standard_normal((2, 3, 8, 8)).astype(np.float32)
    return session.run(None, {"image": image})[0]


def test_calibrated_it_computes_in_integers_and_nearly_the_same(
    make: Quantize, options: QuantizeOptions, tmp_path: Path
) -> None:
    source = network(tmp_path / "model.onnx", 16)
    made = make(source, tmp_path / "int8.onnx", options)

    assert made.precision == "int8"
    assert (made.inputs, made.outputs) == (inspect(source).inputs, inspect(source).outputs)
    expected, found = run(source), run(tmp_path / "int8.onnx")
    assert 0 < np.abs(expected - found).max() < 0.05 * np.abs(expected).max()


def test_first_last_and_depthwise_convolutions_keep_single_precision(
    make: Quantize, options: QuantizeOptions, tmp_path: Path
) -> None:
    make(network(tmp_path / "model.onnx", 16), tmp_path / "int8.onnx", options)
    stored = {tensor.name: tensor.data_type for tensor in onnx.load(tmp_path / "int8.onnx").graph.initializer}

    # Of 16, 10 are first, 11 and 14 depthwise, and 15 the last.
    assert [index for index in range(16) if f"w{index}_quantized" in stored] == [10, 12, 13]


def test_weights_alone_are_stored_in_a_quarter_and_computed_with_in_single_precision(
    make: Quantize, tmp_path: Path
) -> None:
    source = network(tmp_path / "model.onnx", 4)
    made = make(source, tmp_path / "small.onnx", ALONE)

    assert (made.precision, made.weights_precision) == ("fp32", "int8")
    expected, found = run(source), run(tmp_path / "small.onnx")
    assert 0 < np.abs(expected - found).max() < 0.02 * np.abs(expected).max()


def test_equal_requests_give_equal_bytes_and_name_the_images(
    make: Quantize, options: QuantizeOptions, tmp_path: Path
) -> None:
    source = network(tmp_path / "model.onnx", 16)
    first, second = (make(source, tmp_path / name, options) for name in ("a.onnx", "b.onnx"))

    assert first.sha256 == second.sha256
    statement = read_provenance(tmp_path / "a.onnx")
    assert statement.is_about(first.sha256)
    parts = statement.predicate.build_definition.resolved_dependencies
    assert {"a.jpg", "model.onnx"} <= {part.name for part in parts}


def test_a_network_with_exempt_layers_only_is_an_error(
    make: Quantize, options: QuantizeOptions, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=ONNXQUANT.name) as caught:
        make(network(tmp_path / "model.onnx", 5), tmp_path / "int8.onnx", options)

    assert "--weight-only int8" in (caught.value.hint or "")
    assert not (tmp_path / "int8.onnx").exists()


def test_a_model_of_an_earlier_opset_or_quantized_already_is_refused(make: Quantize, tmp_path: Path) -> None:
    early = network(tmp_path / "early.onnx", 4, opset=11)
    make(network(tmp_path / "model.onnx", 4), tmp_path / "small.onnx", ALONE)

    for source in (early, tmp_path / "small.onnx"):
        with pytest.raises(ConversionError) as caught:
            make(source, tmp_path / "out.onnx", ALONE)
        assert caught.value.code == "onnx-quantization-unsupported"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("int8", None, False, None), "calibration-needed"),
        (("fp32", None, True, None), "option-not-applicable"),
        (("fp32", "int8", True, None), "option-not-applicable"),
        (("fp32", "int16", False, None), "onnx-quantization-unsupported"),
        (("int8", "int8", True, None), "onnx-quantization-unsupported"),
        (("fp16", "int8", False, None), "onnx-quantization-unsupported"),
        (("fp32", "int8", False, 11), "onnx-opset-unsupported"),
    ],
)
def test_incompatible_options_are_refused(asked: tuple[Any, ...], code: str) -> None:
    precision, weight_only, calibrated, opset = asked
    with pytest.raises(UsageError) as caught:
        quantize_options(precision, weight_only, calibrated=calibrated, opset=opset)

    assert caught.value.code == code


def test_the_key_depends_on_the_calibration_data_not_on_its_path(
    options: QuantizeOptions, tmp_path: Path
) -> None:
    def key(**changes: Any) -> str:
        assert options.calibration is not None
        seen = options.calibration.model_copy(update=changes)
        return quantize_key({"model": "0" * 64}, options.model_copy(update={"calibration": seen}))

    assert key() == key(tensors=tmp_path / "elsewhere.npz") == key(images={"b.jpg": "a" * 64})
    assert key() != key(sha256="b" * 64)
