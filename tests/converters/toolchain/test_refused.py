"""Errors for environments that cannot be built."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import Tool
from tests.helpers.package_index import HERE, lock_wheels, make_wheel, refusal, use_only_index


def test_offline_builds_nothing(root: Path, tool: Tool) -> None:
    toolchains = Toolchains(root, offline=True)
    assert toolchains.status(tool).state == "missing"
    error = refusal(toolchains, tool)
    assert error.code == "toolchain-offline"
    assert "without --offline" in str(error.hint)


def test_without_a_wheel_nothing_is_built_from_source(root: Path, tool: Tool, wheels: Path) -> None:
    next(wheels.glob("*.whl")).unlink()
    (wheels / "zootool-1.0.tar.gz").write_bytes(b"setup.py of unknown people")
    error = refusal(Toolchains(root), tool)
    assert error.code == "toolchain-no-wheel"
    assert "zootool 1.0" in error.message
    assert "zootool===1.0" in str(error.found)
    assert Toolchains(root).list() == ()


def test_no_network_and_no_password_in_the_log(
    root: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    use_only_index(monkeypatch, f"http://somebody:s3cret@127.0.0.1:{port}/simple")
    error = refusal(Toolchains(root), tool)
    assert error.code == "toolchain-unreachable"
    written = "".join(path.read_text() for path in root.rglob("*.log"))
    assert "127.0.0.1" in written
    assert "s3cret" not in written + str(error)
    assert "somebody" not in written + str(error)


def test_an_environment_that_fails_its_probe_is_not_used(root: Path, tool: Tool, wheels: Path) -> None:
    crashing = make_wheel(wheels, "zootool", "1.0", "import os\nos.abort()\n")
    locked = replace(tool, lock=lock_wheels(wheels / "lock.json", crashing))
    error = refusal(Toolchains(root), locked)
    assert error.code == "toolchain-broken"
    assert "SIGABRT" in error.message
    assert Toolchains(root).status(locked).state == "buildable"


def test_no_lock_for_this_platform(root: Path, tool: Tool, tmp_path: Path, wheels: Path) -> None:
    unlocked = replace(tool, lock=lock_wheels(tmp_path / "lock.json", tools=["another 1.0"]))
    error = refusal(Toolchains(root), unlocked)
    assert error.code == "no-interpreter"
    assert "the packages of zootool 1.0 are not locked for it" in str(error.found)


def test_no_interpreter_of_a_version_with_wheels(root: Path, tool: Tool) -> None:
    future = replace(tool, pythons=("3.99",))
    status = Toolchains(root).status(future)
    assert status.state == "missing"
    assert status.reason == f"zootool 1.0 has no wheel for CPython {HERE}"
    assert str(status.hint).startswith("uv python install 3.99")
    assert refusal(Toolchains(root), future).code == "no-interpreter"


def test_the_configured_interpreter_must_work(root: Path, tool: Tool, tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    for path in (shim, tmp_path / "absent"):
        error = refusal(Toolchains(root, python=path), tool)
        assert error.code == "interpreter-not-usable"
        assert str(path) in error.message


def test_the_configured_interpreter_is_the_base(root: Path, tool: Tool, wheels: Path) -> None:
    named = Path(sys.executable)
    status = Toolchains(root, python=named).status(tool)
    assert (status.state, status.interpreter) == ("buildable", named)
