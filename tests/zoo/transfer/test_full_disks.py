"""Full disks: a clear error, no incomplete file, and the same command succeeds with enough space."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.zoo_process import Zoo
from zoo.sample import NAME


@pytest.fixture
def limited(tmp_path: Path) -> Zoo:
    """The command with a file size limit of 300 kB, which simulates a full disk."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed: apt-get install -y util-linux")
    return Zoo(tmp_path, ("prlimit", "--fsize=300000"))


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    return Zoo(tmp_path)


def files(folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".lock", ".TAG")]
    return sorted(str(path.relative_to(folder)) for path in found)


def test_a_mirror(zoo: Zoo, limited: Zoo, upstream: Path, paths: list[str]) -> None:
    assert zoo("fetch", NAME, "--all", "--mirror", upstream).code == 0

    ran = limited("mirror", "m", NAME, "--mirror", upstream)

    assert ran.code == 7
    assert [line.split()[0] for line in ran.lines] == ["failed", "failed"]
    assert "disk-full" in ran.err
    assert [path for path in files(zoo.folder / "m") if "sample" in path] == []
    assert zoo("mirror", "m", NAME, "--mirror", upstream).lines == [f"copied   {path}" for path in paths]


def test_a_bundle_and_an_import(zoo: Zoo, limited: Zoo, upstream: Path) -> None:
    assert zoo("fetch", NAME, "--all", "--mirror", upstream).code == 0

    ran = limited("bundle", "create", NAME, "--all", "--out", "b.zoo", "--offline")
    assert ran.code == 7
    assert "error[disk-full]" in ran.err
    assert not (zoo.folder / "b.zoo").exists()
    assert zoo("bundle", "create", NAME, "--all", "--out", "b.zoo", "--offline").code == 0

    ran = limited("bundle", "import", "b.zoo", cache="other")
    assert ran.code == 7
    assert "error[disk-full]" in ran.err
    assert files(zoo.folder / "other") == []
    assert zoo("bundle", "import", "b.zoo", cache="other").code == 0
    assert zoo("verify", cache="other").code == 0


@pytest.mark.parametrize(
    "command", [("mirror", "file", NAME), ("bundle", "create", NAME, "--out", "file/b.zoo")]
)
def test_a_file_in_place_of_a_folder(zoo: Zoo, upstream: Path, command: tuple[str, ...]) -> None:
    (zoo.folder / "file").write_text("")

    ran = zoo(*command, "--mirror", upstream)

    assert ran.code == 2
    assert "error[output-not-writable]" in ran.err
