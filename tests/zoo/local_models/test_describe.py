"""An entry from a configuration, a graph, a similar model and options; contradictions name both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import registry
from registry.errors import ZooError
from registry.schema import DetectionOutput, HeatmapOutput
from tests.helpers.own_models import (
    COCO_80,
    detector_config,
    detector_graph,
    pose_config,
    pose_graph,
    write_config,
)
from zoo.local_models.describe import ModelFiles, describe_model, entry_name, find_normalization
from zoo.local_models.export_config import read_export_config
from zoo.local_models.graph import GraphFacts
from zoo.local_models.options import ModelKeywords, ModelOptions
from zoo.local_models.source import LocatedModel

CATALOG = registry.load()


def files(
    folder: Path,
    graph: GraphFacts,
    config: dict[str, Any] | None = None,
    *,
    like: str | None = None,
    **options: Any,
) -> ModelFiles:
    keywords: ModelKeywords = options  # type: ignore[assignment]
    path = write_config(folder / "infer_cfg.yml", **config) if config else None
    return ModelFiles(
        name="own/model",
        graph=graph,
        config=read_export_config(path) if path else None,
        like=LocatedModel(CATALOG.get(like)) if like else None,
        options=ModelOptions.create(**keywords),
    )


def test_a_detector_is_described_by_its_configuration(tmp_path: Path) -> None:
    known = files(tmp_path, detector_graph(), detector_config())
    entry = describe_model(known, title="Site safety v2")

    assert (entry.id, entry.title, entry.task) == (
        "site_safety_v2@local",
        "Site safety v2",
        "object_detection",
    )
    assert (entry.input.height, entry.input.width, entry.input.interpolation) == (192, 320, "cubic")
    assert isinstance(entry.output, DetectionOutput)
    assert (entry.output.classes, entry.output.head) == (("helmet", "person", "vest"), "raw")
    assert find_normalization(known) == "host"
    assert known.doubts == []


def test_seventeen_joints_under_the_metric_of_coco_are_those_of_coco(tmp_path: Path) -> None:
    entry = describe_model(files(tmp_path, pose_graph(), pose_config()), title="pose")
    published = CATALOG.get("tinypose_128x96")

    assert isinstance(entry.output, HeatmapOutput)
    assert isinstance(published.output, HeatmapOutput)
    published_output = published.output.model_copy(update={"source": entry.output.source})
    assert entry.output == published_output


def test_other_joints_are_numbered_and_not_flipped(tmp_path: Path) -> None:
    known = files(tmp_path, pose_graph(channels=4), pose_config())
    entry = describe_model(known, title="pose")

    assert isinstance(entry.output, HeatmapOutput)
    assert entry.output.joints == ("joint_0", "joint_1", "joint_2", "joint_3")
    assert entry.output.flip_pairs is None
    assert [doubt.field for doubt in known.doubts] == ["output.joints"]
    assert "flip test is off" in known.doubts[0].note


@pytest.mark.parametrize(("count", "classes"), [(1, ("person",)), (3, ("class_0", "class_1", "class_2"))])
def test_the_default_labels_of_the_exporter_are_a_doubt(
    tmp_path: Path, count: int, classes: tuple[str, ...]
) -> None:
    known = files(tmp_path, detector_graph(channels=count), detector_config(label_list=COCO_80))
    entry = describe_model(known, title="own")

    assert isinstance(entry.output, DetectionOutput)
    assert entry.output.classes == classes
    assert [doubt.field for doubt in known.doubts] == ["output.classes"]


def test_options_take_precedence(tmp_path: Path) -> None:
    graph = detector_graph(height=None, width=None, channels=2)
    known = files(
        tmp_path, graph, detector_config(), labels="cat, dog", input_size="256x416", normalization="in_graph"
    )
    entry = describe_model(known, title="own")

    assert isinstance(entry.output, DetectionOutput)
    assert entry.output.classes == ("cat", "dog")
    assert (entry.input.height, entry.input.width) == (256, 416)
    assert find_normalization(known) == "in_graph"


def test_a_similar_entry_supplies_what_a_file_does_not_say(tmp_path: Path) -> None:
    graph = detector_graph(height=192, width=192, channels=1, normalization=None)
    known = files(tmp_path, graph, like="picodet_s_192_pedestrian")
    entry = describe_model(known, title="own")
    like = CATALOG.get("picodet_s_192_pedestrian")

    assert entry.input.model_copy(update={"source": like.input.source}) == like.input
    assert entry.tolerances == like.tolerances
    assert find_normalization(known) == "host"


CONTRADICTIONS: dict[str, tuple[GraphFacts, dict[str, Any] | None, dict[str, Any], str, str, str]] = {
    "input size": (
        detector_graph(height=416),
        detector_config(),
        {},
        "config-mismatch",
        "192x320",
        "416x320",
    ),
    "kind of model": (pose_graph(), detector_config(), {}, "config-mismatch", "PicoDet", "heat maps"),
    "crop in a detector": (
        detector_graph(height=128, width=96),
        pose_config(arch=None),
        {},
        "config-mismatch",
        "TopDownEvalAffine",
        "boxes",
    ),
    "number of labels": (
        detector_graph(channels=2),
        detector_config(),
        {},
        "labels-mismatch",
        "3 labels: helmet",
        "2 classes",
    ),
    "labels of the user": (
        detector_graph(),
        detector_config(),
        {"labels": "a,b"},
        "labels-mismatch",
        "3 labels",
        "a, b",
    ),
    "size of the user": (
        detector_graph(),
        detector_config(),
        {"input_size": "64x64"},
        "input-size-mismatch",
        "192x320",
        "64x64",
    ),
    "like of another size": (
        detector_graph(channels=1),
        None,
        {"like": "picodet_s_192_pedestrian"},
        "like-mismatch",
        "192x192",
        "192x320",
    ),
    "like of another kind": (
        detector_graph(),
        None,
        {"like": "tinypose_128x96"},
        "like-mismatch",
        "heatmap",
        "boxes",
    ),
    "like of other classes": (
        detector_graph(height=192, width=192),
        None,
        {"like": "picodet_s_192_pedestrian"},
        "like-mismatch",
        "1 classes",
        "3 classes",
    ),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_contradiction_names_both_sides(tmp_path: Path, what: str) -> None:
    graph, config, options, code, expected, found = CONTRADICTIONS[what]

    with pytest.raises(ZooError) as caught:
        describe_model(files(tmp_path, graph, config, **options), title="own")

    assert caught.value.code == code
    assert expected in str(caught.value.expected)
    assert found in str(caught.value.found)


@pytest.mark.parametrize("fused", [True, False])
def test_a_configuration_that_contradicts_the_normalization_of_the_graph_is_refused(
    tmp_path: Path, fused: bool
) -> None:
    steps = [step for step in pose_config()["Preprocess"] if fused or step["type"] != "NormalizeImage"]
    graph = pose_graph(normalization="in_graph" if fused else "host")

    with pytest.raises(ZooError) as caught:
        find_normalization(files(tmp_path, graph, pose_config(Preprocess=steps)))

    assert caught.value.code == "config-mismatch"
    assert "NormalizeImage" in str(caught.value.expected)
    assert "--normalization" in str(caught.value.hint)


def test_what_no_file_states_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(ZooError) as caught:
        describe_model(files(tmp_path, detector_graph()), title="own")

    assert caught.value.code == "model-description-missing"
    assert "input size" in caught.value.message
    assert "labels" in caught.value.message
    assert "--like" in str(caught.value.hint)


@pytest.mark.parametrize("option", [{"labels": "a"}, {"score_threshold": 0.1}, {"nms_threshold": 0.1}])
def test_options_of_detectors_do_not_apply_to_pose_models(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ZooError) as caught:
        describe_model(files(tmp_path, pose_graph(), pose_config(), **option), title="own")

    assert caught.value.code == "option-not-applicable"


@pytest.mark.parametrize(
    ("title", "name"),
    [("Site safety (v2)", "site_safety_v2"), ("模型", "model"), ("__", "model"), ("a" * 200, "a" * 72)],
)
def test_any_text_becomes_the_name_of_an_entry(title: str, name: str) -> None:
    assert entry_name(title) == name
