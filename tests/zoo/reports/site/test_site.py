"""The site shows every entry with its sources, is self-contained, and changes no other file."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import registry
from registry import Entry, Registry
from registry.errors import UsageError
from registry.ranking import rank_entries
from zoo.reports.site import File, site_of, write
from zoo.reports.site.commands import commands_of
from zoo.reports.site.plots import make_plot
from zoo.reports.site.write import MARK

SHIPPED = registry.load()
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Text and addresses of a page; every tag must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"] or "")
        self.loads += [str(given[name]) for name in ("src",) if name in given]
        if tag == "link":
            self.loads.append(str(given["href"]))
        assert not any(name.startswith("on") for name in given), "no script in attributes"
        if tag not in VOID:
            self._open.append(tag)  # of SVG too: `<path/>` ends at once

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {file.path: file.content for file in site_of(SHIPPED, version="1")}


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> dict[str, Page]:
    return {path: Page(content.decode()) for path, content in files.items() if path.endswith(".html")}


def test_every_entry_has_a_page_and_the_index_leads_to_all_of_them(pages: dict[str, Page]) -> None:
    expected = {f"models/{entry.id}.html" for entry in SHIPPED.all_entries}

    assert expected == {path for path in pages if path.startswith("models/")}
    assert expected <= set(pages["index.html"].links)


def test_no_link_within_the_site_leads_nowhere(files: dict[str, bytes], pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        for link in page.links + page.loads:
            if urlsplit(link).scheme:
                assert link.startswith("https://"), link
                continue
            folder = Path(path).parent
            target = Path(*[part for part in (folder / link).parts if part != ".."])
            if link.startswith("../"):
                target = Path(link.removeprefix("../"))
            assert str(target) in files, f"{path}: {link}"


def test_nothing_is_loaded_from_elsewhere(files: dict[str, bytes], pages: dict[str, Page]) -> None:
    assert all(not urlsplit(load).scheme for page in pages.values() for load in page.loads)
    assert not re.search(rb"url\(|@import|https?:", files["style.css"] + files["site.js"])


def test_an_entrys_page_shows_every_figure_with_its_source(pages: dict[str, Page]) -> None:
    for entry in SHIPPED.all_entries:
        text = pages[f"models/{entry.id}.html"].text
        for figure in (*entry.accuracy, *entry.latency):
            assert figure.source.cell in text, f"{entry.id}: {figure.source.cell}"
        for latency in entry.latency:
            assert f"{latency.milliseconds:.2f}" in text
        for conflict in entry.conflicts:
            assert all(claim.value in text for claim in conflict.claims)
        for artifact in entry.artifacts if isinstance(entry, Entry) else ():
            assert set(artifact.urls) <= set(pages[f"models/{entry.id}.html"].links)


def test_the_commands_shown_are_commands(pages: dict[str, Page]) -> None:
    text = pages["models/tinypose_128x96@2022.08.html"].text

    assert "zoo fetch tinypose_128x96@2022.08 --lite fp16" in text
    assert commands_of(SHIPPED.get("tinypose_256x256_hand")) == ()
    pair = SHIPPED.pipelines[0]
    assert commands_of(pair) == (f"zoo run {pair.pose} --detector {pair.detector} image.jpg --out out",)


def test_the_machine_readable_copy_is_the_catalog(files: dict[str, bytes]) -> None:
    assert [entry["name"] for entry in json.loads(files["registry.json"])] == [
        entry.name for entry in SHIPPED.all_entries
    ]


def test_text_of_an_entry_is_never_markup() -> None:
    hostile = '<script>alert(1)</script>"onload=x'
    entry = SHIPPED.get("tinypose_128x96").model_copy(update={"title": hostile, "notes": (hostile,)})

    page = Page(
        next(
            f for f in site_of(Registry([entry]), version="1") if f.path.startswith("models/")
        ).content.decode()
    )

    assert page.loads == ["../style.css", "../site.js"]
    assert page.text.count(hostile) == 2


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e"])
def test_control_characters_of_an_entry_are_visible_text(character: str) -> None:
    entry = SHIPPED.get("tinypose_128x96").model_copy(
        update={"title": f"a{character}b", "notes": (f"a{character}b",)}
    )

    pages = [f.content.decode() for f in site_of(Registry([entry]), version="1") if f.path.endswith(".html")]

    assert len(pages) == 3
    assert not any(character in page for page in pages)


def test_a_chart_has_one_dot_per_row_and_a_monotonic_front() -> None:
    ranking = max(rank_entries(SHIPPED, device="sd865").rankings, key=lambda found: len(found.rows))
    plot = make_plot(ranking, highlight=ranking.rows[0].entry)

    assert [dot.entry for dot in plot.dots] == [row.entry for row in ranking.rows]
    assert [dot.highlighted for dot in plot.dots].count(True) == 1
    front = [dot for dot in plot.dots if dot.on_front]
    assert sorted(front, key=lambda dot: dot.x) == sorted(front, key=lambda dot: -dot.y)
    assert all(plot.left <= dot.x <= plot.right and 0 <= dot.y <= plot.bottom for dot in plot.dots)


class TestWriting:
    def test_equal_catalogs_give_equal_files(self, files: dict[str, bytes]) -> None:
        again = {file.path: file.content for file in site_of(registry.load(), version="1")}

        assert again == files

    def test_only_obsolete_pages_are_removed(self, tmp_path: Path) -> None:
        write([File("index.html", b"1"), File("models/old.html", b"1")], tmp_path / "out")
        (tmp_path / "out/CNAME").write_text("zoo.example")

        found = write([File("index.html", b"2")], tmp_path / "out")

        assert found.removed == ("models/old.html",)
        assert (tmp_path / "out/index.html").read_bytes() == b"2"
        assert (tmp_path / "out/CNAME").exists()

    def test_a_folder_with_other_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("mine")

        with pytest.raises(UsageError) as caught:
            write([File("index.html", b"1")], tmp_path)
        assert caught.value.code == "folder-in-use"
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_a_list_with_paths_outside_the_folder_removes_nothing_there(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("mine")
        out = tmp_path / "out"
        write([File("index.html", b"1")], out)
        (out / MARK).write_text("index.html\n../precious")

        write([File("index.html", b"2")], out)

        assert (tmp_path / "precious").read_text() == "mine"
