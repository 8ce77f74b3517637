"""Environments for tools: built by the real pip from a wheel made here, so that no network is needed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from converters.toolchain import Toolchains
from converters.tools import Pin, Tool
from registry.errors import MissingToolError, ZooError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINES = (os.uname().machine,)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel whose package answers 42."""
    return make_wheel(tmp_path_factory.mktemp("wheels"), "zootool", "1.0", "def answer():\n    return 42\n")


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A tool that works when its package is there and answers 42."""
    probe = tmp_path_factory.mktemp("probe") / "probe.py"
    probe.write_text(
        "def main(request):\n"
        "    import zootool\n"
        "    if zootool.answer() != 42:\n"
        "        raise RuntimeError('wrong answer')\n"
        "    return {}\n"
    )
    pins = (Pin("zootool", exact="1.0", why="1.1 answers 43"),)
    return Tool("zootool", "1.0", "tests", pins, (HERE,), MACHINES, probe, download_mb=1, installed_mb=20)


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory, tool: Tool, wheel: Path) -> Path:
    root = tmp_path_factory.mktemp("built") / "toolchains"
    with pytest.MonkeyPatch.context() as patch:
        know_only_wheels(patch, wheel.parent)
        Toolchains(root).ensure(tool, lambda text: None)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where nothing has been built."""
    return tmp_path / "cache" / "toolchains"


@pytest.fixture
def built(root: Path, built_once: Path) -> Path:
    """Where the tool has been built; a copy, since making one takes seconds."""
    shutil.copytree(built_once, root, symlinks=True)
    return root


