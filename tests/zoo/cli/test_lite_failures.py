"""Bad inputs for Paddle-Lite's opt and predictor: each row is an error.

Each row also states what the tool alone does (2.13rc0): abort, crash, or report success for a wrong result.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from converters.process.interpreter import Interpreter
from registry.errors import UsageError
from tests.helpers.sample_archives import tar_of
from tests.helpers.servers import ScriptedServer, honest
from tests.helpers.small_disk import mounted
from tests.zoo.cli.conftest import PUBLISHED, Zoo
from zoo.runner.sessions import open_session

PICODET, TINYPOSE = "picodet_s_192_pedestrian", "tinypose_128x96"
RANDOM = hashlib.shake_256(b"random").digest(50_000)
LiteModel = Callable[[str, Literal["arm", "x86"]], Path]


@dataclass(frozen=True)
class Row:
    """One row: what opt alone does, how the model is damaged, the options, and the expected error."""

    opt: str
    code: str
    exit: int
    damage: Callable[[Path, Path], None] = lambda model, shared: None
    options: tuple[str, ...] = ()
    out: str = "x.nb"


def change(name: str, edit: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    def damage(model: Path, _: Path) -> None:
        path = model / name
        path.write_bytes(edit(path.read_bytes()))

    return damage


def params(edit: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    return change("model.pdiparams", edit)


def program(edit: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    return change("model.pdmodel", edit)


def without_params(model: Path, _: Path) -> None:
    (model / "model.pdiparams").unlink()


def with_params_of_another_network(model: Path, shared: Path) -> None:
    shutil.copy(shared / "data/inference" / TINYPOSE / "model.pdiparams", model)


def of_paddle_3(model: Path, _: Path) -> None:
    (model / "model.pdmodel").unlink()
    content = {"base_code": {"magic": "pir", "trainable": True, "version": 1}, "program": {"regions": []}}
    (model / "model.json").write_text(json.dumps(content))


def without_model(model: Path, _: Path) -> None:
    shutil.rmtree(model)
    model.mkdir()
    (model / "notes.txt").write_text("no model here")


ABORT, WRONG = "SIGABRT", "success, wrong result"
OPT = {
    "missing parameters": Row(ABORT, "params-missing", 3, without_params),
    "empty parameters": Row(ABORT, "empty-file", 5, params(lambda data: b"")),
    "truncated parameters": Row(ABORT, "params-truncated", 5, params(lambda data: data[: len(data) // 2])),
    "over-long parameters": Row(ABORT, "params-corrupt", 5, params(lambda data: data + bytes(64))),
    "parameters of another network": Row(ABORT, "program-params-mismatch", 5, with_params_of_another_network),
    "random bytes for parameters": Row(ABORT, "not-a-params-file", 5, params(lambda data: RANDOM)),
    "random bytes for a program": Row(ABORT, "not-convertible", 2, program(lambda data: RANDOM)),
    "a program of Paddle 3": Row(ABORT, "lite-program-unsupported", 6, of_paddle_3),
    "a program of Paddle 3 for an old opt": Row(
        ABORT, "lite-program-unsupported", 6, of_paddle_3, ("--lite-version", "2.9.1")
    ),
    "an unknown operator": Row(
        ABORT, "converter-crashed", 6, program(lambda data: data.replace(b"hard_swish", b"soft_swish"))
    ),
    "an unknown target": Row(ABORT, "lite-target-unsupported", 2, options=("--target", "gpu")),
    "an output folder that is a file": Row(ABORT, "output-not-writable", 2, out="file/x.nb"),
    "a truncated program": Row(
        "success, 64 operators, 0 outputs",
        "program-truncated",
        5,
        program(lambda data: data[: len(data) // 2]),
    ),
    "two processors": Row(WRONG, "lite-target-unsupported", 2, options=("--target", "arm,x86")),
    "half precision for x86": Row(
        WRONG, "lite-precision-unsupported", 2, options=("--target", "x86", "--precision", "fp16")
    ),
    "integers and half precision": Row(
        WRONG,
        "lite-quantization-unsupported",
        2,
        options=("--weight-only", "int8", "--precision", "fp16"),
    ),
    "a version without wheels": Row(
        "no such wheel", "unknown-lite-version", 2, options=("--lite-version", "9")
    ),
    "a folder without a model": Row(ABORT, "artifact-not-found", 3, without_model),
}


@pytest.fixture
def model(zoo: Zoo, shared: Path) -> Path:
    (zoo.folder / "file").write_text("")
    return Path(shutil.copytree(shared / "data/inference" / PICODET, zoo.folder / "model"))


@pytest.mark.usefixtures("lite_python")
@pytest.mark.parametrize("row", OPT.values(), ids=OPT)
def test_opt(zoo: Zoo, shared: Path, model: Path, row: Row) -> None:
    row.damage(model, shared)
    ran = zoo("convert", model, "--to", "lite", "--out", row.out, *row.options, "--json")
    error = ran.json["error"]
    assert (error["code"], ran.code) == (row.code, row.exit)
    assert error["hint"]
    assert not (zoo.folder / row.out).exists()
    assert not list(zoo.folder.glob("**/*.part"))


@pytest.mark.usefixtures("lite_python")
def test_an_unsupported_operator_is_named(zoo: Zoo, shared: Path, model: Path) -> None:
    OPT["an unknown operator"].damage(model, shared)
    error = zoo("convert", model, "--to", "lite", "--out", "x.nb", "--json").json["error"]
    assert "soft_swish" in error["found"]


def test_fp16_is_written_as_fp16(zoo: Zoo, model: Path, lite_python: Interpreter) -> None:
    """opt alone writes fp32 and reports success if the precision is set after the targets."""
    ran = zoo("convert", model, "--to", "lite", "--precision", "fp16", "--out", "x.nb")
    assert "10 shuffle_channel, 14 split" in ran.err
    assert zoo("inspect", "x.nb", "--json").json["precision"] == "fp16"


def test_a_full_disk_while_opt_writes(
    zoo: Zoo, model: Path, toolchain_root: Path, lite_python: Interpreter
) -> None:
    """opt alone aborts and leaves a truncated file."""
    with mounted(zoo.cache.with_name("disk")) as disk:
        disk.resize(9 * 1024)  # space for the copy of the model, but not for the result
        zoo.cache = disk.place
        (zoo.cache / "toolchains").symlink_to(toolchain_root)
        ran = zoo("convert", model, "--to", "lite", "--out", "x.nb", "--json")
        assert (ran.code, ran.json["error"]["code"]) == (6, "converter-disk-full")
        assert not (zoo.folder / "x.nb").exists()
        assert not list(disk.place.rglob("*.nb"))


@pytest.mark.parametrize("change_at", ["one byte of the weights", "the weights of another training"])
def test_changed_weights_are_refused(
    zoo: Zoo, upstream: ScriptedServer, shared: Path, change_at: str
) -> None:
    """opt alone converts them and reports success: only a recorded digest reveals the change."""
    assert zoo("fetch", PICODET).code == 0
    assert zoo("lock").code == 0
    folder = shared / "data/inference" / PICODET
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    data = bytearray(files["model.pdiparams"])
    where = slice(-1, None) if change_at.startswith("one") else slice(-40_000, None)
    data[where] = bytes(byte ^ 1 for byte in data[where])
    changed = tar_of(
        {f"{PICODET}/{name}": body for name, body in {**files, "model.pdiparams": bytes(data)}.items()}
    )
    upstream.script(f"{PUBLISHED}{PICODET}.tar", honest(changed))
    ran = zoo(
        "fetch", PICODET, "--lite", "fp32", "--build", "--locked", "--json", ZOO_CACHE=str(zoo.folder / "new")
    )
    assert ran.code == 5
    assert "digest" in ran.json["error"]["code"]


PREDICTOR = {
    "NHWC": (np.zeros((1, 192, 192, 3), np.float32), "input-shape", "SIGSEGV"),
    "an odd size": (np.zeros((1, 3, 191, 193), np.float32), "input-shape", "SIGSEGV"),
    "three axes": (np.zeros((3, 192, 192), np.float32), "input-rank", "SIGABRT"),
    "four channels": (np.zeros((1, 4, 192, 192), np.float32), "input-shape", "success, garbage"),
    "float64": (np.zeros((1, 3, 192, 192), np.float64), "input-dtype", "success, garbage"),
    "uint8": (np.zeros((1, 3, 192, 192), np.uint8), "input-dtype", "success, garbage"),
    "no input at all": (None, "input-missing", "SIGABRT"),
}


@pytest.mark.parametrize(("fed", "code"), [row[:2] for row in PREDICTOR.values()], ids=PREDICTOR)
def test_predictor(
    lite_model: LiteModel, lite_python: Interpreter, fed: np.ndarray | None, code: str
) -> None:
    with open_session(lite_model(PICODET, "x86"), "lite", interpreter=lite_python) as session:
        with pytest.raises(UsageError) as caught:
            session.run({} if fed is None else {session.inputs[0].name: fed})
        assert caught.value.code == code
        good = session.run({session.inputs[0].name: np.zeros((1, 3, 192, 192), np.float32)})
        assert len(good) == 8


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda data: data[: len(data) // 2], "SIGABRT"),
    "one byte short": (lambda data: data[:-1], "SIGABRT"),
    "random": (lambda data: RANDOM, "SIGABRT"),
    "meta version 0": (lambda data: struct.pack("<H", 0) + data[2:], "MemoryError"),
    "a corrupt topology": (lambda data: data[:40] + RANDOM[:20_000] + data[20_040:], "SIGSEGV"),
}


@pytest.mark.parametrize("edit", [row[0] for row in FILES.values()], ids=FILES)
def test_a_corrupt_file_is_refused(zoo: Zoo, lite_model: LiteModel, edit: Callable[[bytes], bytes]) -> None:
    (zoo.folder / "x.nb").write_bytes(edit(lite_model(PICODET, "x86").read_bytes()))
    ran = zoo("inspect", "x.nb", "--json")
    assert ran.code in (2, 5)
    assert ran.json["error"]["hint"]


def test_a_missing_file(zoo: Zoo) -> None:
    ran = zoo("inspect", "x.nb", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (3, "path-unreadable")


def test_provenance_reveals_changed_weights_of_a_converted_file(zoo: Zoo, lite_model: LiteModel) -> None:
    """No reader can detect them: the file is well formed, and the predictor returns wrong values."""
    made = lite_model(PICODET, "x86")
    data = bytearray(made.read_bytes())
    data[-1000] ^= 1
    (zoo.folder / "x.nb").write_bytes(data)
    shutil.copy(made.with_name(made.name + ".provenance.json"), zoo.folder / "x.nb.provenance.json")
    assert any(
        "records another digest" in warning for warning in zoo("inspect", "x.nb", "--json").json["warnings"]
    )


def test_a_file_of_another_version_names_its_runtime(zoo: Zoo, lite_model: LiteModel) -> None:
    """The predictor alone only logs a warning."""
    found = zoo("inspect", lite_model(PICODET, "arm"), "--json").json
    assert any("v2.13-rc" in warning for warning in found["warnings"])
