"""Annotation files with random mistakes: a figure, or an error of ours that names the field."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import ZooError
from tests.helpers.model_specs import DETECTION_PROTOCOL, HEATMAPS, POSE_PROTOCOL
from tests.zoo.datasets.test_coco_annotations import figure, folder_of
from zoo.datasets.coco import load_set

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 1.5, 1e308, float("nan"), float("inf"), 10**30, 2**53 + 1, 2**64),
    *(
        "",
        "0",
        "1",
        "person",
        "x" * 300,
        "../x",
        "/",
        "\0",
        "\ud800",
        [],
        [1],
        [None],
        [[1, 2]],
        {},
        {"a": 1},
    ),
    *([0] * 51, [1e200] * 51, [10**30] * 51, ["1"] * 51, [1, 2, 3, 4], [1e9] * 4, [0] * 4, [-1] * 4),
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values in a document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from paths(each, (*path, key))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def change(document: dict[str, Any]) -> None:
        document["categories"][0]["keypoints"] = list(HEATMAPS.joints)

    return folder_of(tmp_path_factory.mktemp("set"), change)


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "annotations/instances_val2017.json").read_text())
    return content


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_mutated_files_give_a_figure_or_an_error_of_ours(
    folder: Path, document: dict[str, Any], random: Any, count: int
) -> None:
    mutated = copy.deepcopy(document)
    for _ in range(count):
        *parents, last = random.choice(list(paths(mutated)))
        owner = mutated
        for key in parents:
            owner = owner[key]
        owner[last] = copy.deepcopy(random.choice(VALUES))
    for name in ("person_keypoints_val2017.json", "instances_val2017.json"):
        (folder / "annotations" / name).write_text(json.dumps(mutated))
    for protocol, kind in ((POSE_PROTOCOL, "keypoints"), (DETECTION_PROTOCOL, "bbox")):
        try:
            data = load_set(folder, protocol)
            data.require_truth(kind)
            data.match_classes(("person",), persons_only=True)
            data.match_classes(("person", "car"), persons_only=False)
            assert figure(data, kind) is not None
        except ZooError:
            continue