@pytest.fixture
def wheels(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip knows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    shutil.copy(wheel, folder)
    know_only_wheels(monkeypatch, folder)
    return folder


class Notes(list[str]):
    """What a user would have been told."""

    def __call__(self, text: str) -> None:
        self.append(text)


def test_what_is_not_here_is_built_aside_and_works(root: Path, tool: Tool, wheels: Path) -> None:
    installed = installed_here()
    before = Toolchains(root).status(tool)
    assert before.state == "buildable"
    assert before.reason == f"zootool is not installed in {sys.prefix}"
    notes = Notes()
    interpreter = Toolchains(root).ensure(tool, notes)
    assert interpreter.origin == "managed"
    assert interpreter.packages["zootool"] == "1.0"
    assert run(interpreter.path, "import zootool; print(zootool.answer())") == "42"
    assert any("building" in note and "zootool 1.0" in note for note in notes)
    after = Toolchains(root).status(tool)
    assert (after.state, after.interpreter, after.hint) == ("managed", interpreter.path, None)
    assert after.packages == {"zootool": "1.0"}
    assert installed_here() == installed


def test_it_is_built_once(built: Path, tool: Tool) -> None:
    notes = Notes()
    interpreter = Toolchains(built, offline=True).ensure(tool, notes)
    assert notes == []
    assert run(interpreter.path, "import zootool; print(zootool.answer())") == "42"


def test_two_at_once_build_once(root: Path, tool: Tool, wheels: Path) -> None:
    notes, found = [Notes(), Notes()], []

    def build(mine: Notes) -> None:
        found.append(Toolchains(root).ensure(tool, mine))

    threads = [threading.Thread(target=build, args=(mine,)) for mine in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert sum("building" in note for mine in notes for note in mine) == 1


def test_who_has_to_wait_is_told(built: Path, tool: Tool) -> None:
    (folder,) = (entry.path for entry in Toolchains(built).list())
    told = threading.Event()
    with FileLock(built / f"{folder.name}.lock"):
        waiting = threading.Thread(target=Toolchains(built).remove, args=(tool, lambda text: told.set()))
        waiting.start()
        assert told.wait(30)
        assert folder.is_dir()
    waiting.join()
    assert not folder.is_dir()


def without_marker(folder: Path) -> None:
    (folder / "ready.json").unlink()


def with_half_a_marker(folder: Path) -> None:
    marker = folder / "ready.json"
    marker.write_bytes(marker.read_bytes()[:20])


def with_a_file_missing(folder: Path) -> None:
    next(folder.glob("lib/python*/site-packages/zootool.py")).unlink()


def with_its_interpreter_gone(folder: Path) -> None:
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/nonexistent/python")


@pytest.mark.parametrize(
    "broken", [without_marker, with_half_a_marker, with_a_file_missing, with_its_interpreter_gone]
)
def test_a_broken_environment_is_not_used(built: Path, tool: Tool, broken: Callable[[Path], None]) -> None:
    (entry,) = Toolchains(built).list()
    broken(entry.path)
    assert Toolchains(built).status(tool).state == "buildable"


def test_a_broken_environment_is_built_anew(built: Path, tool: Tool, wheels: Path) -> None:
    (entry,) = Toolchains(built).list()
    with_a_file_missing(entry.path)
    notes = Notes()
    interpreter = Toolchains(built).ensure(tool, notes)
    assert any("building" in note for note in notes)
    assert run(interpreter.path, "import zootool; print(zootool.answer())") == "42"


def test_other_pins_mean_another_environment(built: Path, tool: Tool) -> None:
    stricter = replace(tool, pins=(*tool.pins, Pin("zoodep", below=2)))
    assert Toolchains(built).status(stricter).state == "buildable"


def test_the_environment_of_a_larger_tool_serves_the_smaller(built: Path, tool: Tool) -> None:
    smaller = replace(tool, name="zoosmaller", also_in=tool)
    assert Toolchains(built).status(replace(smaller, also_in=None)).state == "buildable"
    assert Toolchains(built, offline=True).ensure(smaller, Notes()).packages["zootool"] == "1.0"


def test_list_and_remove(built: Path, tool: Tool) -> None:
    toolchains = Toolchains(built)
    (entry,) = toolchains.list()
    assert entry.name == f"zootool-1.0-cp{HERE.replace('.', '')}"
    assert entry.ready
    assert entry.size > 100_000
    assert toolchains.remove(tool, Notes()) == (entry.path,)
    assert toolchains.list() == ()
    assert toolchains.status(tool).state == "buildable"


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
    assert "zootool==1.0" in error.message
    assert Toolchains(root).list() == ()


def test_no_network_and_no_password_in_the_log(
    root: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    use_only_index(monkeypatch, f"http://somebody:s3cret@127.0.0.1:{port}/simple")
    error = refusal(Toolchains(root), tool)
    assert error.code == "toolchain-no-network"
    written = "".join(path.read_text() for path in root.rglob("*.log"))
    assert "127.0.0.1" in written
    assert "s3cret" not in written + str(error)
    assert "somebody" not in written + str(error)


def test_an_environment_that_does_not_do_the_job_is_not_handed_out(
    root: Path, tool: Tool, wheels: Path
) -> None:
    make_wheel(wheels, "zootool", "1.0", "import os\nos.abort()\n")
    error = refusal(Toolchains(root), tool)
    assert error.code == "toolchain-does-not-work"
    assert "SIGABRT" in error.message
    assert Toolchains(root).status(tool).state == "buildable"


def test_no_interpreter_of_a_version_with_wheels(root: Path, tool: Tool) -> None:
    future = replace(tool, pythons=("3.99",))
    status = Toolchains(root).status(future)
    assert status.state == "missing"
    assert status.reason == f"zootool 1.0 has no wheel for CPython {HERE}"
    assert str(status.hint).startswith("uv python install 3.99")
    assert refusal(Toolchains(root), future).code == "no-interpreter"


def test_an_interpreter_the_user_named_must_work(root: Path, tool: Tool, tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    for path in (shim, tmp_path / "absent"):
        error = refusal(Toolchains(root, python=path), tool)
        assert error.code == "interpreter-not-usable"
        assert str(path) in error.message


def test_the_interpreter_the_user_named_is_the_one_built_on(root: Path, tool: Tool, wheels: Path) -> None:
    named = Path(sys.executable)
    status = Toolchains(root, python=named).status(tool)
    assert (status.state, status.interpreter) == ("buildable", named)


class TestCurrent:
    """What the running interpreter has, seen through a folder on its path."""

    @pytest.fixture
    def library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "library"
        folder.mkdir()
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", str(folder))
        return folder

    def test_it_is_used_when_it_has_the_tool(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.0", "def answer():\n    return 42\n")
        status = Toolchains(root).status(tool)
        assert (status.state, status.reason) == ("current", None)
        assert status.packages == {"zootool": "1.0"}
        assert Toolchains(root, offline=True).ensure(tool, Notes()).path == Path(sys.executable)

    def test_another_version_is_named_with_the_reason(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.1", "def answer():\n    return 43\n")
        status = Toolchains(root).status(tool)
        assert status.state == "buildable"
        assert status.reason == "zootool 1.1 is installed, zootool==1.0 is needed: 1.1 answers 43"
        assert status.packages == {"zootool": "1.1"}

    def test_a_neighbour_that_is_too_new_is_named(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.0", "def answer():\n    return 42\n")
        put(library, "zoodep", "2.4.6", "")
        strict = replace(tool, pins=(*tool.pins, Pin("zoodep", below=2, why="it corrupts tensors")))
        reason = Toolchains(root).status(strict).reason
        assert reason == "zoodep 2.4.6 is installed, zoodep<2 is needed: it corrupts tensors"

    def test_one_that_crashes_when_used_is_not_used(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.0", "import os\nos.abort()\n")
        status = Toolchains(root).status(tool)
        assert status.state == "buildable"
        assert "zootool 1.0 is installed here but trying zootool 1.0 crashed" in str(status.reason)
        assert "SIGABRT" in str(status.reason)


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """A server that takes connections and never says anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(60)
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_killed_in_the_middle_of_a_build_then_repeated(
    root: Path, tool: Tool, wheels: Path, silent_index: socket.socket
) -> None:
    code = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from converters.toolchain import Toolchains
        from converters.tools import Pin, Tool
        root, probe, python = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
        tool = Tool("zootool", "1.0", "tests", (Pin("zootool", exact="1.0"),), (python,),
                    (os.uname().machine,), probe, 1, 20)
        Toolchains(root).ensure(tool, lambda text: None)
    """)
    port = silent_index.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple"}
    victim = subprocess.Popen([sys.executable, "-c", code, str(root), str(tool.probe), HERE], env=env)
    connection, _ = silent_index.accept()  # pip is at work
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    connection.settimeout(30)
    while connection.recv(4096):  # ends when pip is gone too
        pass
    connection.close()
    assert list((root / "work").glob("run-*/env"))
    assert Toolchains(root).status(tool).state == "buildable"
    Toolchains(root).ensure(tool, Notes())
    assert not list((root / "work").glob("run-*"))
    assert Toolchains(root).status(tool).state == "managed"


def know_only_wheels(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def use_only_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_RETRIES", "1")


def refusal(toolchains: Toolchains, tool: Tool) -> ZooError:
    with pytest.raises(MissingToolError) as caught:
        toolchains.ensure(tool, Notes())
    assert caught.value.exit_code == 7
    assert caught.value.hint
    return caught.value


def installed_here() -> set[tuple[str, str]]:
    return {(found.name, found.version) for found in importlib.metadata.distributions()}


def run(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def put(folder: Path, name: str, version: str, code: str) -> None:
    """A package as pip would have left it in a folder."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def make_wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """The smallest wheel pip accepts (https://packaging.python.org/specifications/binary-distribution-format)."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(text.encode())}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return wheel
