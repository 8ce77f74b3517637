"""Attempts to install, or to run, something else than the locked packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from converters.process.run import run_worker
from converters.toolchain import Toolchains
from converters.toolchain.locks import read_lock
from converters.toolchain.pins import ALL_TOOLS, Tool
from converters.toolchain.records import verify_environment
from registry.errors import IntegrityError
from tests.helpers.package_index import HERE, Notes, lock_wheels, make_wheel, refusal, run

pytestmark = pytest.mark.table("attacks")

EVIL = "open({canary!r}, 'a').write('ran')\ndef answer():\n    return 42\n"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that exists once untrusted code ran."""
    return tmp_path / "canary"


def test_higher_versions_are_not_preferred(root: Path, tool: Tool, wheels: Path, canary: Path) -> None:
    for version in ("1.0+evil", "1.0.post1", "1.1", "2!1.0"):
        make_wheel(wheels, "zootool", version, EVIL.format(canary=str(canary)))
    interpreter = Toolchains(root).ensure(tool, Notes())
    assert interpreter.packages["zootool"] == "1.0"
    assert run(interpreter.path, "import zootool; print(zootool.answer())") == "42"
    assert not canary.exists()


def test_another_wheel_of_the_same_name_is_refused(
    root: Path, tool: Tool, wheels: Path, canary: Path
) -> None:
    make_wheel(wheels, "zootool", "1.0", EVIL.format(canary=str(canary)))
    error = refusal(Toolchains(root), tool, IntegrityError)
    assert error.code == "toolchain-hash-mismatch"
    assert "sha256" in str(error.found)
    assert not canary.exists()
    assert Toolchains(root).list() == ()


def test_a_pth_file_does_not_run(root: Path, tool: Tool, wheels: Path, canary: Path) -> None:
    """Not even that of a locked wheel: neither during the build nor in a worker."""
    pth = {"zootool.pth": f"import os; open({str(canary)!r}, 'a').write('ran')\n"}
    wheel = make_wheel(wheels, "zootool", "1.0", "def answer():\n    return 42\n", extra=pth)
    locked = replace(tool, lock=lock_wheels(wheels / "lock.json", wheel))
    interpreter = Toolchains(root).ensure(locked, Notes())
    assert Toolchains(root).status(locked).state == "managed"
    run_worker(interpreter, tool.probe, {}, folder=wheels, log=wheels / "log", timeout=60)
    assert not canary.exists()


def in_variables(folder: Path, patch: pytest.MonkeyPatch) -> None:
    for name in ("TARGET", "PREFIX", "ROOT", "CONSTRAINT", "REQUIREMENT", "EDITABLE", "LOG", "SRC", "PYTHON"):
        patch.setenv(f"PIP_{name}", str(folder / "elsewhere"))


def in_a_config_file(folder: Path, patch: pytest.MonkeyPatch) -> None:
    names = ("target", "prefix", "root", "constraint", "requirement", "editable", "platform", "user")
    config = folder / "pip.conf"
    config.write_text("[install]\n" + "".join(f"{name} = {folder / 'elsewhere'}\n" for name in names))
    patch.setenv("PIP_CONFIG_FILE", str(config))


def in_distutils_files(folder: Path, patch: pytest.MonkeyPatch) -> None:
    for name in (".pydistutils.cfg", "setup.cfg"):
        (folder / name).write_text(f"[install]\nprefix = {folder / 'elsewhere'}\n")
    patch.setenv("HOME", str(folder))
    patch.chdir(folder)


