"""Tools in the running interpreter, and the reasons why it cannot run one."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import Pin, Tool
from tests.helpers.package_index import Notes, put


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

    def test_another_version_is_reported_with_the_reason(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.1", "def answer():\n    return 43\n")
        status = Toolchains(root).status(tool)
        assert status.state == "buildable"
        assert status.reason == "zootool 1.1 is installed, zootool==1.0 is needed: 1.1 answers 43"
        assert status.packages == {"zootool": "1.1"}

    def test_a_dependency_that_is_too_new_is_reported(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.0", "def answer():\n    return 42\n")
        put(library, "zoodep", "2.4.6", "")
        strict = replace(tool, pins=(*tool.pins, Pin("zoodep", below=2, why="it corrupts tensors")))
        reason = Toolchains(root).status(strict).reason
        assert reason == "zoodep 2.4.6 is installed, zoodep<2 is needed: it corrupts tensors"

    def test_a_tool_that_fails_its_probe_is_not_used(self, root: Path, tool: Tool, library: Path) -> None:
        put(library, "zootool", "1.0", "import os\nos.abort()\n")
        status = Toolchains(root).status(tool)
        assert status.state == "buildable"
        assert "zootool 1.0 is installed here, but the probe of zootool 1.0 crashed" in str(status.reason)
        assert "SIGABRT" in str(status.reason)
