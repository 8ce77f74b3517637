"""Documents of others cannot inject fields into drafts, and no text makes the importer fail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.readme_import.consistency import find_tree_issues
from registry.readme_import.draft_yaml import format_yaml
from registry.readme_import.importer import import_document
from registry.readme_import.links import DocumentLocation
from registry.safe_yaml import read_yaml

LOCATION = DocumentLocation("README.md", "configs/zoo/README.md")
BREAKS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"]


def document(
    title: str = "Net", size: str = "128*96", ap: str = "58.1", url: str = "https://x.y/net.tar"
) -> str:
    head = "| Model | Input Size | AP (COCO Val) | Model Weights |\n|---|---|---|---|\n"
    return f"# Zoo\n\n{head}| {title} | {size} | {ap} | [M](<{url}>) [N](https://x.y/net.pdparams) |\n"


def draft(text: str) -> Any:
    """The only entry of the draft, read as YAML."""
    output = format_yaml([import_document(text, LOCATION)])
    (entry,) = read_yaml(output)["entries"]
    for line in output.splitlines():
        assert not line.lstrip().startswith("injected"), output
    return entry


@pytest.mark.table("injection into drafts")
@pytest.mark.parametrize("separator", BREAKS, ids=ascii)
@pytest.mark.parametrize("field", ["title", "size", "ap", "url"])
def test_line_breaks_in_cells_inject_nothing(separator: str, field: str) -> None:
    base = "https://x.y/net.zzz" if field == "url" else "about 5%"
    values = {field: f"{base}{separator}injected: true{separator}"}

    entry = draft(document(**values))

    assert not [key for key in entry if "injected" in key]


@pytest.mark.parametrize(
    "title",
    [
        "injected: true",
        "- injected",
        "#x",
        "*x",
        "&x y",
        "!!int x",
        "{a: b}",
        "'",
        '"',
        "%TAG",
        "---",
        "2021-13-01",
        "~",
        "0x1F",
    ],
)
def test_titles_stay_texts(title: str) -> None:
    assert str(draft(document(title=title.replace("*", "\\*")))["title"]) == title


@pytest.mark.parametrize("path", ["configs/../../secret.yml", "configs/zoo/../../../secret.yml"])
def test_configurations_outside_the_checkout_are_not_read(tmp_path: Path, path: str) -> None:
    tree = tmp_path / "tree"
    (tree / "configs" / "zoo").mkdir(parents=True)
    (tmp_path / "secret.yml").write_text("weights: output/token-1/best\n")
    url = f"https://github.com/a/b/blob/main/{path}"
    head = "| Model | Input Size | AP (COCO Val) | Config |\n|---|---|---|---|\n"
    imported = import_document(f"{head}| Net | 128*96 | 58 | [c]({url}) |\n", LOCATION)

    issues = [issue.message for issue in find_tree_issues(imported, tree)]

    assert issues == [f"{path} leads out of the repository"]


@pytest.mark.parametrize(
    "name", ["**.yml", "[.yml", "a" * 5000 + ".yml", "%00.yml"], ids=lambda name: name[:10]
)
def test_odd_names_of_configurations_are_looked_up_literally(tmp_path: Path, name: str) -> None:
    url = f"https://github.com/a/b/blob/main/configs/{name}"
    head = "| Model | Input Size | AP (COCO Val) | Config |\n|---|---|---|---|\n"
    imported = import_document(f"{head}| Net | 128*96 | 58 | [c](<{url}>) |\n", LOCATION)

    (issue,) = find_tree_issues(imported, tmp_path)

    assert "no file of the repository has that name" in issue.message


def test_many_commands_are_checked_in_linear_time() -> None:
    commands = "\n".join(f"export.py --output_dir=folder{number}" for number in range(30_000))
    begin = time.process_time()

    imported = import_document(f"{document()}\n```\n{commands}\n```\n\noutput_inference/\n", LOCATION)

    assert len(imported.issues) >= 30_000
    assert time.process_time() - begin < 20


PIECES = [
    "|",
    "\n",
    "| Model | Size | mAP |\n|---|---|---|\n",
    "[a](b)",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "`",
    "\\",
    "128*96",
    "58.1",
    "4 ms",
    *BREAKS,
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_every_document_gives_a_valid_draft(text: str) -> None:
    output = format_yaml([import_document(document() + text, LOCATION)])

    assert yaml.safe_load(output) == read_yaml(output)
    assert set(read_yaml(output)) == {"schema", "entries"}