@pytest.mark.parametrize("divert", [in_variables, in_a_config_file, in_distutils_files])
@pytest.mark.usefixtures("wheels")
def test_settings_that_divert_an_installation_are_ignored(
    root: Path,
    tool: Tool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    divert: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    divert(tmp_path, monkeypatch)
    interpreter = Toolchains(root).ensure(tool, Notes())
    assert run(interpreter.path, "import zootool; print(zootool.answer())") == "42"
    assert not (tmp_path / "elsewhere").exists()


def test_the_index_of_a_config_file_is_used(
    root: Path, tool: Tool, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    spaced = wheels.rename(tmp_path / "wheels")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nno-index = true\nfind-links =\n    {tmp_path / 'none'}\n    {spaced}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    assert Toolchains(root).ensure(tool, Notes()).packages["zootool"] == "1.0"


def changed(folder: Path) -> None:
    (folder / "zootool.py").write_text("def answer():\n    return 42  # and more\n")


def missing(folder: Path) -> None:
    (folder / "zootool.py").unlink()


def linked(folder: Path) -> None:
    (folder / "zootool.py").rename(folder / "original.txt")
    (folder / "zootool.py").symlink_to("original.txt")


def added_pth(folder: Path) -> None:
    (folder / "evil.pth").write_text("import os\n")


def added_module(folder: Path) -> None:
    (folder / "json.py").write_text("")


def added_bytecode(folder: Path) -> None:
    (folder / "json.pyc").write_bytes(b"")


def added_package(folder: Path) -> None:
    info = folder / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "RECORD").write_text("evil-1.0.dist-info/METADATA,,\nevil-1.0.dist-info/RECORD,,\n")


def outside(folder: Path) -> None:
    with (folder / "zootool-1.0.dist-info" / "RECORD").open("a") as stream:
        stream.write("../../../../../outside.py,sha256=x,1\n")


def without_digest(folder: Path) -> None:
    record = folder / "zootool-1.0.dist-info" / "RECORD"
    record.write_text("zootool.py,,\n" + "\n".join(record.read_text().splitlines()[1:]) + "\n")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (changed, "zootool.py has another digest"),
        (missing, "zootool.py is missing"),
        (linked, "zootool.py is missing"),
        (added_pth, "evil.pth belongs to no package"),
        (added_module, "json.py belongs to no package"),
        (added_bytecode, "json.pyc belongs to no package"),
        (added_package, "evil is not locked"),
        (outside, "is outside the environment"),
        (without_digest, "has no digest"),
    ],
)
def test_installed_files_must_match_their_records(
    built: Path, tool: Tool, damage: Callable[[Path], None], found: str
) -> None:
    (environment,) = Toolchains(built).list()
    lock = read_lock(tool, HERE, f"{sys.platform}-{os.uname().machine}")
    assert lock is not None
    assert verify_environment(environment.path, lock)["zootool"] == "1.0"
    (site_packages,) = environment.path.glob("lib/python*/site-packages")

    damage(site_packages)

    with pytest.raises(IntegrityError) as caught:
        verify_environment(environment.path, lock)
    assert caught.value.code == "toolchain-record-mismatch"
    assert found in str(caught.value.found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.parametrize("part", ["", "..", "ready.json", "bin", "bin/python", "pyvenv.cfg"])
def test_an_environment_of_another_user_is_not_run(
    built: Path, tool: Tool, canary: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    (environment,) = Toolchains(built).list()
    environment.interpreter.unlink()
    environment.interpreter.write_text(f'#!/bin/sh\ntouch {canary}\nexec {sys.executable} "$@"\n')
    environment.interpreter.chmod(0o755)
    os.chown(environment.path / part, 65534, 65534)

    status = Toolchains(built).status(tool)
    assert status.state == "missing"
    assert "belongs to another user" in str(status.reason)
    assert "ZOO_SAFE_DIRECTORY" in str(status.hint)
    assert refusal(Toolchains(built), tool, IntegrityError).code == "owner-untrusted"
    with pytest.raises(IntegrityError):
        Toolchains(built).works(tool, environment)
    assert not canary.exists()

    monkeypatch.setenv("ZOO_SAFE_DIRECTORY", str(built))
    assert Toolchains(built).status(tool).state != "missing"


@pytest.mark.parametrize("tool", ALL_TOOLS, ids=str)
def test_every_tool_is_locked_on_linux(tool: Tool) -> None:
    for python in tool.pythons:
        lock = read_lock(tool, python, "linux-x86_64")
        assert lock is not None, python
        locked = {package.name.replace("_", "-"): package.version for package in lock.packages}
        for pin in tool.pins:
            assert pin.allows(locked[pin.package.replace("_", "-")])
        assert all(package.wheels for package in lock.packages)
        assert all(len(digest) == 64 for package in lock.packages for digest in package.wheels.values())


def test_the_lock_names_no_index() -> None:
    assert "://" not in ALL_TOOLS[0].lock.read_text()
