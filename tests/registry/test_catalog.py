"""The shipped catalog: every number that upstream publishes, as printed, with its source."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import registry
from registry import Entry, Pipeline, tables
from registry.schema import Artifact, DetectionProtocol, Model, PrivateProtocol, Source, StatedProtocol

SHIPPED = registry.load()
LISTED = SHIPPED.all_entries
SAMPLE, SEED = 30, 20221122


def test_counts_by_family_and_release() -> None:
    counted = Counter((entry.family, entry.release) for entry in SHIPPED)

    assert counted == {
        ("tinypose", "2021"): 2,
        ("tinypose", "2022.08"): 2,
        ("tinypose", "2024.10"): 2,  # the hand recipe and TinyPose3D
        ("picodet", "2021"): 2,  # pedestrians
        ("picodet", "2022.08"): 2,  # pedestrians
        ("picodet", "2022.03"): 12,  # nine sizes, NPU, and two of eight bits
        ("picodet", "2021.10"): 14,  # twelve, and two pruned
        ("picodet", "2024.10"): 4,  # pages and main bodies
    }
    assert len(SHIPPED.pipelines) == 4


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry.id)
def test_every_number_names_document_and_cell(entry: Entry | Pipeline) -> None:
    figures = [*entry.accuracy, *entry.latency, *(entry.complexity if isinstance(entry, Entry) else ())]
    sources = [figure.source for figure in figures]
    sources += [figure.protocol.source for figure in entry.accuracy]
    sources += [claim.source for conflict in entry.conflicts for claim in conflict.claims]
    if isinstance(entry, Entry):
        sources += [entry.input.source, entry.output.source]
        sources += [part.source for part in (*entry.training, *entry.artifacts)]

    assert sources
    assert all(source.document and source.cell and source.revision for source in sources)


def parts(value: object) -> Iterator[Model]:
    """Yield a value and every typed value inside it."""
    if isinstance(value, Model):
        yield value
        yield from (part for field in type(value).model_fields for part in parts(getattr(value, field)))
    elif isinstance(value, tuple):
        yield from (part for item in value for part in parts(item))


def test_every_type_with_published_numbers_has_a_source() -> None:
    without = {
        type(part).__name__
        for entry in LISTED
        for part in parts(entry)
        if "source" not in type(part).model_fields and not isinstance(part, Source)
    }

    entries, parts_of_protocols = {"Entry", "Pipeline"}, {"Crop", "HeatmapDecoder", "OksSuppression"}
    backbones = {"ESNet", "LCNet", "MobileNetV3Large", "ResNet18Vd", "ShuffleNetV2"}
    architectures = {"LiteHRNet", "PicoDet", *backbones}
    assert without == {*entries, *parts_of_protocols, *architectures, "MulticlassNms", "Conflict", "Digest"}


@pytest.mark.parametrize("entry", list(SHIPPED), ids=lambda entry: entry.id)
def test_every_model_renders_in_markdown(entry: Entry) -> None:
    lines = tables.format_markdown([entry]).splitlines()

    cells = [line.count(" | ") for line in lines[2:]]
    assert lines[0].startswith("### ")
    assert len(cells) == 3
    assert len(set(cells)) == 1
    assert f"| {entry.title} | {entry.input.height}*{entry.input.width} |" in lines[4]


def test_every_pipeline_renders_in_markdown() -> None:
    printed = tables.format_markdown(SHIPPED.pipelines)

    for pipeline in SHIPPED.pipelines:
        assert f"| {pipeline.detector} | {pipeline.pose} |" in printed


def test_pipelines_consist_of_models_of_their_release() -> None:
    for pipeline in SHIPPED.pipelines:
        detector, pose = SHIPPED.get(pipeline.detector), SHIPPED.get(pipeline.pose)
        assert (detector.task, pose.task) == ("object_detection", "keypoint_detection")
        assert detector.release == pose.release == pipeline.release


class TestDefaults:
    def test_names_of_the_first_document_refer_to_its_release(self) -> None:
        for name in ("tinypose_128x96", "tinypose_256x192"):
            assert SHIPPED.get(name).release == "2021"

    def test_superseded_and_suspect_artifacts_and_variants_are_not_selected(self) -> None:
        not_selected = [
            (entry, artifact)
            for entry in SHIPPED
            for artifact in entry.artifacts
            if artifact.status != "current" or artifact.variant
        ]

        assert Counter(artifact.status for _, artifact in not_selected) == {"suspect": 8, "current": 6}
        for entry, artifact in not_selected:
            assert not artifact.picked_by_default
            picked = entry.artifact(artifact.kind, artifact.precision, artifact.target)
            assert picked is None or picked.picked_by_default

    def test_suspect_files_name_their_successor_and_the_reason(self) -> None:
        suspects = [a for entry in SHIPPED for a in entry.artifacts if a.status == "suspect"]

        assert all(a.superseded_by == f"lite-arm-{a.precision}" and "5475" in str(a.note) for a in suspects)


def test_private_figures_have_a_protocol_of_their_own_kind() -> None:
    private = {
        entry.id: figure.value
        for entry in LISTED
        for figure in entry.accuracy
        if isinstance(figure.protocol, PrivateProtocol)
    }

    assert sorted(private.values()) == [77.1, 78.0, 84.3, 91.0]


def test_figures_that_cannot_be_reproduced_have_their_own_kind() -> None:
    names = {e.name for e in SHIPPED for f in e.accuracy if isinstance(f.protocol, StatedProtocol)}

    assert names == {"tinypose3d_human36m", "picodet_lcnet_x2_5_640_mainbody"}


def test_a_training_recipe_has_neither_files_nor_figures() -> None:
    recipes = [entry for entry in SHIPPED if not entry.artifacts]

    assert {entry.name for entry in recipes} == {"tinypose_256x256_hand", "picodet_lcnet_cdla_layout"}
    assert all(not entry.accuracy and not entry.latency for entry in recipes)


def test_the_network_for_neural_processors_has_its_own_normalization() -> None:
    odd = {entry.name for entry in SHIPPED if entry.input.mean == (0, 0, 0)}

    assert odd == {"picodet_s_416_coco_npu", "picodet_s_416_coco_npu_quant"}


def test_networks_are_modeled_where_they_can_be_built() -> None:
    modeled = Counter(entry.release for entry in SHIPPED if entry.architecture)

    # All but the two quantized models of 2022.03.
    assert modeled == {"2021": 4, "2022.08": 4, "2022.03": 10, "2021.10": 14, "2024.10": 6}


Fact = tuple[str, str, Any]


def upstream_values(shared: Path) -> list[Fact]:
    """Every value of the upstream tables: entry id, column, value."""
    rows = json.loads((shared / "facts" / "UPSTREAM.json").read_text())
    skipped = ("group", "name", "config_exists_at_HEAD", "printed_config_exists_at_HEAD")
    return [
        (entry_id(row), column, value)
        for row in rows
        for column, value in row.items()
        if column not in skipped and value is not None
    ]


def entry_id(row: dict[str, Any]) -> str:
    release = {
        "tinypose-2022.08": "2022.08",
        "tinypose-2021 (seed)": "2021",
        "picodet-v2 (2022.03)": "2022.03",
        "picodet-legacy (2021.10)": "2021.10",
    }[row["group"]]
    return f"{Path(row['config']).stem}@{release}"


def in_the_catalog(entry: Entry, column: str) -> Any:
    """The value of the catalog for a column of upstream's table."""
    accuracy = {
        "map": lambda f: f.metric == "mAP",
        "map50": lambda f: f.metric == "AP50",
        "ap_coco": lambda f: f.metric == "AP" and f.protocol.kind == "keypoints",
        "ap_business": lambda f: f.protocol.kind == "private",
    }
    latency = {
        "sd865_fp32_ms": ("Snapdragon 865", "Paddle Lite", "fp32"),
        "sd865_fp16_ms": ("Snapdragon 865", "Paddle Lite", "fp16"),
        "lite_fp16_ms": ("Snapdragon 865", "Paddle Lite", "fp16"),
        "ncnn_ms": ("Snapdragon 865", "NCNN", "fp16"),
        "cpu_ms": ("Intel Core i7-10750H", None, None),
    }
    artifact: dict[str, Artifact | None] = {
        "weights": entry.artifact("weights"),
        "log": entry.artifact("log"),
        "config": entry.artifact("config"),
        "deploy": entry.artifact("inference"),
        "deploy_w_post": entry.artifact("inference", head="nms"),
        "deploy_wo_post": entry.artifact("inference", head="raw"),
        "onnx": entry.artifact("onnx"),
        "onnx_w_post": entry.artifact("onnx", head="nms"),
        "onnx_wo_post": entry.artifact("onnx", head="raw"),
        "lite_fp32": entry.artifact("lite", "fp32", "arm"),
        "lite_fp16": entry.artifact("lite", "fp16", "arm"),
    }
    if column in accuracy:
        return only(figure.value for figure in entry.accuracy if accuracy[column](figure))
    if column in latency:
        conditions = latency[column]
        return only(x.milliseconds for x in entry.latency if (x.device, x.engine, x.precision) == conditions)
    if column in artifact:
        found = artifact[column]
        return found.urls[0] if found else None
    if column == "config_as_printed":
        return next(c.claims[0].value for c in entry.conflicts if c.about == "path of the configuration")
    sizes = {"params_M": "parameters", "flops_M": "flops", "flops_G": "flops"}
    if column in sizes:
        return only(v for size in entry.complexity if (v := getattr(size, sizes[column])))
    return {"h": entry.input.height, "w": entry.input.width}[column]


