"""``zoo site``: a folder that a browser opens."""

from __future__ import annotations

from pathlib import Path

from tests.zoo.cli.conftest import Zoo


def test_it_prints_the_page_to_open_and_writes_a_teams_models_too(zoo: Zoo, minimal: Path) -> None:
    ran = zoo("site", "out", "--catalog", minimal)

    assert (ran.code, ran.lines) == (0, ["out/index.html"])
    assert (zoo.folder / "out/models/sample@1.html").is_file()
    assert "sample@1.html" in (zoo.folder / "out/index.html").read_text()


def test_a_place_that_cannot_be_a_folder_exits_2(zoo: Zoo) -> None:
    (zoo.folder / "notes.txt").write_text("mine")

    ran = zoo("site", "notes.txt", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "output-not-writable")
    assert (zoo.folder / "notes.txt").read_text() == "mine"


def test_a_folder_in_use_exits_2(zoo: Zoo) -> None:
    (zoo.folder / "notes.txt").write_text("mine")

    ran = zoo("site", ".", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "folder-in-use")
