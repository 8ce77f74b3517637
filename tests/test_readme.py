"""The README is run: its commands print what it says they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import serve
from tests.zoo.store.samples import tar_of

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MODEL = "picodet_s_192_pedestrian"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def sessions() -> Iterator[tuple[str, str]]:
    """Every command of the console blocks with the output printed below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def pattern(output: str) -> re.Pattern[str]:
    """Output in which ``…`` stands for anything."""
    return re.compile(".*".join(map(re.escape, output.split("…"))), re.DOTALL)


@pytest.fixture(scope="module")
def environment(
    shared: Path, toolchain_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A project folder, and the variables of a user whose mirror has the one model the README uses."""
    folder = tmp_path_factory.mktemp("readme")
    project, cache, commands = folder / "project", folder / "cache", folder / "bin"
    for place in (project, cache, commands, toolchain_root):
        place.mkdir(exist_ok=True, parents=True)
    (cache / "toolchains").symlink_to(toolchain_root)
    shutil.copy(shared / "data/weights/tinypose_128x96.pdparams", project / "my.pdparams")
    shutil.copy(shared / "data/reference/demo_3.jpg", project / "photo.jpg")
    (project / "coco").symlink_to(shared / "data/coco")
    script = f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n'
    (commands / "zoo").write_text(script)
    (commands / "zoo").chmod(0o755)
    files = sorted((shared / "data/inference" / MODEL).iterdir())
    archive = tar_of({f"{MODEL}/{file.name}": file.read_bytes() for file in files})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    with serve({f"/v1/paddledet/models/keypoint/{MODEL}.tar": archive}) as server:
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        yield project, kept | {"ZOO_CACHE": str(cache), "ZOO_MIRROR": server.url, "PATH": path}


def test_the_commands_print_what_the_readme_says(environment: tuple[Path, dict[str, str]]) -> None:
    folder, env = environment
    ran = []
    for command, expected in sessions():
        result = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, cwd=folder, env=env, check=False
        )
        shown = result.stdout if result.returncode == 0 else result.stdout + result.stderr
        assert pattern(expected).fullmatch(shown), f"$ {command}\n{shown}\n{result.stderr}"
        ran.append(command.split()[1])
    assert " ".join(ran) == "list fetch inspect convert convert run validate lock fetch verify"


def test_the_python_example_prints_what_the_readme_says(environment: tuple[Path, dict[str, str]]) -> None:
    folder, env = environment
    (example,), (expected,) = blocks("python"), blocks("text")

    ran = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, cwd=folder, env=env, check=False
    )

    assert ran.stdout == expected, ran.stderr


def test_the_pinned_versions_are_those_the_tools_have() -> None:
    from converters.tools import PADDLE, PADDLE2ONNX, paddlelite

    for tool, package in (
        (PADDLE, "paddlepaddle"),
        (PADDLE2ONNX, "paddle2onnx"),
        (paddlelite(), "paddlelite"),
    ):
        assert re.search(rf"^\| {package} \| {re.escape(tool.version)}\b", README, re.MULTILINE)
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"paddlepaddle=={PADDLE.version}"' in pyproject
    assert f'"paddle2onnx=={PADDLE2ONNX.version};' in pyproject


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (REPOSITORY / ".ci/run").read_text(encoding="utf-8")

    assert "README.md" in script
    assert re.search(r"<!-- command: test -->\s*```bash\n.*pytest", README)
