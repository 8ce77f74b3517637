"""``zoo site`` writes pages that a browser opens from disk."""

from __future__ import annotations

from pathlib import Path

from tests.zoo.cli.conftest import Zoo


def test_it_prints_the_first_page_and_includes_additional_catalogs(zoo: Zoo, minimal: Path) -> None:
    ran = zoo("site", "out", "--catalog", minimal)

    assert (ran.code, ran.lines) == (0, ["out/index.html"])
    assert (zoo.folder / "out/models/sample@1.html").is_file()
    assert "sample@1.html" in (zoo.folder / "out/index.html").read_text()


def test_an_output_path_that_is_a_file_is_an_error(zoo: Zoo) -> None:
    (zoo.folder / "notes.txt").write_text("mine")

    ran = zoo("site", "notes.txt", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "output-not-writable")
    assert (zoo.folder / "notes.txt").read_text() == "mine"


def test_a_non_empty_folder_is_an_error(zoo: Zoo) -> None:
    (zoo.folder / "notes.txt").write_text("mine")

    ran = zoo("site", ".", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, "folder-in-use")
