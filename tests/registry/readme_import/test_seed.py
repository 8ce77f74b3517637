"""The first document, two Markdown tables, is imported as exactly its four entries."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import registry
from registry import Entry, tables
from registry.readme_import.draft import Draft, ImportedDocument
from registry.readme_import.draft_yaml import draft_fields
from registry.readme_import.importer import import_document
from registry.readme_import.links import DocumentLocation

DOCUMENT = "configs/keypoint/tiny_pose/README_en.md"
REVISION = "666f597fd00d3157e84dd9fb2dd3f40bf9918ebc"
SEED = [entry for entry in registry.load() if entry.release == "2021"]
LOCATION = DocumentLocation(DOCUMENT, DOCUMENT, revision=REVISION, release="2021")
LINKS = {
    "configs/keypoint/tiny_pose/": "./",
    "configs/picodet/": "../../picodet/",
}


def as_printed(markdown: str) -> str:
    """The tables as upstream prints them: relative links, a head in full-width parentheses."""
    base = f"https://raw.githubusercontent.com/PaddlePaddle/PaddleDetection/{REVISION}/"
    for path, link in LINKS.items():
        markdown = markdown.replace(base + path, link)
    return markdown.replace("Model (FP32)", "Model（FP32)")


@pytest.fixture(params=["ours", "upstream's"])
def imported(request: pytest.FixtureRequest) -> ImportedDocument:
    """The document, as this project prints it and with upstream's links and parentheses."""
    text = tables.format_markdown(SEED)
    return import_document(text if request.param == "ours" else as_printed(text), LOCATION)


def differences(drafted: Any, shipped: Any, path: str = "") -> list[str]:
    """Stated values that differ from the shipped entry."""
    if isinstance(drafted, dict):
        return [d for key in drafted for d in differences(drafted[key], shipped.get(key), f"{path}.{key}")]
    if isinstance(drafted, list):
        best = [min((differences(item, other, path) for other in shipped), key=len) for item in drafted]
        return list(itertools.chain(*best))
    return [] if drafted == shipped else [f"{path}: {drafted!r} is {shipped!r}"]


def test_it_contains_exactly_the_four_entries(imported: ImportedDocument) -> None:
    names = [f"{draft.name}@{draft.release}" for draft in imported.drafts]

    assert names == [entry.id for entry in SEED]
    assert imported.skipped == ()


def test_every_field_it_states_is_that_of_the_shipped_entry(imported: ImportedDocument) -> None:
    for draft, entry in zip(imported.drafts, SEED, strict=True):
        assert differences(draft_fields(draft), entry.model_dump(mode="json")) == []


def from_the_document(entry: Entry) -> dict[str, int]:
    parts = {"accuracy": entry.accuracy, "latency": entry.latency, "artifacts": entry.artifacts}
    return {name: sum(part.source.document == DOCUMENT for part in those) for name, those in parts.items()}


def counted(draft: Draft) -> dict[str, int]:
    return {name: len(getattr(draft, name)) for name in ("accuracy", "latency", "artifacts")}


def test_every_field_the_entries_have_from_it_is_stated(imported: ImportedDocument) -> None:
    for draft, entry in zip(imported.drafts, SEED, strict=True):
        assert counted(draft) == from_the_document(entry) == {"accuracy": 1, "latency": 2, "artifacts": 5}


def test_missing_categories_are_issues(imported: ImportedDocument) -> None:
    assert [issue.message for issue in imported.issues] == [
        "the head does not state the categories: only person, or all 80"
    ] * 2
