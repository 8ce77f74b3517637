"""``zoo results`` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.zoo.cli.conftest import Zoo
from tests.zoo.measurements.conftest import Keep, keep, store  # noqa: F401 (fixtures)
from zoo.measurements.measurement import Measurement


@pytest.fixture
def kept(zoo: Zoo, keep: Keep) -> list[Measurement]:  # noqa: F811 (a fixture)
    return [keep(0.581), keep(0.575, engine="paddle 3.2.2"), keep(None, kind="bench")]


def test_an_empty_cache_lists_nothing(zoo: Zoo) -> None:
    assert (zoo("results", "ls").out, zoo("results", "ls", "--json").json) == (
        "",
        {"measurements": [], "damaged": []},
    )


def test_ls_and_show(zoo: Zoo, kept: list[Measurement]) -> None:
    listed = zoo("results", "ls", "tinypose_128x96", "--kind", "validate")

    assert [line.split()[0] for line in listed.lines[1:]] == [kept[0].id, kept[1].id]
    assert "AP 58.10 %" in listed.lines[1]
    assert zoo("results", "ls", "picodet_s_192_pedestrian").out == ""
    shown = zoo("results", "show", kept[0].id[:8])
    assert "58.10 %" in shown.out
    assert "onnxruntime 1.23" in shown.out
    assert zoo("results", "show", kept[0].id, "--json").json == kept[0].model_dump(mode="json")


def test_diff_exits_with_1_where_figures_differ(zoo: Zoo, kept: list[Measurement]) -> None:
    ran = zoo("results", "diff", kept[0].id, kept[1].id)

    assert ran.code == 1
    assert "engine: onnxruntime 1.23 → paddle 3.2.2" in ran.out
    assert "58.10 % → 57.50 %  (-0.6)" in ran.out
    assert zoo("results", "diff", kept[0].id, kept[0].id).code == 0
    refused = zoo("results", "diff", kept[0].id, kept[2].id, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "results-not-comparable")


def test_export_and_prune(zoo: Zoo, kept: list[Measurement]) -> None:
    ran = zoo("results", "export", "--out", "all.jsonl")
    lines = (zoo.folder / "all.jsonl").read_text().splitlines()

    assert (ran.code, ran.lines) == (0, ["all.jsonl"])
    assert [json.loads(line)["id"] for line in lines] == [each.id for each in kept]
    assert (zoo("results", "prune", "--json").json["error"]["code"]) == "nothing-selected"
    dry = zoo("results", "prune", "--keep", 1, "--dry-run")
    assert [line.split()[2] for line in dry.lines] == [kept[0].id, kept[1].id]
    assert len(zoo("results", "prune", "--keep", 1, "--json").json["removed"]) == 2
    assert [each["id"] for each in zoo("results", "ls", "--json").json["measurements"]] == [kept[2].id]


def test_damage_is_a_note_with_the_command_that_removes_it(zoo: Zoo, kept: list[Measurement]) -> None:
    path = next(Path(zoo.cache, "results").glob(f"*{kept[0].id}.json"))
    path.write_text("{}")

    assert f"{path} cannot be read" in zoo("results", "ls").err
    assert zoo("results", "show", kept[0].id, "--json").json["error"]["code"] == "result-damaged"
    assert zoo("results", "prune", "--damaged").lines == [f"removed  {path}"]