def only(values: Iterator[Any]) -> Any:
    (value,) = values
    return value


def agrees(fact: Fact) -> bool:
    name, column, value = fact
    found = in_the_catalog(SHIPPED.get(name), column)
    if column == "config":
        return str(found).endswith(f"/{value}")
    return bool(found == (value * 1000 if column == "flops_G" else value))


def test_thirty_values_drawn_at_random_are_upstreams(shared: Path) -> None:
    drawn = random.Random(SEED).sample(upstream_values(shared), SAMPLE)

    assert [fact for fact in drawn if not agrees(fact)] == []


def test_all_values_are_upstreams(shared: Path) -> None:
    values = upstream_values(shared)

    assert len(values) > 350
    assert [fact for fact in values if not agrees(fact)] == []


def test_detectors_of_coco_are_scored_over_all_its_categories() -> None:
    for entry in SHIPPED:
        for figure in entry.accuracy:
            if isinstance(figure.protocol, DetectionProtocol) and figure.protocol.dataset == "coco":
                persons = getattr(entry.output, "classes", ()) == ("person",)
                assert figure.protocol.category_scope == ("person" if persons else "all")


@pytest.fixture
def prose(shared: Path) -> str:
    """Notes about upstream, with figures in running text and small tables."""
    return (shared / "facts" / "UPSTREAM.md").read_text()


