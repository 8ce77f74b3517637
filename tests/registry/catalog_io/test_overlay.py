"""Several catalogs together: a name refers to another entry only if a file replaces it."""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from registry.errors import CatalogError, NotFoundError


@pytest.fixture
def upper(minimal: Path, tmp_path: Path) -> Path:
    """A second file with an entry of the same name and release, and another license."""
    file = tmp_path / "upper.yaml"
    file.write_text(minimal.read_text().replace("license: MIT", "license: Zlib"))
    return file


def insert_head(file: Path, lines: str) -> None:
    """Insert lines below the ``schema:`` line of a file."""
    file.write_text(file.read_text().replace("schema: 1\n", f"schema: 1\n{lines}\n"))


def test_a_namespace_prefixes_the_names_of_a_file(minimal: Path, upper: Path) -> None:
    insert_head(upper, "namespace: acme")

    entries = registry.load(minimal, upper)

    assert entries.get("sample").license == "MIT"
    assert entries.get("acme.sample").license == entries.get("acme.sample@1").license == "Zlib"
    assert [entry.id for entry in entries] == ["acme.sample@1", "sample@1"]


def test_without_a_namespace_a_used_name_is_a_mistake(minimal: Path, upper: Path) -> None:
    with pytest.raises(CatalogError, match=r"upper\.yaml:3: .*sample@1 is already defined at team\.yaml:3"):
        registry.load(minimal, upper)


@pytest.mark.parametrize(
    ("lines", "bare", "pinned"),
    [
        ("replaces: [sample, sample@1]", "Zlib", "Zlib"),
        ("namespace: acme\nreplaces: [sample]", "Zlib", "MIT"),
        ("namespace: acme\nreplaces: [sample@1]", "MIT", "Zlib"),
    ],
)
def test_a_file_replaces_exactly_the_names_it_lists(
    minimal: Path, upper: Path, lines: str, bare: str, pinned: str
) -> None:
    insert_head(upper, lines)

    entries = registry.load(minimal, upper)

    assert entries.get("sample").license == bare
    assert entries.get("sample@1").license == pinned


def test_the_last_file_that_replaces_a_name_wins(minimal: Path, upper: Path, tmp_path: Path) -> None:
    top = tmp_path / "top.yaml"
    top.write_text(upper.read_text().replace("Zlib", "ISC"))
    insert_head(upper, "namespace: acme\nreplaces: [sample]")
    insert_head(top, "namespace: best\nreplaces: [sample]")

    assert registry.load(minimal, upper, top).get("sample").license == "ISC"
    assert registry.load(minimal, top, upper).get("sample").license == "Zlib"


def test_an_unknown_name_under_replaces_is_reported_with_its_line(upper: Path) -> None:
    insert_head(upper, "replaces:\n  - sample\n  - smaple")

    problems = registry.check(upper).problems

    assert [(problem.line, problem.field) for problem in problems] == [(4, "replaces.1")]
    assert "this file has no entry named 'smaple'" in problems[0].message


@pytest.mark.parametrize("space", ["Acme", "a.b", "../x", "", "a b"])
def test_a_namespace_is_one_plain_word(upper: Path, space: str) -> None:
    insert_head(upper, f"namespace: {space!r}")

    assert [problem.field for problem in registry.check(upper).problems] == ["namespace"]


def test_a_wrong_name_within_a_namespace_is_suggested(minimal: Path, upper: Path) -> None:
    insert_head(upper, "namespace: acme")

    with pytest.raises(NotFoundError) as caught:
        registry.load(minimal, upper).get("acme.sampel")
    assert caught.value.hint == "did you mean acme.sample?"
