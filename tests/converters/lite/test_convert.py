"""Conversion to Paddle-Lite with the real opt: outputs, and errors of bad requests."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.formats import Inspection, inspect, read_nb
from converters.lite import LiteOptions, lite_key, run_lite_job
from converters.process.interpreter import Interpreter
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from registry.errors import ConversionError, IntegrityError, NotFoundError, UsageError, ZooError
from tests.converters.conftest import Export

Convert = Callable[..., Inspection]


@pytest.fixture
def convert(toolchains: Toolchains, lite_python: Interpreter, tmp_path: Path) -> Convert:
    def run(model: Path, out: Path, *, work: Path = tmp_path / "work", **options: str) -> Inspection:
        asked = LiteOptions.model_validate(options)
        return run_lite_job(model, out, asked, toolchains=toolchains, work=work, note=lambda text: None)

    return run


@pytest.mark.parametrize(("target", "precision"), [("arm", "fp32"), ("arm", "fp16"), ("x86", "fp32")])
def test_the_file_matches_the_options(
    convert: Convert, small: Path, tmp_path: Path, target: str, precision: str
) -> None:
    out = tmp_path / "out" / "small.nb"
    made = convert(small, out, target=target, precision=precision)
    assert made == inspect(out).model_copy(update={"provenance": None})
    assert (made.format, made.target, made.precision) == ("lite", target, precision)
    assert made.made_by == "opt v2.13-rc"
    assert [tensor.name for tensor in made.inputs] == ["image"]
    assert [tensor.dtype for tensor in made.outputs] == ["float32", "int64"]


def test_an_opencl_file_leaves_its_precision_to_the_app(
    convert: Convert, small: Path, tmp_path: Path
) -> None:
    made = convert(small, tmp_path / "small.nb", target="opencl")
    assert (made.target, made.precision) == ("opencl", None)


def test_the_same_input_gives_the_same_bytes_from_anywhere(
    convert: Convert, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / ("a folder whose name is so long that it moves things in memory " * 2)
    shutil.copytree(small, elsewhere / "model")
    for precision in ("fp32", "fp16"):
        first = convert(small, tmp_path / "one.nb", precision=precision)
        monkeypatch.setenv("PADDLE_LITE_MODEL_VERSION1", "1")
        second = convert(
            elsewhere / "model", elsewhere / "two.nb", work=elsewhere / "work", precision=precision
        )
        monkeypatch.delenv("PADDLE_LITE_MODEL_VERSION1")
        assert (tmp_path / "one.nb").read_bytes() == (elsewhere / "two.nb").read_bytes()
        assert first.sha256 == first.canonical_sha256 == second.sha256


def test_the_published_model_converts_to_the_same_bytes_twice(
    convert: Convert, shared: Path, tmp_path: Path
) -> None:
    model = shared / "data/inference/picodet_s_192_pedestrian"
    digests = {convert(model, tmp_path / name, precision="fp16").sha256 for name in ("a.nb", "b/c.nb")}
    assert len(digests) == 1
    assert [tensor.name for tensor in inspect(tmp_path / "a.nb").inputs] == ["image"]
    assert len(read_nb(tmp_path / "a.nb").outputs) == 8


def test_provenance_is_written_next_to_the_file_and_is_a_pure_function(
    convert: Convert, small: Path, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        convert(small, tmp_path / folder / "small.nb", precision="fp16")
    one, two = (tmp_path / folder / "small.nb.provenance.json" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    statement = read_provenance(tmp_path / "one" / "small.nb")
    assert statement.is_about(sha256(tmp_path / "one" / "small.nb"))
    definition = statement.predicate.build_definition
    asked = {"target": "arm", "precision": "fp16", "version": "2.13rc0", "sparse": False}
    assert definition.external_parameters == asked | {"weight_only": None}
    inputs = {part.name: part.digest.sha256 for part in definition.resolved_dependencies if part.digest}
    assert inputs == {name: sha256(small / name) for name in ("model.pdmodel", "model.pdiparams")}
    packages = [part.uri for part in definition.resolved_dependencies if part.uri]
    assert "pkg:pypi/paddlelite@2.13rc0" in packages
    assert str(tmp_path) not in one.read_text()


def test_nothing_is_left_in_the_work_folder(convert: Convert, small: Path, tmp_path: Path) -> None:
    convert(small, tmp_path / "small.nb")
    assert not list((tmp_path / "work").glob("run-*"))
    assert not list((tmp_path / "work" / "logs").iterdir())


def test_the_key_depends_on_the_inputs_only() -> None:
    inputs = {"program": "a" * 64, "params": "b" * 64}
    key = lite_key(inputs, LiteOptions())
    assert key == lite_key(dict(reversed(inputs.items())), LiteOptions(target="arm"))
    others = [LiteOptions(target="x86"), LiteOptions(precision="fp16"), LiteOptions(version="2.14rc0")]
    assert len({key, *(lite_key(inputs, other) for other in others)}) == 4
    assert lite_key({**inputs, "params": "c" * 64}, LiteOptions()) != key


def test_the_program_or_the_parameters_identify_the_model(
    convert: Convert, small: Path, tmp_path: Path
) -> None:
    whole = convert(small, tmp_path / "a.nb")
    assert convert(small / "model.pdmodel", tmp_path / "b.nb").sha256 == whole.sha256
    assert convert(small / "model.pdiparams", tmp_path / "c.nb").sha256 == whole.sha256


class TestRefusals:
    """Requests on which the tool aborts or writes something else."""

    @pytest.fixture
    def model(self, small: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(small, tmp_path / "model"))

    def refused(self, convert: Convert, model: Path, out: Path, **options: str) -> ZooError:
        with pytest.raises(ZooError) as caught:
            convert(model, out, **options)
        if not out.is_dir():
            assert not out.exists()
        assert not list(out.parent.glob("*.part"))
        assert not out.with_name(out.name + ".provenance.json").exists()
        return caught.value

    def test_a_program_of_paddle_3(self, convert: Convert, small_pir: Path, tmp_path: Path) -> None:
        error = self.refused(convert, small_pir, tmp_path / "x.nb")
        assert isinstance(error, ConversionError)
        assert error.code == "lite-program-unsupported"
        assert "--program legacy" in str(error.hint)

    @pytest.mark.parametrize("target", ["x86", "opencl"])
    def test_half_precision_where_there_is_none(
        self, convert: Convert, model: Path, tmp_path: Path, target: str
    ) -> None:
        error = self.refused(convert, model, tmp_path / "x.nb", target=target, precision="fp16")
        assert (error.code, error.exit_code) == ("lite-precision-unsupported", 2)
        assert "--precision" in str(error.hint)

    def test_a_version_that_does_not_exist(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        error = self.refused(convert, model, tmp_path / "x.nb", version="3.0")
        assert error.code == "unknown-lite-version"
        assert "2.13rc0" in str(error.expected)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[: len(data) // 2],
            lambda data: data[:-1],
            lambda data: data + b"\0" * 64,
            lambda data: data[:40] + data[40:][::-1],
            lambda data: b"",
        ],
        ids=["half", "one byte short", "too long", "garbled", "empty"],
    )
    def test_damaged_parameters(
        self, convert: Convert, model: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
    ) -> None:
        params = model / "model.pdiparams"
        params.write_bytes(damage(params.read_bytes()))
        assert isinstance(self.refused(convert, model, tmp_path / "x.nb"), IntegrityError)

    @pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
    def test_a_truncated_program(self, convert: Convert, model: Path, tmp_path: Path, kept: float) -> None:
        program = model / "model.pdmodel"
        data = program.read_bytes()
        program.write_bytes(data[: int(len(data) * kept)])
        error = self.refused(convert, model, tmp_path / "x.nb")
        assert isinstance(error, IntegrityError)
        assert str(program) in error.message

    def test_random_bytes(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        (model / "model.pdmodel").write_bytes(hashlib.shake_256(b"random").digest(5000))
        self.refused(convert, model / "model.pdmodel", tmp_path / "x.nb")

    def test_missing_parameters(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        for path in model.glob("model.pdiparams*"):
            path.unlink()
        error = self.refused(convert, model, tmp_path / "x.nb")
        assert isinstance(error, NotFoundError)
        assert error.code == "params-missing"

    def test_parameters_of_another_network(
        self, convert: Convert, model: Path, shared: Path, tmp_path: Path
    ) -> None:
        shutil.copy(shared / "data/inference/tinypose_128x96/model.pdiparams", model)
        assert self.refused(convert, model, tmp_path / "x.nb").code == "program-params-mismatch"

    def test_something_that_is_no_inference_model(
        self, convert: Convert, small: Path, tmp_path: Path
    ) -> None:
        convert(small, tmp_path / "made.nb")
        error = self.refused(convert, tmp_path / "made.nb", tmp_path / "x.nb")
        assert isinstance(error, UsageError)
        assert error.code == "not-an-inference-model"

    def test_an_output_that_is_a_folder(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        assert self.refused(convert, model, tmp_path).code == "output-not-writable"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_an_output_folder_without_permission(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        (tmp_path / "locked").mkdir(mode=0o500)
        error = self.refused(convert, model, tmp_path / "locked" / "x.nb")
        assert error.code == "output-not-writable"

    def test_an_output_folder_that_is_a_file(self, convert: Convert, model: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        error = self.refused(convert, model, tmp_path / "file" / "x.nb")
        assert error.code == "output-not-writable"


def test_a_missing_output_that_crashes_the_tool_is_added(
    convert: Convert, export: Export, tmp_path: Path
) -> None:
    """opt crashes without the edit: flatten without its optional output, for x86."""
    model = export(flatten=True)
    before = sha256(model / "model.pdmodel")
    made = convert(model, tmp_path / "x.nb", target="x86")
    assert [tensor.name for tensor in made.inputs] == ["image"]
    assert sha256(model / "model.pdmodel") == before


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
