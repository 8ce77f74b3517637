"""ONNX to ncnn, with the real tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import Inspection, inspect
from converters.ncnn.convert import run_ncnn_job
from converters.ncnn.options import NcnnOptions, ncnn_key, ncnn_options
from converters.ncnn.source import require_supported
from converters.ncnn.worker import restore_names
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import NCNN
from registry.errors import ConversionError, UsageError
from tests.conftest import ensured

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

Convert = Callable[..., Inspection]


def network(path: Path, *, image: str = "image", batch: int | str = "n", **changed: Any) -> Path:
    """A convolution of ``image``, its positive part and, from that, its sigmoid, which comes first.

    With ``index``, where the positive part is largest comes last.
    """
    helper, random = onnx.helper, np.random.default_rng(0)
    weights = random.standard_normal((4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", [image, "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["maps"]),
        helper.make_node(changed.get("last", "Sigmoid"), ["maps"], ["sure"]),
    ]
    if changed.get("index"):
        nodes.append(helper.make_node("ArgMax", ["maps"], ["index"], axis=1, keepdims=0))
    ends = [helper.make_tensor_value_info(name, 1, [batch, 4, 5, 5]) for name in ("sure", "maps")]
    if changed.get("index"):
        ends.append(helper.make_tensor_value_info("index", 7, [batch, 5, 5]))
    start = helper.make_tensor_value_info(image, 1, [batch, 3, 7, changed.get("width", 7)])
    graph = helper.make_graph(nodes, "graph", [start], ends, [onnx.numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def convert(toolchains: Toolchains, tmp_path: Path, notes: list[str]) -> Convert:
    ensured(toolchains, NCNN)

    def run(source: Path, out: Path, **options: Any) -> Inspection:
        asked = NcnnOptions(**options)
        return run_ncnn_job(
            source, out, asked, toolchains=toolchains, work=tmp_path / "work", note=notes.append
        )

    return run


def test_it_keeps_names_and_order_and_is_compared_with_its_source(
    convert: Convert, tmp_path: Path, notes: list[str]
) -> None:
    made = convert(network(tmp_path / "model.onnx"), tmp_path / "out")

    assert (made.format, made.weights_precision) == ("ncnn", "fp32")
    assert [(tensor.name, tensor.shape) for tensor in made.inputs] == [("image", (1, 3, 7, 7))]
    assert [tensor.name for tensor in made.outputs] == ["sure", "maps"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model.ncnn.bin",
        "model.ncnn.param",
        "model.ncnn.param.provenance.json",
    ]
    assert "one image at a time" in notes[-2]
    assert "the outputs differ by at most" in notes[-1]


def test_half_weights_take_half_the_bytes(convert: Convert, tmp_path: Path) -> None:
    made = convert(network(tmp_path / "model.onnx"), tmp_path / "out", weights="fp16")

    assert made.weights_precision == "fp16"
    assert made.details["parameter_elements"] == {"float16": 4 * 3 * 3 * 3}


def test_equal_models_give_equal_bytes_whatever_their_names_and_say_where_they_come_from(
    convert: Convert, tmp_path: Path
) -> None:
    first = convert(network(tmp_path / "one.onnx"), tmp_path / "a")
    second = convert(network(tmp_path / "two.onnx"), tmp_path / "b")

    assert first.sha256 == second.sha256
    statement = read_provenance(tmp_path / "a" / "model.ncnn.param")
    assert [subject.name for subject in statement.subject] == ["model.ncnn.bin", "model.ncnn.param"]
    told = statement.predicate.build_definition.external_parameters
    assert (told["inputs"], told["outputs"]) == (
        {"image": [3, 7, 7]},
        {"sure": [4, 5, 5], "maps": [4, 5, 5]},
    )


def test_maxima_are_removed_on_request(convert: Convert, tmp_path: Path) -> None:
    whole = convert(network(tmp_path / "a.onnx", index=True), tmp_path / "a", without_argmax=True)
    plain = convert(network(tmp_path / "b.onnx"), tmp_path / "b")

    assert [tensor.name for tensor in whole.outputs] == ["sure", "maps"]
    assert whole.sha256 == plain.sha256
    with pytest.raises(ConversionError) as caught:
        convert(tmp_path / "b.onnx", tmp_path / "c", without_argmax=True)
    assert caught.value.code == "ncnn-argmax-absent"


def test_an_operator_pnnx_does_not_convert_is_an_error(convert: Convert, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(network(tmp_path / "model.onnx", last="Det"), tmp_path / "out")

    assert (caught.value.code, "Det" in str(caught.value.found)) == ("ncnn-operator-missing", True)
    assert not (tmp_path / "out" / "model.ncnn.param").exists()


@pytest.mark.parametrize(
    ("made", "code", "named"),
    [
        ({"index": True}, "ncnn-operator-missing", "--no-argmax removes it"),
        ({"batch": 2}, "ncnn-input-unsupported", "2 x 3 x 7 x 7"),
        ({"width": "w"}, "ncnn-input-unsupported", "open"),
        ({"image": "an image"}, "ncnn-name-unsupported", "an image"),
    ],
)
def test_unsupported_models_are_refused_before_anything_is_built(
    tmp_path: Path, made: dict[str, Any], code: str, named: str
) -> None:
    source = network(tmp_path / "model.onnx", **made)
    nothing, told = Toolchains(tmp_path / "toolchains", offline=True), list[str]()
    with pytest.raises(ConversionError) as caught:
        run_ncnn_job(
            source, tmp_path / "out", NcnnOptions(), toolchains=nothing, work=tmp_path, note=told.append
        )

    assert caught.value.code == code
    assert named in str(caught.value)


def test_a_graph_in_half_precision_is_refused(tmp_path: Path) -> None:
    source = network(tmp_path / "model.onnx")
    half = inspect(source).model_copy(update={"precision": "fp16"})
    with pytest.raises(ConversionError) as caught:
        require_supported(half, without_argmax=False)

    assert caught.value.code == "ncnn-precision-unsupported"


def test_integers_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        ncnn_options("int8")

    assert caught.value.code == "ncnn-precision-unsupported"


def test_the_weight_type_is_part_of_the_key() -> None:
    keys = {ncnn_key({"model": "0" * 64}, ncnn_options(each)) for each in ("fp32", "fp16")}

    assert len(keys) == 2


def test_an_inner_value_with_the_name_of_an_output_is_renamed() -> None:
    lines = ["7767517", "3 3", "Input in0 0 1 in0", "ReLU a 1 1 in0 maps", "ReLU b 1 1 maps out0"]

    assert restore_names("\n".join(lines), [("image", [3, 2, 1])], ["maps"]).split("\n")[2:] == [
        f"{'Input':<24} {'image':<24} 0 1 image 0=1 1=2 2=3",
        f"{'ReLU':<24} {'a':<24} 1 1 image maps_",
        f"{'ReLU':<24} {'b':<24} 1 1 maps_ maps",
        "",
    ]
