"""A tool in a test wheel, so that no network is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import Pin, Tool
from tests.helpers.package_index import HERE, MACHINES, know_only_wheels, lock_wheels, make_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel whose package answers 42."""
    return make_wheel(tmp_path_factory.mktemp("wheels"), "zootool", "1.0", "def answer():\n    return 42\n")


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Tool:
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
    lock = lock_wheels(probe.with_name("lock.json"), wheel)
    return Tool("zootool", "1.0", "tests", pins, (HERE,), MACHINES, probe, 1, 20, lock=lock)


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory, tool: Tool, wheel: Path) -> Path:
    root = tmp_path_factory.mktemp("built") / "toolchains"
    with pytest.MonkeyPatch.context() as patch:
        know_only_wheels(patch, wheel.parent)
        Toolchains(root).ensure(tool, lambda text: None)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder without environments."""
    return tmp_path / "cache" / "toolchains"


@pytest.fixture
def built(root: Path, built_once: Path) -> Path:
    """A folder with the environment of the tool; a copy, because building one takes seconds."""
    shutil.copytree(built_once, root, symlinks=True)
    return root


@pytest.fixture
def wheels(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only source of pip."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    shutil.copy(wheel, folder)
    know_only_wheels(monkeypatch, folder)
    return folder