class TestProse:
    def test_latencies_on_other_devices(self, prose: str) -> None:
        text = prose[prose.index("### 1.7") : prose.index("PR #4447")]
        published = set(map(float, re.findall(r"\d+\.\d+", text)))
        phones = ("Kirin 980", "Snapdragon 845", "Snapdragon 660")
        servers = ("NVIDIA T4", "CPU of the T4 server")
        times = {
            kind: [x.milliseconds for e in SHIPPED for x in e.latency if x.device in devices]
            for kind, devices in (("phones", phones), ("servers", servers))
        }

        assert {kind: len(values) for kind, values in times.items()} == {"phones": 18, "servers": 20}
        assert set(times["phones"]) | set(times["servers"]) <= published
        assert len(set(times["phones"]) | set(times["servers"])) >= 37

    def test_pipelines(self, prose: str) -> None:
        text = prose[prose.index("### 1.6") : prose.index("### 1.7")]
        rows = [line for line in text.splitlines() if re.match(r"\| PicoDet", line)]

        assert len(rows) == len(SHIPPED.pipelines) == 4
        for pipeline in SHIPPED.pipelines:
            figures = [*pipeline.accuracy, *pipeline.latency]
            values = {getattr(x, "value", None) or getattr(x, "milliseconds", None) for x in figures}
            matching = [row for row in rows if values <= set(map(float, re.findall(r"\d+\.\d+", row)))]
            assert len(matching) == 1, pipeline.id

    @pytest.mark.parametrize(
        ("section", "names"),
        [
            ("### 2.2", ["picodet_s_416_coco_npu", "picodet_s_416_coco_npu_quant"]),
            ("### 2.2", ["picodet_s_416_coco_lcnet_quant"]),
            ("### 2.4", ["picodet_lcnet_x1_0_layout", "picodet_lcnet_x2_5_640_mainbody"]),
            ("### 2.4", ["picodet_lcnet_x1_0_fgd_layout", "picodet_m_320_coco_sparse_75"]),
            ("### 1.4", ["tinypose3d_human36m"]),
        ],
    )
    def test_other_models(self, prose: str, section: str, names: list[str]) -> None:
        start = prose.index(section)
        published = set(
            map(float, re.findall(r"\d+(?:\.\d+)?", prose[start : prose.index("\n### ", start + 5)]))
        )

        for name in names:
            entry = SHIPPED.get(name)
            assert {figure.value for figure in entry.accuracy} <= published
            assert {latency.milliseconds for latency in entry.latency} <= published
