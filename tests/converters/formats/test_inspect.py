"""Inspection of any artifact: detection, location of its files, errors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from converters.formats import inspect
from registry.errors import IntegrityError, NotFoundError, UsageError, ZooError
from tests.helpers.nb_writer import nb
from tests.helpers.paddle_writer import PARAMS, VERSION, block, program, tensor

Write = Callable[..., Path]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
CONFIG = b"mode: paddle\narch: PicoDet\nPreprocess:\n- {type: Resize}\nDecay: !PiecewiseDecay {gamma: 0.1}\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_file_name_does_not_affect_the_format(write: Write) -> None:
    assert inspect(write(nb(), "model.onnx")).format == "lite"
    assert inspect(write(program(), "weights.nb")).format == "program"
    assert inspect(write(PARAMS, "README")).format == "params"


def test_single_file_has_its_own_digest(write: Write) -> None:
    path = write(nb())

    inspection = inspect(path)

    assert (inspection.path, inspection.size, inspection.sha256) == (path, len(nb()), sha256(nb()))


@pytest.mark.parametrize("stem", ["model", "inference", "__model__"])
@pytest.mark.parametrize("asked", ["folder", "program", "params"])
def test_program_and_parameters_are_one_artifact_under_any_of_their_paths(
    write: Write, tmp_path: Path, stem: str, asked: str
) -> None:
    paths = {
        "folder": tmp_path,
        "program": write(program(), f"{stem}.pdmodel"),
        "params": write(PARAMS, f"{stem}.pdiparams"),
    }
    # Other files of published folders.
    write(CONFIG, "infer_cfg.yml")
    write(b"\x80\x02}q\x00.", f"{stem}.pdiparams.info")
    write(b"", ".keep")

    inspection = inspect(paths[asked])

    assert inspection.path == paths[asked]
    assert (inspection.format, inspection.made_by) == ("program", "paddle 2.1.2")
    assert (inspection.precision, inspection.weights_precision) == ("fp32", "fp32")
    assert [tensor.name for tensor in inspection.inputs] == ["image", "size"]
    assert [tensor.shape for tensor in inspection.outputs] == [(None, 4, 4, 8), (None, 4)]
    assert inspection.operators == {"conv2d": 1}
    assert (inspection.parameters, inspection.elements) == (2, 16)
    assert inspection.size == len(program()) + len(PARAMS)
    lines = sorted([f"{sha256(PARAMS)}  {stem}.pdiparams\n", f"{sha256(program())}  {stem}.pdmodel\n"])
    assert inspection.sha256 == inspection.canonical_sha256 == sha256("".join(lines).encode())


def test_single_program_and_parameters_pair_up_under_any_names(write: Write, tmp_path: Path) -> None:
    write(program(), "__model__")
    write(PARAMS, "__params__")

    assert inspect(tmp_path).parameters == 2


def test_program_without_parameters_has_a_warning(write: Write) -> None:
    inspection = inspect(write(program()))

    assert inspection.parameters is None
    assert any("the 2 parameters is missing" in warning for warning in inspection.warnings)


def test_program_truncated_after_its_version_has_a_warning(write: Write) -> None:
    inspection = inspect(write(block() + VERSION))

    assert any("may be truncated" in warning for warning in inspection.warnings)


def test_parameters_of_another_model_are_rejected(write: Write, tmp_path: Path) -> None:
    write(program(), "model.pdmodel")
    write(tensor((4,)) + tensor((4, 3, 3, 3)), "model.pdiparams")

    with pytest.raises(IntegrityError) as caught:
        inspect(tmp_path)

    assert caught.value.code == "program-params-mismatch"


@pytest.mark.parametrize(
    ("content", "code"), [(LFS, "lfs-pointer"), (b"", "empty-file"), (PARAMS[:40], "program-params-mismatch")]
)
def test_damaged_parameters_are_not_treated_as_missing(
    write: Write, tmp_path: Path, content: bytes, code: str
) -> None:
    write(program(), "model.pdmodel")
    write(content, "model.pdiparams")

    with pytest.raises(IntegrityError) as caught:
        inspect(tmp_path)

    assert caught.value.code == code


def test_folder_stands_for_the_file_nested_in_it(tmp_path: Path) -> None:
    nested = tmp_path / "__MACOSX", tmp_path / "picodet" / "lite"
    for folder in nested:
        folder.mkdir(parents=True)
    (nested[1] / "model.nb").write_bytes(nb())
    (nested[1] / "provenance.json").write_text("{}")

    inspection = inspect(tmp_path)

    assert (inspection.format, inspection.path) == ("lite", nested[1] / "model.nb")


@pytest.mark.parametrize(
    ("files", "kind", "code"),
    [
        pytest.param({}, NotFoundError, "artifact-not-found", id="empty"),
        pytest.param({"README.md": b"# Title\n"}, NotFoundError, "artifact-not-found", id="no artifact"),
        pytest.param({"a.nb": nb(), "b.nb": nb()}, UsageError, "ambiguous-folder", id="two models"),
        pytest.param({"a.nb": nb(), "m": program()}, UsageError, "ambiguous-folder", id="two formats"),
        pytest.param({"a.pdmodel": program(), "b.pdiparams": PARAMS, "c.pdiparams": PARAMS}, UsageError,
                     "ambiguous-folder", id="two parameter files"),
        pytest.param({"model.nb": LFS}, IntegrityError, "lfs-pointer", id="pointer"),
        pytest.param({"model.nb": b"<!doctype html>"}, IntegrityError, "html-instead-of-artifact", id="page"),
    ],
)  # fmt: skip
def test_folder_without_exactly_one_artifact_is_rejected(
    write: Write, tmp_path: Path, files: dict[str, bytes], kind: type[ZooError], code: str
) -> None:
    for name, content in files.items():
        write(content, name)

    with pytest.raises(kind) as caught:
        inspect(tmp_path)

    assert caught.value.code == code


def test_parameters_named_like_two_programs_are_ambiguous(write: Write) -> None:
    write(program(), "model.pdmodel")
    write(b'{"base_code":{"magic":"pir","version":3},"program":{"regions":[]}}', "model.json")

    with pytest.raises(UsageError) as caught:
        inspect(write(PARAMS, "model.pdiparams"))

    assert caught.value.code == "ambiguous-params"


def test_deeply_nested_folders_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "a/b/c/d/e/f").mkdir(parents=True)
    (tmp_path / "a/b/c/d/e/f/model.nb").write_bytes(nb())

    with pytest.raises(NotFoundError) as caught:
        inspect(tmp_path)

    assert caught.value.code == "artifact-not-found"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (Path("/dev/null"), UsageError),
        (Path("/nowhere/model.nb"), NotFoundError),
        (Path("x" * 5000), NotFoundError),
        (Path("nul\0character"), NotFoundError),
    ],
)
def test_non_files_are_rejected(path: Path, kind: type[ZooError]) -> None:
    with pytest.raises(kind):
        inspect(path)


def test_pipe_is_rejected_without_blocking(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(UsageError) as caught:
        inspect(pipe)

    assert caught.value.code == "not-a-file"


def test_symbolic_links_are_followed(write: Write, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(write(nb()))

    assert inspect(link).format == "lite"


def test_configuration_is_recognized_without_constructing_its_tags(write: Write) -> None:
    inspection = inspect(write(CONFIG))

    assert inspection.format == "config"
    assert inspection.details["values"] == {
        "mode": "paddle", "arch": "PicoDet", "Preprocess": None, "Decay": None,
    }  # fmt: skip


OTHER_CONTENTS = {
    "prose": (b"just some words\n", "unknown-format"),
    "list": (b"- a\n- b\n", "unknown-format"),
    "JSON": (b"{}", "unknown-format"),
    "unfinished": (b"a: [1,\n", "unknown-format"),
    "alias alone": (b"*a\n", "unknown-format"),
    "a character that does not exist": (b'"\\UFFFFFFFF": 1\n', "unknown-format"),
    "deep": (b"a: " + b"[" * 100_000, "config-too-large"),
    "deep and closed": (b"a: " + b"[" * 100_000 + b"]" * 100_000, "config-too-large"),
    "deep mappings": (b"a: " + b"{a: " * 50_000, "config-too-large"),
    "deep block lists": (b"a:\n  " + b"- " * 20_000 + b"x\n", "config-too-large"),
    "deep block mappings": (b"".join(b" " * n + b"a:\n" for n in range(500)), "config-too-large"),
    "long": (b"a: b\n" * 300_000, "config-too-large"),
    "many directives": (b"%TAG !a! x\n" * 90_000 + b"--- {a: b}\n", "config-too-large"),
    "many directives, other line breaks": (b"%TAG !a! x\r" * 90_000 + b"--- {a: b}\n", "config-too-large"),
    "program of the system": (b"\x7fELF" + bytes(100), "unknown-format"),
    "terminal escape": (b'a: "\\e]0;x\\a" b\n', "unknown-format"),
}


@pytest.mark.parametrize("parser", ["libyaml", "pure Python"])
@pytest.mark.parametrize("what", OTHER_CONTENTS)
def test_other_text_and_bytes_have_an_unknown_format(
    write: Write, monkeypatch: pytest.MonkeyPatch, what: str, parser: str
) -> None:
    content, code = OTHER_CONTENTS[what]
    if parser == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    start = time.process_time()

    with pytest.raises(IntegrityError) as caught:
        inspect(write(content))

    assert caught.value.code == code
    assert str(caught.value).replace("\n", "").isprintable()
    assert time.process_time() - start < 5


@pytest.mark.parametrize("problem", ["exceeded maximum nesting depth", None])
def test_nesting_limit_does_not_depend_on_the_version_of_libyaml(
    write: Write, monkeypatch: pytest.MonkeyPatch, problem: str | None
) -> None:
    """libyaml 0.2.6 rejects deep nesting when it looks ahead; earlier versions yield the events."""

    def parse(data: bytes, Loader: object) -> Iterator[yaml.Event]:  # noqa: N803  PyYAML's name
        if problem:
            raise yaml.scanner.ScannerError("while increasing flow level", None, problem, None)
        yield from (yaml.MappingStartEvent(None, None, True) for _ in range(100))

    monkeypatch.setattr(yaml, "parse", parse)

    with pytest.raises(IntegrityError) as caught:
        inspect(write(b"a: 1\n"))

    assert caught.value.code == "config-too-large"


def test_checkpoint_is_read_without_executing_it(write: Write, tmp_path: Path) -> None:
    bait = tmp_path / "bait"
    hostile = b"cos\nsystem\n(S'touch " + str(bait).encode() + b"'\ntR."

    with pytest.raises(IntegrityError) as caught:
        inspect(write(b"\x80\x02" + hostile))

    assert caught.value.code == "unsafe-pickle"
    assert not bait.exists()


def test_safetensors_are_inspected(write: Write) -> None:
    header = b'{"w":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}'

    inspection = inspect(write(len(header).to_bytes(8, "little") + header + bytes(12)))

    assert (inspection.format, inspection.weights_precision) == ("safetensors", "fp16")
    assert (inspection.parameters, inspection.elements) == (1, 6)


def test_inspection_round_trips_through_json(write: Write) -> None:
    inspection = inspect(write(nb()))

    assert type(inspection).model_validate_json(inspection.model_dump_json()) == inspection


def test_package_imports_no_heavy_modules() -> None:
    code = (
        "import sys, converters.formats as r; before = set(sys.modules); r.inspect; "
        "heavy = {'numpy', 'paddle', 'onnx', 'flatbuffers', 'requests', 'tarfile'} & set(sys.modules); "
        "assert not heavy, heavy; assert 'converters.formats.paddle_lite.nb' not in before"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
