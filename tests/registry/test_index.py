"""The index answers as the entries would, and is never believed once a catalog file has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import registry
from registry import index, tables
from registry.catalog_io.files import SHIPPED, files_of
from registry.errors import CatalogError
from registry.search import facts


def test_the_shipped_index_is_that_of_the_shipped_files() -> None:
    kept = index.SHIPPED_INDEX.read_text(encoding="utf-8")

    found = index.read(files_of(SHIPPED), None)

    fresh = index.read(files_of(SHIPPED), index.SHIPPED_INDEX)
    assert json.loads(kept.split("\n")[0])["files"], "run: python -m registry.index"
    assert (fresh.heads, fresh.rows, fresh.facts) == (found.heads, found.rows, found.facts), (
        "run: python -m registry.index"
    )


def test_rows_and_facts_are_those_of_the_entries() -> None:
    entries = registry.load()

    found = index.read(files_of(SHIPPED), None)

    models = tables.rows(entries, tables.FLAT)
    pipelines = tables.rows(entries.pipelines, tables.FLAT_PAIRS)
    assert [list(row.cells) for row in found.rows] == [*models, *pipelines]
    assert {row.id: row.kind for row in found.rows} == {entry.id: entry.kind for entry in entries.listed}
    assert found.facts == [facts(entry) for entry in entries.listed]
    assert set(found.names) == set(entries.names)


def test_it_is_kept_and_made_again_when_a_file_changes(minimal: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "index.jsonl"
    assert [row.name for row in index.read([minimal], kept).rows] == ["sample"]
    before = kept.read_bytes()

    minimal.write_text(minimal.read_text().replace("name: sample", "name: renamed"))

    assert [row.name for row in index.read([minimal], kept).rows] == ["renamed"]
    assert kept.read_bytes() != before


@pytest.mark.parametrize("damage", ["", "{}", '{"format": 1}\n', "\x00\n\n", "[]\n[]\n[]\n"])
def test_a_torn_index_is_made_again(minimal: Path, tmp_path: Path, damage: str) -> None:
    kept = tmp_path / "index.jsonl"
    kept.write_text(damage)

    assert [row.name for row in index.read([minimal], kept).rows] == ["sample"]
    assert json.loads(kept.read_text().split("\n")[0])["format"] == index.FORMAT


def test_an_index_that_ends_early_is_made_again(minimal: Path, tmp_path: Path) -> None:
    kept = tmp_path / "index.jsonl"
    index.read([minimal], kept)
    whole = kept.read_text()

    for length in range(0, len(whole), 97):
        kept.write_text(whole[:length])
        assert index.read([minimal], kept).facts == index.read([minimal], None).facts


def test_a_place_that_cannot_be_written_is_no_error(minimal: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert index.read([minimal], tmp_path / "file" / "index.jsonl").names == ("sample", "sample@1")


def test_a_broken_catalog_is_an_error_and_leaves_no_index(minimal: Path, tmp_path: Path) -> None:
    minimal.write_text(minimal.read_text().replace("height: 64", "height: tall"))

    with pytest.raises(CatalogError):
        index.read([minimal], tmp_path / "index.jsonl")
    assert not (tmp_path / "index.jsonl").exists()
