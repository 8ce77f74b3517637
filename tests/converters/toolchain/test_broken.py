"""An unfinished or broken environment is detected and built again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import Tool
from tests.helpers.package_index import HERE, Notes, put, run


def without_marker(folder: Path) -> None:
    (folder / "ready.json").unlink()


def with_half_a_marker(folder: Path) -> None:
    marker = folder / "ready.json"
    marker.write_bytes(marker.read_bytes()[:20])


def with_a_file_missing(folder: Path) -> None:
    next(folder.glob("lib/python*/site-packages/zootool.py")).unlink()


def with_another_package(folder: Path) -> None:
    (packages,) = folder.glob("lib/python*/site-packages")
    put(packages, "zooextra", "1.0", "")
    (packages / "zooextra-1.0.dist-info" / "RECORD").write_text("zooextra.py,,\n")


def with_its_interpreter_gone(folder: Path) -> None:
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/nonexistent/python")


@pytest.mark.parametrize(
    "broken",
    [
        without_marker,
        with_half_a_marker,
        with_a_file_missing,
        with_another_package,
        with_its_interpreter_gone,
    ],
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


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """A server that accepts connections and never answers."""
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
        from converters.toolchain.pins import Pin, Tool
        root, probe, python = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
        tool = Tool("zootool", "1.0", "tests", (Pin("zootool", exact="1.0"),), (python,),
                    (os.uname().machine,), probe, 1, 20, lock=Path(sys.argv[4]))
        Toolchains(root).ensure(tool, lambda text: None)
    """)
    port = silent_index.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple"}
    arguments = [str(root), str(tool.probe), HERE, str(tool.lock)]
    victim = subprocess.Popen([sys.executable, "-c", code, *arguments], env=env)
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
