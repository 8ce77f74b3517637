"""Commands of toolchain, and the doctor's table of versions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from converters.process.interpreter import Interpreter
from converters.toolchain.pins import LITE_VERSIONS, paddlelite
from tests.zoo.cli.conftest import Zoo


@pytest.fixture
def own(zoo: Zoo) -> Path:
    """A folder of toolchains that no other test uses."""
    (zoo.cache / "toolchains").unlink()
    (zoo.cache / "toolchains").mkdir()
    return zoo.cache / "toolchains"


def make_broken_toolchain(root: Path, name: str, *, finished: bool) -> Path:
    """Create a toolchain whose interpreter does not exist."""
    folder = root / name
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("home = /nonexistent\n")
    if finished:
        requirements = ",".join(f'"{pin.requirement}"' for pin in paddlelite("2.12").pins)
        (folder / "ready.json").write_text(
            f'{{"packages": {{"numpy": "1.21.6"}}, "python": "3.7.16", "requirements": [{requirements}]}}'
        )
    return folder


def test_an_installed_toolchain_is_listed_tested_and_found(zoo: Zoo, lite_python: Interpreter) -> None:
    listed = {each["name"]: each for each in zoo("toolchain", "list", "--json").json["toolchains"]}
    found = listed["paddlelite@2.13rc0"]
    assert found["health"] == "works"
    assert found["size"] > 100_000_000
    assert found["packages"]["paddlelite"] == "2.13rc0"
    (path,) = zoo("toolchain", "find", "paddlelite@2.13rc0").lines
    assert zoo("toolchain", "find", "paddlelite", "--json").json == {"interpreter": path}
    subprocess.run([path, "-c", "import paddlelite.lite"], check=True)


def test_installing_an_installed_toolchain_does_nothing(zoo: Zoo, lite_python: Interpreter) -> None:
    added = zoo("toolchain", "install", "paddlelite@2.13rc0", "--offline")
    assert (added.code, len(added.lines)) == (0, 1)
    assert "nothing was installed" in added.err
    assert zoo("toolchain", "install", "paddlelite", "--offline", "--json").json["built"] is False


def test_a_dry_run_removes_nothing(zoo: Zoo, lite_python: Interpreter) -> None:
    planned = zoo("toolchain", "uninstall", "paddlelite@2.13rc0", "--dry-run")
    assert planned.code == 0
    assert "would free" in planned.err
    assert all(Path(line).is_dir() for line in planned.lines)


def test_broken_and_unfinished_toolchains_are_listed_and_removed(zoo: Zoo, own: Path) -> None:
    broken = make_broken_toolchain(own, "paddlelite-2.12-cp37", finished=True)
    unfinished = make_broken_toolchain(own, "paddlelite-2.10-cp39", finished=False)
    listed = zoo("toolchain", "list", "--json").json["toolchains"]
    assert [(each["name"], each["health"], each["python"]) for each in listed] == [
        ("paddlelite@2.10", "unfinished", "3.9"),
        ("paddlelite@2.12", "broken", "3.7.16"),
    ]
    removed = zoo("toolchain", "uninstall", "paddlelite", "--json").json
    assert {Path(each["path"]) for each in removed["removed"]} == {broken, unfinished}
    assert removed["freed"] > 0
    assert not broken.exists()
    assert not unfinished.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another user")
def test_a_toolchain_of_another_user_is_listed_but_not_run(zoo: Zoo, own: Path) -> None:
    os.chown(make_broken_toolchain(own, "paddlelite-2.12-cp37", finished=True), 65534, 65534)
    listed = zoo("toolchain", "list", "--json")
    assert (listed.code, [each["health"] for each in listed.json["toolchains"]]) == (0, ["untrusted"])


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("find", "paddlelite@2.12"), 7, "toolchain-not-built"),
        (("install", "paddlelite@2.12", "--offline"), 7, "toolchain-offline"),
        (("uninstall", "paddlelite"), 3, "toolchain-not-found"),
        (("install", "paddlelite@3"), 2, "unknown-tool"),
        (("find", "gcc"), 2, "unknown-tool"),
    ],
    ids=str,
)
def test_errors_have_a_hint(zoo: Zoo, own: Path, arguments: tuple[str, ...], code: int, error: str) -> None:
    ran = zoo("toolchain", *arguments, "--json")
    assert ran.code == code
    found = ran.json["error"]
    # Offline, a machine without a suitable interpreter reports that first.
    assert found["code"] in (error, "no-interpreter")
    assert found["hint"]


def test_an_empty_list_is_not_an_error(zoo: Zoo, own: Path) -> None:
    listed = zoo("toolchain", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "zoo doctor" in listed.err


def test_the_doctor_shows_version_by_interpreter(zoo: Zoo, own: Path) -> None:
    rows = {row["version"]: row for row in zoo("doctor", "--json").json["lite_versions"]}
    assert tuple(rows) == LITE_VERSIONS
    assert rows["2.14rc0"]["interpreters"]["3.10"] == "no-wheel"
    for row in rows.values():
        assert "built" not in row["interpreters"].values()
        assert row["missing"]
        assert f"zoo toolchain install paddlelite@{row['version']}" in row["hint"]
        assert row["works"] == ("buildable" in row["interpreters"].values())


def test_the_doctor_works_when_the_named_interpreter_does_not_run(zoo: Zoo, own: Path) -> None:
    named = "/nonexistent/python"
    ran, found = zoo("doctor", ZOO_PYTHON=named), zoo("doctor", "--json", ZOO_PYTHON=named)
    assert (ran.code, found.code) == (0, 0)
    assert f"the interpreter {named} does not run: no such file (ZOO_PYTHON)" in ran.lines[2]
    assert len(found.json["conversions"]) == len(zoo("doctor", "--json").json["conversions"])
    assert {row["works"] for row in found.json["lite_versions"]} == {False}
    assert {row["hint"] for row in found.json["lite_versions"]} == {"unset ZOO_PYTHON"}


def test_the_doctor_works_when_the_cache_cannot_be_used(zoo: Zoo) -> None:
    ran = zoo("doctor", ZOO_CACHE="/dev/null")
    assert ran.code == 0
    assert "is not writable: set ZOO_CACHE" in ran.lines[1]


def test_the_doctor_names_a_missing_interpreter(zoo: Zoo, own: Path, tmp_path: Path) -> None:
    nowhere = {"PATH": "/nonexistent", "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
    row = zoo("doctor", "--json", **nowhere).json["lite_versions"][-1]
    assert row["version"] == "2.14rc0"
    assert (row["works"], row["missing"]) == (False, "CPython 3.7 or 3.6 or 3.5")
    assert row["hint"].startswith("uv python install 3.7")
    assert "wheel" in zoo("doctor", **nowhere).out
