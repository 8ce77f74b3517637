"""Environments for tools: built once by the real pip from a test wheel, and reused."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from converters.toolchain import Toolchains
from converters.toolchain.environments import find_folders
from converters.toolchain.pins import Tool, paddlelite
from registry.errors import MissingToolError
from tests.helpers.package_index import HERE, Notes, installed_here, lock_wheels, make_wheel, run
from tests.helpers.timing import deadline


def test_a_missing_tool_is_built_in_an_environment(root: Path, tool: Tool, wheels: Path) -> None:
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


def test_without_building_existing_environments_are_used(built: Path, root: Path, tool: Tool) -> None:
    there = Toolchains(built).without_building([tool]).ensure(tool, Notes())
    assert there.origin == "managed"

    with pytest.raises(MissingToolError) as caught:
        Toolchains(root / "empty").without_building([tool]).ensure(tool, Notes())

    assert caught.value.code == "toolchain-not-built"
    assert caught.value.hint == "zoo toolchain install zootool@1.0"
    assert not (root / "empty").exists()


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


def test_a_wait_is_reported(built: Path, tool: Tool) -> None:
    (folder,) = (entry.path for entry in Toolchains(built).list())
    told = threading.Event()
    with FileLock(built / f"{folder.name}.lock"):
        waiting = threading.Thread(target=Toolchains(built).remove, args=(tool, lambda text: told.set()))
        waiting.start()
        assert told.wait(deadline(30))
        assert folder.is_dir()
    waiting.join()
    assert not folder.is_dir()


def test_an_environment_with_another_lock_is_not_used(built: Path, tool: Tool, tmp_path: Path) -> None:
    other = make_wheel(tmp_path, "zootool", "1.0", "def answer():\n    return 41 + 1\n")
    changed = replace(tool, lock=lock_wheels(tmp_path / "lock.json", other))
    assert Toolchains(built).status(changed).state == "buildable"


def test_locked_packages_are_installed_and_no_others(
    root: Path, tool: Tool, wheels: Path, wheel: Path
) -> None:
    greedy = make_wheel(wheels, "zoogreedy", "1.0", "", needs="zoohuge")
    make_wheel(wheels, "zoohuge", "1.0", "")
    locked = replace(tool, lock=lock_wheels(wheels / "lock.json", wheel, greedy))
    packages = Toolchains(root).ensure(locked, Notes()).packages

    assert (packages["zootool"], packages["zoogreedy"]) == ("1.0", "1.0")
    assert "zoohuge" not in packages


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


def test_the_newest_interpreter_comes_first_and_not_the_last_in_the_alphabet(root: Path) -> None:
    for name in ("cp39", "cp310", "cp37"):
        (root / f"paddlelite-2.13rc0-{name}").mkdir(parents=True)
    names = [folder.name for folder in find_folders(root, paddlelite())]
    assert names == [f"paddlelite-2.13rc0-{name}" for name in ("cp310", "cp39", "cp37")]
