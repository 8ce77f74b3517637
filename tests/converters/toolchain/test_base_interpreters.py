"""Discovery of base interpreters, which must run to be used."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import pytest

from converters.toolchain.base_interpreters import find_interpreters

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without interpreters, and an environment that names no others."""
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME", "CONDA_PREFIX", "CONDA_EXE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def put(path: Path, **facts: object) -> Path:
    """A program that answers like a Python interpreter."""
    answer = {
        "version": "3.99.1",
        "short": "3.99",
        "implementation": "CPython",
        "machine": "x86_64",
        "bits": 64,
        "free_threaded": False,
        "pip": True,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{json.dumps(answer | facts)}'\n")
    path.chmod(0o755)
    return path


def test_unusual_names_and_lines_of_other_programs_are_ignored(home: Path) -> None:
    put(home / ".local/share/uv/python/cpython-3.99.\u00b2-linux/bin/python3.99")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_bytes(b"/a\0b\n\xff\xfe\n\n" + b"/x" * 5000 + b"\n")

    assert [base.version for base in find_interpreters(["3.99"])] == ["3.99.1"]


ANSWERS = {
    "a list": "echo '[]'",
    "a number": "echo 1",
    "null": "echo null",
    "nothing": "true",
    "an object without properties": "echo '{}'",
    "deep nesting": "head -c 60000 /dev/zero | tr '\\0' '['",
    "bytes": "printf '\\377\\376'",
    "output without end": "yes",
    "a child that keeps the pipe open": "sleep 600 &\nexit 1",
    "no answer": "sleep 600",
}
"""What a program named python can write instead of its properties."""


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_program_that_is_not_a_python_is_ignored(
    home: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("converters.toolchain.base_interpreters._PROBE_TIMEOUT", 1.0)
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    path = put(home / "bin/python3.99")
    path.write_text(f"#!/bin/sh\n{ANSWERS[answer]}\n")

    assert list(find_interpreters(["3.99"])) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"version": []},
        {"version": "\x1b[31m"},
        {"short": 3.99},
        {"machine": {"a": 1}},
        {"machine": "x" * 1000},
        {"bits": "64"},
        {"free_threaded": None},
        {"implementation": ""},
        {"more": 1},
    ],
)
def test_an_answer_with_other_types_is_ignored(home: Path, facts: dict[str, object]) -> None:
    put(home / "bin/python3.99", **facts)

    assert list(find_interpreters(["3.99"])) == []


@pytest.mark.parametrize(
    "place",
    [
        ".local/share/uv/python/cpython-3.99.1-linux-x86_64-gnu/bin/python3.99",
        ".pyenv/versions/3.99.1/bin/python3.99",
        "bin/python3.99",
    ],
)
def test_interpreters_of_all_managers_are_found(home: Path, place: str) -> None:
    path = put(home / place)
    assert [base.path for base in find_interpreters(["3.99"])] == [path]


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("UV_PYTHON_INSTALL_DIR", "pythons", "pythons/cpython-3.99.1-linux-x86_64-gnu/bin/python3.99"),
        ("XDG_DATA_HOME", "data", "data/uv/python/cpython-3.99.1-linux-x86_64-gnu/bin/python3.99"),
        ("PYENV_ROOT", "py", "py/versions/3.99.1/bin/python3.99"),
        ("CONDA_PREFIX", "conda/envs/one", "conda/envs/one/bin/python3.99"),
        ("CONDA_EXE", "conda/bin/conda", "conda/envs/other/bin/python3.99"),
    ],
)
def test_settings_of_interpreter_managers_are_honored(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, place: str
) -> None:
    path = put(home / place)
    monkeypatch.setenv(variable, str(home / value))
    assert [base.path for base in find_interpreters(["3.99"])] == [path]


def test_listed_conda_environments_are_found(home: Path) -> None:
    path = put(home / "elsewhere" / "env" / "bin" / "python3.99")
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text(f"{home / 'gone'}\n\n{home / 'elsewhere' / 'env'}\n")
    assert [base.path for base in find_interpreters(["3.99"])] == [path]


def test_the_newest_patch_release_comes_first(home: Path) -> None:
    for patch in (2, 10, 9):
        put(home / f".pyenv/versions/3.99.{patch}/bin/python3.99", version=f"3.99.{patch}")
    assert [base.version for base in find_interpreters(["3.99"])] == ["3.99.10", "3.99.9", "3.99.2"]


def test_the_order_of_the_versions_is_kept(home: Path) -> None:
    put(home / "bin/python3.98", version="3.98.0", short="3.98")
    put(home / ".pyenv/versions/3.99.1/bin/python3.99")
    assert [base.short for base in find_interpreters(["3.98", "3.99"])] == ["3.98", "3.99"]


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho 'pyenv: python3.99: command not found' >&2\nexit 127\n",
        "#!/bin/sh\necho Python 3.99.1\n",
        "not a program",
        "",
    ],
)
def test_a_program_that_is_no_python_is_ignored(home: Path, script: str) -> None:
    path = put(home / ".pyenv/shims/python3.99")
    path.write_text(script)
    (home / "bin").symlink_to(path.parent)
    assert list(find_interpreters(["3.99"])) == []


def test_a_shim_that_does_not_answer_does_not_hide_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = put(home / "shims/python3.99")
    shim.write_text("#!/bin/sh\nexit 127\n")
    real = put(home / "bin/python3.99")
    monkeypatch.setenv("PATH", f"{home / 'shims'}:{home / 'bin'}")
    assert [base.path for base in find_interpreters(["3.99"])] == [real]


def test_a_program_of_another_version_is_not_taken_by_its_name(home: Path) -> None:
    put(home / "bin/python3.99", version="3.11.7", short="3.11")
    assert list(find_interpreters(["3.99"])) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"implementation": "PyPy"}, "PyPy"),
        ({"bits": 32}, "32-bit"),
        ({"free_threaded": True}, "free-threaded"),
        ({"pip": False}, "python3.99-venv"),
    ],
)
def test_an_unsuitable_interpreter_has_a_reason(home: Path, facts: dict[str, object], words: str) -> None:
    put(home / "bin/python3.99", **facts)
    (base,) = find_interpreters(["3.99"])
    assert words in str(base.problem)


def test_the_running_interpreter_is_found_first_and_described(home: Path) -> None:
    found = next(find_interpreters([HERE]))
    assert found.path == Path(sys.executable)
    assert found.version == platform.python_version()
    assert found.machine == platform.machine()
    assert found.problem is None
