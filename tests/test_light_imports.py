"""The walls between the rooms: who may import whom, and what the light commands never load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import REPOSITORY

HEAVY = {"paddle", "paddlelite", "paddle2onnx", "onnx", "onnxruntime", "cv2", "numpy", "torch"}
FORBIDDEN = {
    "registry": {"requests", "converters", "zoo"} | HEAVY,
    "converters": {"requests", "zoo"},
    "zoo": set(),
}


def imported(file: Path) -> set[str]:
    """Top-level names of every import in a file, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def loaded(code: str, modules: set[str]) -> list[str]:
    """Which of some modules a fresh interpreter has loaded after running a piece of code."""
    program = f"{code}\nimport sys\nprint('loaded:', *sorted({modules!r} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    return ran.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_imports_only_what_it_may_know(room: str) -> None:
    files = sorted((REPOSITORY / room).rglob("*.py"))

    assert files
    wrong = {str(file): sorted(imported(file) & FORBIDDEN[room]) for file in files}
    assert {file: names for file, names in wrong.items() if names} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import registry; registry.load()",
        "import zoo; zoo.list_models()",
        "import sys; sys.argv = ['zoo', 'list']; import zoo.cli as c; c._run()",
        "import sys; sys.argv = ['zoo', '--help']; import zoo.cli as c; c._run()",
        "import sys; sys.argv = ['zoo', 'show', 'tinypose_128x96']; import zoo.cli as c; c._run()",
        "import converters.formats",
    ],
)
def test_light_commands_load_nothing_heavy(code: str) -> None:
    assert loaded(code, HEAVY) == []


def test_zoo_list_needs_no_library_for_networks_tables_or_typed_values() -> None:
    code = "import sys; sys.argv = ['zoo', 'list']; import zoo.cli as c; c._run()"

    assert loaded(code, {"requests", "rich", "urllib3", "yaml", "pydantic"}) == []


def test_a_neighbor_of_the_same_name_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "registry.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zoo"

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )

    assert ran.returncode == 1
    assert "needs its own package 'registry'" in ran.stderr
    assert str(tmp_path / "registry.py") in ran.stderr
