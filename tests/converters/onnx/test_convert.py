"""Conversion to ONNX with the real paddle2onnx."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.formats import Inspection, inspect
from converters.onnx import OnnxOptions, onnx_key, run_onnx_job
from converters.onnx.options import FIRST_OPSET, LAST_OPSET, lowest_ir
from converters.planning.plan import onnx_options
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX
from registry.errors import IntegrityError, UsageError
from tests.conftest import ensured

Convert = Callable[..., Inspection]


@pytest.fixture
def convert(toolchains: Toolchains, tmp_path: Path) -> Convert:
    ensured(toolchains, PADDLE2ONNX)

    def run(
        model: Path,
        out: Path,
        *,
        work: Path = tmp_path / "work",
        opset: int = 11,
        ir_version: int | None = None,
    ) -> Inspection:
        options = OnnxOptions(opset=opset, ir_version=ir_version)
        return run_onnx_job(model, out, options, toolchains=toolchains, work=work, note=lambda text: None)

    return run


@pytest.mark.parametrize("opset", [11, 16])
def test_the_file_matches_the_options(convert: Convert, small: Path, tmp_path: Path, opset: int) -> None:
    out = tmp_path / "out" / "small.onnx"
    made = convert(small, out, opset=opset)
    assert made == inspect(out).model_copy(update={"provenance": None})  # its provenance came after it
    assert (made.format, made.precision) == ("onnx", "fp32")
    assert made.details["opsets"] == {"ai.onnx": opset}


@pytest.mark.parametrize("kind", ["small", "small_pir"])
def test_inputs_and_outputs_keep_their_names(
    convert: Convert, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(kind)
    made, program = convert(model, tmp_path / "small.onnx"), inspect(model)
    assert made.inputs == program.inputs
    assert [tensor.name for tensor in made.outputs] == [tensor.name for tensor in program.outputs]
    assert [tensor.dtype for tensor in made.outputs] == ["float32", "int64"]


def test_it_runs_and_agrees_with_its_arg_max(convert: Convert, small: Path, tmp_path: Path) -> None:
    numpy, onnxruntime = pytest.importorskip("numpy"), pytest.importorskip("onnxruntime")
    convert(small, tmp_path / "small.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "small.onnx"), providers=["CPUExecutionProvider"])
    image = numpy.random.default_rng(7).standard_normal((2, 3, 32, 24), dtype="float32")
    maps, found = session.run(None, {"image": image})
    assert (maps.reshape(2, 17, -1).argmax(-1) == found).all()


def test_the_same_input_gives_the_same_bytes_from_anywhere(
    convert: Convert, small: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / ("a long name " * 15)
    shutil.copytree(small, elsewhere / "model")
    one = convert(small, tmp_path / "one.onnx")
    two = convert(elsewhere / "model", elsewhere / "two.onnx", work=elsewhere / "work")
    assert one.sha256 == two.sha256 == hashlib.sha256((elsewhere / "two.onnx").read_bytes()).hexdigest()


def test_nothing_is_installed_during_a_conversion(convert: Convert, small: Path, tmp_path: Path) -> None:
    """The default optimizer of paddle2onnx installs packages; the log must not mention it."""
    convert(small, tmp_path / "small.onnx")
    assert not list((tmp_path / "work" / "logs").iterdir())
    statement = read_provenance(tmp_path / "small.onnx")
    tools = {part.name for part in statement.predicate.build_definition.resolved_dependencies if part.uri}
    assert tools == {"cpython", "onnx", "paddle2onnx", "paddlepaddle"}


@pytest.mark.parametrize("opset", [6, 22])
def test_an_opset_it_cannot_write_is_refused(
    convert: Convert, small: Path, tmp_path: Path, opset: int
) -> None:
    with pytest.raises(UsageError) as caught:
        convert(small, tmp_path / "x.onnx", opset=opset)
    assert caught.value.code == "onnx-opset-unsupported"
    assert "7 to 21" in str(caught.value.expected)


def test_the_ir_version_is_what_was_asked_for_and_nothing_else_changes(
    convert: Convert, small: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    plain, made = convert(small, tmp_path / "plain.onnx"), convert(small, tmp_path / "x.onnx", ir_version=8)
    assert made.details["ir_version"] == 8 != plain.details["ir_version"]
    asked, left = onnx.load(tmp_path / "x.onnx"), onnx.load(tmp_path / "plain.onnx")
    assert asked.graph == left.graph
    for name, stated in (("x", True), ("plain", False)):
        statement = read_provenance(tmp_path / f"{name}.onnx")
        assert ("ir_version" in statement.model_dump_json()) is stated


@pytest.mark.parametrize(("opset", "ir"), [(7, 3), (11, 5), (16, 7), (11, 11), (21, 9), (11, 0)])
def test_an_ir_version_the_opset_does_not_go_with_is_refused(opset: int, ir: int) -> None:
    with pytest.raises(UsageError) as caught:
        onnx_options(opset, ir)
    assert caught.value.code == "onnx-ir-unsupported"
    assert "--ir-version" in str(caught.value.hint)


def test_the_lowest_ir_version_is_the_one_the_opset_came_with() -> None:
    table = pytest.importorskip("onnx").helper.VERSION_TABLE
    came = {opset: ir for _, ir, opset, *_ in reversed(table)}
    for opset in range(FIRST_OPSET, LAST_OPSET + 1):
        assert lowest_ir(opset) == max(4, came[opset])


def test_a_truncated_program_is_refused(convert: Convert, small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "model")
    program = tmp_path / "model" / "model.pdmodel"
    program.write_bytes(program.read_bytes()[:-40])
    with pytest.raises(IntegrityError):
        convert(tmp_path / "model", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_the_published_models_convert(convert: Convert, shared: Path, tmp_path: Path) -> None:
    for name, outputs in (("picodet_s_192_pedestrian", 8), ("tinypose_128x96", 2)):
        made = convert(shared / "data" / "inference" / name, tmp_path / f"{name}.onnx")
        assert len(made.outputs) == outputs
        assert made.outputs[0].name == inspect(shared / "data" / "inference" / name).outputs[0].name


def test_the_key_depends_on_the_inputs() -> None:
    inputs = {"program": "a" * 64, "params": "b" * 64}
    assert onnx_key(inputs, OnnxOptions()) == onnx_key(inputs, OnnxOptions(opset=11))
    assert onnx_key(inputs, OnnxOptions()) != onnx_key(inputs, OnnxOptions(opset=13))
    assert onnx_key(inputs, OnnxOptions()) != onnx_key(inputs, OnnxOptions(ir_version=6))
