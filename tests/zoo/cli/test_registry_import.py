"""registry import prints drafts with issues; registry diff exits with 1 if a document changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import registry
from registry import tables
from tests.zoo.cli.conftest import Zoo

SEED = tables.format_markdown([entry for entry in registry.load() if entry.release == "2021"])


@pytest.fixture
def readme(zoo: Zoo) -> Path:
    """The published tables of release 2021 as a file in the working folder."""
    file = zoo.folder / "README.md"
    file.write_text(SEED)
    return file


def test_import_prints_drafts_and_issues(zoo: Zoo, readme: Path) -> None:
    ran = zoo("registry", "import", readme, "--release", "2021")

    drafts = yaml.safe_load(ran.out)["entries"]
    assert ran.code == 0
    assert [f"{draft['name']}@{draft['release']}" for draft in drafts] == [
        "tinypose_128x96@2021",
        "tinypose_256x192@2021",
        "picodet_s_192_pedestrian@2021",
        "picodet_s_320_pedestrian@2021",
    ]
    assert ran.out.count("# check: ") == 2
    assert "4 drafts, 2 issues, 0 rows skipped" in ran.err


def test_check_lists_the_missing_fields_of_a_draft(zoo: Zoo, readme: Path) -> None:
    ran = zoo("registry", "import", readme, "--release", "1", "--out", "draft.yaml")

    checked = zoo("registry", "check", "draft.yaml")

    assert ran.lines == ["draft.yaml"]
    assert checked.code == 1
    for field in ("architecture", "input.resize", "output", "license", "accuracy.0.protocol"):
        assert f"entries.tinypose_128x96.{field}: Field required" in checked.out
    assert "Extra inputs" not in checked.out


def test_import_prints_json(zoo: Zoo, readme: Path) -> None:
    (found,) = zoo("registry", "import", readme, "--json").json

    assert found["document"] == "README.md"
    assert [draft["name"] for draft in found["drafts"]][:1] == ["tinypose_128x96"]
    assert len(found["issues"]) == 2


def test_diff_prints_nothing_when_nothing_changed(zoo: Zoo, readme: Path) -> None:
    ran = zoo("registry", "diff", readme)

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "README.md: 4 entries compared, 0 changes\n"


def test_diff_lists_what_changed_and_exits_1(zoo: Zoo, readme: Path) -> None:
    readme.write_text(SEED.replace("| 58.1 |", "| 59.2 |"))

    ran = zoo("registry", "diff", readme)

    assert (ran.code, ran.lines) == (1, ["line 5: tinypose_128x96@2021 AP: 58.1 is now 59.2"])
    assert zoo("registry", "diff", readme, "--json").json["changes"][0]["after"] == "59.2"


@pytest.mark.parametrize("command", ["import", "diff"])
@pytest.mark.parametrize(
    ("content", "code", "words"),
    [(None, 3, "no such file"), (b"# Nothing here\n", 2, "no table"), (b"\xff\xfe\x00", 2, "cannot be read")],
)
def test_a_file_without_tables_is_an_error(
    zoo: Zoo, command: str, content: bytes | None, code: int, words: str
) -> None:
    if content is not None:
        (zoo.folder / "other.md").write_bytes(content)

    ran = zoo("registry", command, "other.md")

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
