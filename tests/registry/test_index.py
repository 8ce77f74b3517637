"""The index returns the same rows as the entries, and is rebuilt when a catalog file changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import registry
from registry import index, tables
from registry.catalog_io.files import SHIPPED, list_catalog_files
from registry.errors import CatalogError
from registry.search import collect_fields


def test_the_shipped_index_matches_the_shipped_files() -> None:
    stored = index.SHIPPED_INDEX.read_text(encoding="utf-8")

    found = index.read_index(list_catalog_files(SHIPPED), None)

    fresh = index.read_index(list_catalog_files(SHIPPED), index.SHIPPED_INDEX)
    assert json.loads(stored.split("\n")[0])["files"], "run: python -m tools.build_index"
    assert (fresh.heads, fresh.rows, fresh.fields) == (found.heads, found.rows, found.fields), (
        "run: python -m tools.build_index"
    )


def test_rows_and_facts_are_those_of_the_entries() -> None:
    entries = registry.load()

    found = index.read_index(list_catalog_files(SHIPPED), None)

    models = tables.build_rows(entries, tables.MODEL_COLUMNS)
    pipelines = tables.build_rows(entries.pipelines, tables.PIPELINE_COLUMNS)
    assert [list(row.cells) for row in found.rows] == [*models, *pipelines]
    assert {row.id: row.kind for row in found.rows} == {entry.id: entry.kind for entry in entries.all_entries}
    assert found.fields == [collect_fields(entry) for entry in entries.all_entries]
    assert set(found.names) == set(entries.names)


def test_it_is_stored_and_rebuilt_when_a_file_changes(minimal: Path, tmp_path: Path) -> None:
    stored = tmp_path / "cache" / "index.jsonl"
    assert [row.name for row in index.read_index([minimal], stored).rows] == ["sample"]
    before = stored.read_bytes()

    minimal.write_text(minimal.read_text().replace("name: sample", "name: renamed"))

    assert [row.name for row in index.read_index([minimal], stored).rows] == ["renamed"]
    assert stored.read_bytes() != before


@pytest.mark.parametrize("damage", ["", "{}", '{"format": 1}\n', "\x00\n\n", "[]\n[]\n[]\n"])
def test_a_damaged_index_is_rebuilt(minimal: Path, tmp_path: Path, damage: str) -> None:
    stored = tmp_path / "index.jsonl"
    stored.write_text(damage)

    assert [row.name for row in index.read_index([minimal], stored).rows] == ["sample"]
    assert json.loads(stored.read_text().split("\n")[0])["format"] == index.FORMAT


def test_a_truncated_index_is_rebuilt(minimal: Path, tmp_path: Path) -> None:
    stored = tmp_path / "index.jsonl"
    index.read_index([minimal], stored)
    whole = stored.read_text()

    for length in range(0, len(whole), 97):
        stored.write_text(whole[:length])
        assert index.read_index([minimal], stored).fields == index.read_index([minimal], None).fields


def test_an_index_file_that_cannot_be_written_is_no_error(minimal: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert index.read_index([minimal], tmp_path / "file" / "index.jsonl").names == ("sample", "sample@1")


def test_a_broken_catalog_is_an_error_and_leaves_no_index(minimal: Path, tmp_path: Path) -> None:
    minimal.write_text(minimal.read_text().replace("height: 64", "height: tall"))

    with pytest.raises(CatalogError):
        index.read_index([minimal], tmp_path / "index.jsonl")
    assert not (tmp_path / "index.jsonl").exists()
