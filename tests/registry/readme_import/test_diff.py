"""Comparison of a newer document with the catalog: new, changed and removed entries."""

from __future__ import annotations

import pytest

import registry
from registry import tables
from registry.readme_import.diff import DocumentDiff, diff_document
from registry.readme_import.importer import import_document
from registry.readme_import.links import DocumentLocation

SHIPPED = registry.load()
DOCUMENT = "configs/keypoint/tiny_pose/README_en.md"
SEED = tables.format_markdown([entry for entry in SHIPPED if entry.release == "2021"])


def diff(text: str, release: str | None = None) -> DocumentDiff:
    return diff_document(import_document(text, DocumentLocation("README.md", release=release)), SHIPPED)


def test_the_document_the_catalog_was_made_from_has_not_changed() -> None:
    found = diff(SEED)

    assert found.compared == 4
    assert found.clean


@pytest.mark.parametrize("release", ["2021.10", "2022.03", "2022.08", "2024.10"])
def test_every_release_agrees_with_its_own_tables(release: str) -> None:
    listed = [entry for entry in SHIPPED.all_entries if entry.release == release and _linked(entry)]

    found = diff(tables.format_markdown(listed))

    assert found.compared == len(listed)
    assert [str(change) for change in found.changes if change.kind != "removed"] == []


def _linked(entry: registry.Entry | registry.Pipeline) -> bool:
    # The row of a training recipe has no links; a pipeline is found by the rows of its models.
    return isinstance(entry, registry.Pipeline) or bool(entry.artifacts)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("| 58.1 |", "| 58.6 |", "tinypose_128x96@2021 AP: 58.1 is now 58.6"),
        ("4.57ms", "4.12ms", "tinypose_128x96@2021 latency fp32: 4.57 ms is now 4.12 ms"),
        ("| 128*96 |", "| 128*128 |", "tinypose_128x96@2021 input: 128*96 is now 128*128"),
        (
            "/tinypose_128x96.tar)",
            "/v2/tinypose_128x96.tar)",
            "inference: https://bj.bcebos.com/v1/paddledet/models/keypoint/tinypose_128x96.tar is now",
        ),
    ],
)
def test_a_change_has_both_values_and_its_line(old: str, new: str, words: str) -> None:
    found = diff(SEED.replace(old, new, 1))

    (change,) = (change for change in found.changes if not change.known)
    assert words in str(change)
    assert str(change).startswith("line 5: ")
    assert not found.clean


def test_new_and_removed_rows() -> None:
    lines = SEED.splitlines()
    new = lines[4].replace("tinypose_128x96", "tinypose_96x64").replace("128*96", "96*64")

    found = diff("\n".join([*lines[:4], new, *lines[5:]]), release="2021")

    by_kind = {change.kind: change.entry for change in found.changes}
    assert by_kind["new"] == "tinypose_96x64"
    assert "tinypose_128x96@2021" in [change.entry for change in found.changes if change.kind == "removed"]


def test_the_release_with_the_same_files_is_the_one_diff() -> None:
    newer = tables.format_markdown([entry for entry in SHIPPED if entry.id == "tinypose_128x96@2022.08"])

    assert diff(newer).changes[0].entry != "tinypose_128x96@2021"
    assert all(change.kind == "removed" for change in diff(newer).changes)


def test_pipelines_are_compared_too() -> None:
    text = tables.format_markdown([entry for entry in SHIPPED.all_entries if entry.release == "2021"])

    (change,) = diff(text.replace("11.72ms", "11.90ms")).changes

    assert str(change).endswith("latency fp32: 11.72 ms is now 11.9 ms")
    assert change.entry == "picodet_s_192_pedestrian_tinypose_128x96@2021"


def test_relative_links_of_a_document_of_unknown_location_are_compared_by_file_name() -> None:
    base = "https://raw.githubusercontent.com/PaddlePaddle/PaddleDetection/"
    folder = "666f597fd00d3157e84dd9fb2dd3f40bf9918ebc/configs/keypoint/tiny_pose/"
    relative = SEED.replace(base + folder, "./")

    assert "./tinypose_128x96.yml" in relative
    assert diff(relative).clean
    (change,) = diff(relative.replace("./tinypose_128x96.yml", "./other.yml")).changes
    assert (change.field, change.after) == ("config", "other.yml")


def test_a_pipeline_without_its_models_is_found_by_its_title() -> None:
    text = tables.format_markdown(SHIPPED.pipelines)

    assert diff(text).compared == 4
