"""list, show, rank, registry check: output on stdout, errors with a hint."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import registry
from registry import tables
from tests.zoo.cli.conftest import Zoo


def test_list_prints_one_line_for_each_entry(zoo: Zoo) -> None:
    ran = zoo("list")
    shipped = registry.load()

    models, _, pipelines = ran.out.partition("\n\n")
    assert (ran.code, ran.err) == (0, "")
    assert models.split()[:3] == ["name", "release", "task"]
    assert [line.split()[0] for line in models.splitlines()[1:]] == [entry.name for entry in shipped]
    assert pipelines.split()[:3] == ["pipeline", "release", "persons"]
    assert [line.split()[0] for line in pipelines.splitlines()[1:]] == [p.name for p in shipped.pipelines]


def test_list_prints_markdown_csv_and_json(zoo: Zoo) -> None:
    entries = registry.load()

    listed = [entry.name for entry in entries.all_entries]

    assert zoo("list", "--format", "markdown").out == tables.format_markdown(entries.all_entries)
    rows = list(csv.DictReader(io.StringIO(zoo("list", "--format", "csv").out)))
    assert [row["name"] for row in rows] == [entry.name for entry in entries]
    for flags in (["--json"], ["--format", "json"]):
        assert [item["name"] for item in zoo("list", *flags).json] == listed


def test_list_filters(zoo: Zoo) -> None:
    ran = zoo("list", "--input", "320x320", "--where", "sd865_fp16_ms < 10", "--min-ap", "38", "--json")

    assert [item["name"] for item in ran.json] == [
        "picodet_s_320_lcnet_pedestrian",
        "picodet_s_320_pedestrian",
    ]
    ran = zoo("list", "--where", "sd865_fp16_pipeline_ms < 9")
    assert [line.split()[0] for line in ran.lines] == ["pipeline", "picodet_s_192_pedestrian_tinypose_128x96"]


def test_an_empty_listing_names_the_excluding_filters(zoo: Zoo) -> None:
    ran = zoo("list", "--min-ap", "99", "--input", "1x1", "--family", "picodet")
    assert (ran.code, len(ran.lines)) == (0, 1)
    assert ran.err == "no entry meets --input and none --min-ap: leave them out\n"
    together = zoo("list", "--family", "tinypose", "--task", "object_detection", "--json")
    assert (together.code, together.json) == (0, [])
    assert "each condition has entries" in together.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--input", "big"], "HEIGHTxWIDTH"),
        (["list", "--where", "ap >"], "cannot read the filter"),
        (["list", "--where", "app > 3"], "did you mean ap?"),
        (["list", "--nonsense"], "--nonsense"),
        (["list", "--catalog", "nowhere.yaml"], "no such file"),
        (["nonsense"], "no command 'nonsense'"),
        (["lsit"], "zoo list"),
        (["list", "--device", "sd685"], "did you mean sd865"),
    ],
)
def test_a_usage_error_exits_with_2(zoo: Zoo, arguments: list[str], words: str) -> None:
    ran = zoo(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_show_prints_figures_with_sources(zoo: Zoo) -> None:
    ran = zoo("show", "tinypose_128x96")

    assert ran.code == 0
    for words in ("58.1 %", "3.27 ms", "README_en.md", "flip test", "tinypose_128x96_fp16_lite.tar"):
        assert words in ran.out
    assert zoo("show", "tinypose_128x96@2021", "--json").json["accuracy"][0]["value"] == 58.1


def test_show_prints_both_sides_of_a_conflict(zoo: Zoo) -> None:
    shown = zoo("show", "picodet_s_320_coco_lcnet").out

    assert "Paddle Inference with MKLDNN, 12 threads" in shown
    assert "OpenVINO, 4 threads, FP16  [configs/picodet/README.md" in shown


def test_show_marks_suspect_files(zoo: Zoo) -> None:
    shown = zoo("show", "tinypose_128x96").out

    assert "SUSPECT, never selected by default, superseded by lite-arm-fp32" in shown


def test_show_prints_models_and_figures_of_a_pipeline(zoo: Zoo) -> None:
    name = "picodet_s_320_lcnet_pedestrian_tinypose_128x96"
    ran = zoo("show", name)

    for words in ("50.1 %", "78.0 %", "private data, not comparable", "34.62 ms", "6 persons", "pipeline"):
        assert words in ran.out
    assert "picodet_s_320_lcnet_pedestrian@2022.08" in ran.out
    assert zoo("show", name, "--json").json["pose"] == "tinypose_128x96@2022.08"


def test_a_pipeline_cannot_be_fetched(zoo: Zoo) -> None:
    ran = zoo("fetch", "picodet_s_320_pedestrian_tinypose_128x96")

    assert ran.code == 2
    assert "zoo run tinypose_128x96@2021 --detector picodet_s_320_pedestrian@2021" in ran.err


def test_an_unknown_name_exits_with_3_and_a_suggestion(zoo: Zoo) -> None:
    ran = zoo("show", "tinypose_128x69", "--json")

    assert ran.code == 3
    assert ran.json["error"]["code"] == "unknown-entry"
    assert "tinypose_128x96" in ran.json["error"]["hint"]
    assert ran.err.startswith("error[unknown-entry]: ")


class TestRegistryCheck:
    def test_the_shipped_catalog_is_clean(self, zoo: Zoo) -> None:
        ran = zoo("registry", "check")

        assert (ran.code, ran.out) == (0, "")
        assert "0 problems" in ran.err

    def test_every_mistake_is_one_line_with_file_line_and_field(self, zoo: Zoo) -> None:
        shipped = Path(registry.SHIPPED / "tinypose.yaml").read_text()
        file = zoo.folder / "mine.yaml"
        file.write_text(shipped.replace("value: 58.1", "value: 581").replace("task: key", "task: kee", 1))

        ran = zoo("registry", "check", "mine.yaml")

        assert ran.code == 1
        assert len(ran.lines) == 2
        assert all(line.startswith("mine.yaml:") for line in ran.lines)
        assert "entries.tinypose_128x96.accuracy.0.value" in ran.out

    def test_a_broken_user_catalog_stops_every_command_with_2(self, zoo: Zoo) -> None:
        (zoo.folder / "mine.yaml").write_text("schema: 1\nentries: [{name: x}]\n")

        ran = zoo("list", ZOO_CATALOG="mine.yaml")

        assert ran.code == 2
        assert "zoo registry check mine.yaml" in ran.err

    def test_the_json_schema_accepts_what_the_loader_accepts(self, zoo: Zoo) -> None:
        schema = zoo("registry", "schema").json

        assert set(schema["required"]) == {"schema", "entries"}
        assert schema["additionalProperties"] is False
        assert "source" in schema["$defs"]["Latency"]["required"]


class TestRank:
    def test_it_prints_a_table_for_each_set_of_comparable_figures(self, zoo: Zoo) -> None:
        ran = zoo("rank", "--precision", "fp16", "--where", "family == 'tinypose'")

        assert ran.code == 0
        assert ran.lines[0].startswith("AP on coco val2017, ground-truth boxes")
        assert ran.lines[2].split()[:3] == ["tinypose_128x96@2022.08", "58.4", "3.27"]
        assert "not ranked: " in ran.err

    def test_named_entries_of_different_scope_are_refused(self, zoo: Zoo) -> None:
        ran = zoo("rank", "tinypose_128x96", "picodet_s_192_pedestrian", "--json")

        assert ran.code == 2
        assert ran.json["error"]["code"] == "not-comparable"

    def test_pareto_lists_unbeaten_entries_only(self, zoo: Zoo) -> None:
        asked = ("rank", "tinypose_128x96", "tinypose_128x96@2022.08", "--precision", "fp16")

        assert "tinypose_128x96@2021" in zoo(*asked).out
        assert "tinypose_128x96@2021" not in zoo(*asked, "--pareto").out
