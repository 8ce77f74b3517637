"""Usage errors, closed streams, full disks and missing packages: each error has a code and a hint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.paths import REPOSITORY
from tests.helpers.servers import ScriptedServer, stall
from tests.helpers.timing import deadline
from tests.zoo.cli.conftest import PUBLISHED, Zoo

NAME = "picodet_s_192_pedestrian"


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (["list", "--format", "bogus"], "'bogus' is not one of 'table'", "zoo list --help"),
        (["list", "--precsion", "fp16"], "--precision", "zoo list --help"),
        (["list", "again"], "unexpected extra argument", "zoo list --help"),
        (["show"], "missing argument 'NAME'", "zoo show --help"),
        (["bundle", "create", NAME], "missing option '--out'", "zoo bundle create --help"),
        (["fetch", NAME, "--jobs", "0"], "greater than or equal to 1", "zoo fetch --help"),
    ],
)
def test_parser_errors_have_a_code_and_a_hint(zoo: Zoo, arguments: list[str], words: str, hint: str) -> None:
    ran, document = zoo(*arguments), zoo(*arguments, "--json").json["error"]

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[bad-usage]: ")
    assert words in ran.err
    assert "Value error" not in ran.err
    assert (document["code"], document["exit_code"], document["hint"]) == ("bad-usage", 2, hint)


@pytest.mark.parametrize("arguments", [[], ["bundle"], ["cache"], ["registry"], ["toolchain"]])
def test_a_group_without_a_command_prints_its_help(zoo: Zoo, arguments: list[str]) -> None:
    ran = zoo(*arguments)

    assert ran.code == 2
    assert ran.err.startswith("Usage: zoo ")
    assert "error[" not in ran.err


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show", NAME]])
def test_a_closed_pipe_is_not_an_error(zoo: Zoo, arguments: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)

    with os.fdopen(theirs, "w") as unread:
        ran = run_with_stdout(zoo, arguments, stdout=unread)

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["registry", "schema"]])
def test_a_full_disk_under_the_output_is_an_error(zoo: Zoo, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = run_with_stdout(zoo, arguments, stdout=full)

    assert ran.returncode == 7
    assert ran.stderr.startswith("error[disk-full]: ")
    assert "Exception ignored" not in ran.stderr


def test_closed_streams_are_not_an_error(zoo: Zoo) -> None:
    script = f'exec "{sys.executable}" -m zoo list >&- 2>&-'

    ran = subprocess.run(["sh", "-c", script], cwd=zoo.folder, env=zoo.environment, check=False)

    assert ran.returncode == 0


# A process that a shell starts in the background ignores Ctrl-C, and so do its children.
WITH_SIGINT = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("zoo", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_exits_with_130_and_a_note(zoo: Zoo) -> None:
    path = f"{PUBLISHED}{NAME}.tar"
    with ScriptedServer({path: stall(b"x" * 100_000, after=10_000)}) as server:
        command = [sys.executable, "-c", WITH_SIGINT, "fetch", NAME, "--mirror", server.url]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command,
            cwd=zoo.folder,
            env=zoo.environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
        ) as running:
            while not server.count(path):
                assert running.poll() is None
                time.sleep(0.02)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=deadline(60))

    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["run", NAME, "image.jpg"], "numpy", "run"),
        (["validate", NAME, "--data", "coco"], "cv2", "run"),
        (["compare", NAME], "numpy", "run"),
        (["bench", NAME], "numpy", "run"),
        (["report", NAME], "numpy", "report"),
        (["demo"], "numpy", "demo"),
        (["site", "pages"], "jinja2", "report"),
    ],
)
def test_a_missing_package_names_its_extra(
    zoo: Zoo, tmp_path: Path, arguments: list[str], package: str, extra: str
) -> None:
    (zoo.folder / "image.jpg").write_bytes(b"")
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n")

    ran = zoo(*arguments, "--json", PYTHONPATH=f"{tmp_path}:{REPOSITORY}")

    assert ran.code == 7
    assert ran.json["error"]["hint"] == f"pip install 'paddle-zoo[{extra}]'"


def run_with_stdout(zoo: Zoo, arguments: list[str], stdout: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        zoo.command(*arguments),
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.PIPE,
        text=True,
        cwd=zoo.folder,
        env=zoo.environment,
        check=False,
        timeout=deadline(60),
    )


def test_an_internal_error_is_a_json_document(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import registry\nregistry.json_schema = None\n")
    command = zoo.command("registry", "schema", "--json")

    env = zoo.environment | {"PYTHONPATH": f"{tmp_path}:{REPOSITORY}"}
    ran = subprocess.run(command, capture_output=True, text=True, cwd=zoo.folder, env=env, check=False)

    assert ran.returncode == 70
    assert json.loads(ran.stdout)["error"]["code"] == "internal-error"
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", ""], "empty-argument"),
        (["list", "--where", ""], "empty-argument"),
        (["fetch", NAME, "--out="], "empty-argument"),
        (["list", "--json", "--format", "csv"], "bad-combination"),
        (["list", "--artifact", "lite-arn-fp16"], "unknown-condition"),
        (["rank", "--metric", "APP"], "unknown-condition"),
        (["rank", "--threads", "77"], "unknown-condition"),
        (["fetch", NAME, "--all", "--weights"], "bad-combination"),
        (["mirror", "there", NAME, "--all", "--onnx", "fp32"], "bad-combination"),
        (["convert", NAME, "--architecture", NAME, "--to", "onnx", "--out", "x"], "option-not-applicable"),
        (["compare", NAME, "--shape", "image=1,3,192,192"], "option-not-applicable"),
        (
            ["convert", NAME, "--to", "onnx", "--out", "x", "--lite-version", "2.13rc0"],
            "option-not-applicable",
        ),
        (["convert", NAME, "--to", "onnx", "--out", "x", "--target", "x86"], "option-not-applicable"),
        (
            ["convert", NAME, "--to", "inference", "--out", "x", "--precision", "fp16"],
            "option-not-applicable",
        ),
        (["convert", NAME, "--to", "lite", "--out", "x", "--opset", "13"], "option-not-applicable"),
        (["convert", NAME, "--to", "openvino", "--out", "x", "--ir-version", "8"], "option-not-applicable"),
    ],
)
def test_an_option_without_effect_is_rejected(zoo: Zoo, arguments: list[str], code: str) -> None:
    ran = zoo(*arguments)

    assert ran.code == 2
    assert ran.err.startswith(f"error[{code}]: ")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["registry", "check", "nowhere.yaml"], 2, "catalog-not-found"),
        (["registry", "check", "empty"], 2, "catalog-empty"),
        (["registry", "check", "notes.txt"], 2, "catalog-not-yaml"),
        (["list", "--catalog", "bytes.yaml"], 2, "catalog-unreadable"),
        (["registry", "import", "nowhere.md"], 3, "document-not-found"),
        (["registry", "diff", "bytes.yaml"], 2, "document-unreadable"),
        (["inspect", "pipe"], 2, "not-a-file"),
        (["inspect", "notes.txt"], 5, "unknown-format"),
        (["bundle", "import", "notes.txt"], 5, "corrupt-archive"),
        (["bundle", "import", "empty"], 3, "no-such-file"),
        (["run", NAME, "nowhere.jpg"], 3, "image-not-found"),
        (["run", NAME, "empty"], 3, "images-not-found"),
        (["run", NAME, "notes.txt", "--threads", "0"], 2, "bad-usage"),
        (["convert", "pipe", "--architecture", NAME, "--to", "safetensors", "--out", "x"], 2, "not-a-file"),
    ],
)
def test_every_error_has_a_hint(zoo: Zoo, arguments: list[str], exit_code: int, code: str) -> None:
    (zoo.folder / "empty").mkdir()
    (zoo.folder / "notes.txt").write_text("nothing: [")
    (zoo.folder / "bytes.yaml").write_bytes(b"name: \xff")
    os.mkfifo(zoo.folder / "pipe")

    ran = zoo(*arguments)

    assert (ran.code, ran.out) == (exit_code, "")
    assert ran.err.startswith(f"error[{code}]: ")
    assert "\n  try: " in ran.err


@pytest.mark.parametrize(
    "arguments", [["verify"], ["cache", "ls"], ["rank"], ["registry", "check"], ["toolchain", "list"]]
)
def test_quiet_suppresses_notes(zoo: Zoo, arguments: list[str]) -> None:
    loud, quiet = zoo(*arguments), zoo(*arguments, "--quiet")

    assert loud.err != ""
    assert (quiet.code, quiet.err) == (loud.code, "")
    # Only the first line: other tests install toolchains at the same time, whose sizes and ages are listed.
    assert quiet.out.splitlines()[:1] == loud.out.splitlines()[:1]


def test_pareto_filters_the_json_document(zoo: Zoo) -> None:
    rankings = zoo("rank", "--pareto", "--json").json["rankings"]

    assert rankings
    assert {row["beaten_by"] for ranking in rankings for row in ranking["rows"]} == {None}


def test_missing_numpy_is_reported_before_a_toolchain_is_installed(
    zoo: Zoo, tmp_path: Path, shared: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['numpy'] = sys.modules['paddle'] = None\n"
    )
    (zoo.cache / "toolchains").unlink()
    weights = shared / "data" / "weights" / f"{NAME}.pdparams"

    ran = zoo(
        *("convert", weights, "--architecture", NAME, "--to", "inference", "--out", "made", "--offline"),
        PYTHONPATH=f"{tmp_path}:{REPOSITORY}",
    )

    assert ran.code == 7
    assert ran.err.startswith("error[package-missing]: ")
    assert "paddle-zoo[convert]" in ran.err


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        ("MemoryError('Unable to allocate 9.3 GiB')", "memory-exhausted"),
        ("RuntimeError('std::bad_alloc')", "memory-exhausted"),
        ("OSError(errno.ENOMEM, 'Cannot allocate memory')", "memory-exhausted"),
        ("OSError(errno.EIO, 'Input/output error')", "path-unusable"),
        ("OSError(errno.EIO, 'Input/output error', 'model.onnx')", "path-unusable"),
        ("OSError(errno.ENOSPC, 'No space left on device', 'model.onnx')", "disk-full"),
        ("OSError(errno.EMFILE, 'Too many open files', 'model.onnx')", "too-many-open-files"),
        ("NotADirectoryError(errno.ENOTDIR, 'Not a directory', 'model.onnx')", "path-unusable"),
    ],
)
def test_a_failure_of_the_machine_is_an_error_with_a_hint(
    zoo: Zoo, tmp_path: Path, exception: str, code: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        f"import errno, registry\ndef fail():\n    raise {exception}\nregistry.json_schema = fail\n"
    )

    ran = zoo("registry", "schema", "--json", PYTHONPATH=f"{tmp_path}:{REPOSITORY}")

    assert (ran.code, ran.json["error"]["code"]) == (7, code)
    assert ran.json["error"]["hint"]
