"""Unusual environments: cache paths, character sets, a deleted working folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.zoo.cli.conftest import Zoo

NAME = "picodet_s_192_pedestrian"
LONG = "/" + "y" * 300
UNUSABLE = [LONG, "/proc/1/cwd/cache", "link", "circle", "file/cache"]
ODD = ["a b", "a\nb", os.fsdecode(b"\xff\xfe"), "relative/cache", " "]


@pytest.fixture
def odd(zoo: Zoo) -> Zoo:
    """The command in a folder with a file, a dangling link and a circular link."""
    (zoo.folder / "file").write_text("")
    (zoo.folder / "link").symlink_to("nowhere")
    (zoo.folder / "circle").symlink_to("circle")
    return zoo


@pytest.mark.parametrize("cache", UNUSABLE)
@pytest.mark.parametrize("arguments", [["fetch", NAME, "--offline"], ["cache", "ls"], ["toolchain", "list"]])
def test_an_unusable_cache_is_an_error_or_empty(odd: Zoo, cache: str, arguments: list[str]) -> None:
    ran = odd(*arguments, ZOO_CACHE=cache)
    assert ran.code in (0, 4, 7)
    assert ran.out == ""
    assert (ran.code == 0) == ("error[" not in ran.err)
    assert (ran.code == 0) != ("\n  try: " in ran.err)


@pytest.mark.parametrize("cache", [LONG, "link"])
def test_the_doctor_reports_an_unusable_cache(odd: Zoo, cache: str) -> None:
    places = ("TMPDIR", "HOME", "PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "CONDA_PREFIX")
    ran = odd("doctor", ZOO_CACHE=cache, **dict.fromkeys(places, LONG))
    assert ran.code == 0
    assert "set ZOO_CACHE to another folder" in ran.lines[1]


@pytest.mark.table("attacks")
def test_a_folder_that_is_not_a_cache_is_reported_and_refused(zoo: Zoo, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "work/run-001").mkdir(parents=True)
    (project / "work/run-001/best.ckpt").write_text("weights")

    doctor = zoo("doctor", ZOO_CACHE=str(project))
    assert doctor.code == 0
    assert "is not a cache of paddle-zoo: choose another folder: ZOO_CACHE=FOLDER" in doctor.lines[1]
    for command in (["fetch", NAME], ["cache", "ls"], ["cache", "prune"], ["verify"], ["toolchain", "list"]):
        ran = zoo(*command, ZOO_CACHE=str(project))
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert "error[cache-not-recognized]" in ran.err
    assert [path.name for path in project.rglob("*")] == ["work", "run-001", "best.ckpt"]


def test_the_doctor_writes_nothing_to_the_cache(zoo: Zoo) -> None:
    (zoo.cache / "toolchains").unlink()
    assert zoo("doctor").code == 0
    assert list(zoo.cache.iterdir()) == []


@pytest.mark.parametrize("cache", ODD)
def test_a_cache_may_have_an_unusual_name(zoo: Zoo, upstream: object, cache: str) -> None:
    ran = zoo("fetch", NAME, "--no-build", ZOO_CACHE=cache)
    assert ran.code == 0, ran.err
    assert (zoo.folder / cache / "artifacts").is_dir()


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1", "utf-8:strict"])
def test_characters_outside_the_encoding_are_not_an_error(zoo: Zoo, upstream: object, encoding: str) -> None:
    cache = os.fsdecode(b"\xff")
    written = {"PYTHONIOENCODING": encoding, "ZOO_CACHE": cache}
    fetched, document = zoo("fetch", NAME, **written), zoo("fetch", NAME, "--json", **written)
    assert (fetched.code, document.code) == (0, 0), fetched.err + document.err
    assert Path(fetched.lines[0]).is_dir()
    assert [item["path"] for item in document.json["artifacts"]] == fetched.lines
    shown = zoo("show", "picodet_s_320_coco_lcnet", **written)
    assert (shown.code, "4 threads" in shown.out) == (0, True)


def test_the_home_of_an_unknown_user_is_an_error(zoo: Zoo) -> None:
    ran = zoo("list", ZOO_CACHE="~nobody-of-that-name/cache")
    assert ran.code == 2
    assert ran.err.startswith("error[bad-setting]: ZOO_CACHE=")


@pytest.mark.parametrize("arguments", [["list"], ["show", NAME]])
def test_a_deleted_working_folder_is_accepted_where_it_is_not_needed(zoo: Zoo, arguments: list[str]) -> None:
    assert _from_nowhere(zoo, *arguments).returncode == 0


@pytest.mark.parametrize("arguments", [["fetch", NAME, "--offline"], ["lock"], ["verify"]])
def test_a_deleted_working_folder_is_an_error(zoo: Zoo, arguments: list[str]) -> None:
    ran = _from_nowhere(zoo, *arguments)
    assert ran.returncode == 7
    assert ran.stderr.startswith("error[working-directory-missing]: ")


def _from_nowhere(zoo: Zoo, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    command = ["sh", "-c", script, "sh", *zoo.command(*arguments)]
    return subprocess.run(
        command, cwd=zoo.folder, env=zoo.environment, capture_output=True, text=True, check=False
    )
