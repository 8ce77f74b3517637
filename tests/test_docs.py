"""The documentation is run and built: its commands print what it says, and no page or link is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.doc_examples import REPOSITORY, Document, ReaderShell, reader_shell

DOCS = REPOSITORY / "docs"
PAGES = sorted(path for folder in ("guide", "how-to") for path in (DOCS / folder).glob("*.md"))


@pytest.fixture(scope="module")
def reader(
    shared: Path, toolchain_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReaderShell]:
    with reader_shell(tmp_path_factory.mktemp("docs"), shared, toolchain_root) as found:
        yield found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_says(reader: ReaderShell, page: Path) -> None:
    document = Document(page)

    assert reader.follow(document), "a page without an example"
    for example, expected in zip(document.blocks("python"), document.blocks("text"), strict=True):
        ran = reader.run(sys.executable, "-c", example)
        assert ran.stdout == expected, ran.stderr


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", tmp_path / "trees", DOCS, tmp_path / "html"]

    ran = subprocess.run(build, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    commands = (tmp_path / "html/reference/commands.html").read_text(encoding="utf-8")
    assert "zoo registry check" in commands
    assert "--lite-version" in commands
    errors = (tmp_path / "html/reference/errors.html").read_text(encoding="utf-8")
    # Codes that stand where they are raised, are handed there, are put together, or are one of several.
    for code in ("unsafe-pickle", "opset-fixed", "not-a-nb", "…-corrupt", "toolchain-no-wheel", "offline"):
        assert code in errors
    assert "category_scope" in (tmp_path / "html/reference/catalog.html").read_text(encoding="utf-8")


def test_every_file_that_the_architecture_page_names_exists() -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:zoo|converters|registry|tools|tests|docs/decisions)/[\w/.]*)`", text))

    assert len(named) > 20
    assert sorted(name for name in named if not (REPOSITORY / name).exists()) == []
