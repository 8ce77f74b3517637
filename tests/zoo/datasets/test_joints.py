"""Joints of a network and of an annotation file: matched by name, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import UsageError
from zoo.datasets.joints import COCO_JOINTS, match_joints, reorder

FILE = Path("annotations.json")
HAND = ("wrist", "thumb", "index")


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (None, (0, 1, 2)),
        ([], (0, 1, 2)),
        (["wrist", "thumb", "index"], (0, 1, 2)),
        (["Wrist", "THUMB", "Index"], (0, 1, 2)),
        (["index", "wrist", "thumb"], (1, 2, 0)),
        (["Handgelenk", "Daumen", "Zeigefinger"], (0, 1, 2)),
    ],
)
def test_joints_are_matched(names: list[str] | None, order: tuple[int, ...]) -> None:
    match = match_joints(names, HAND, FILE)
    assert match.order == order
    same = [str(name).casefold() for name in names or HAND] == list(HAND)
    assert (match.note is None) == same


@pytest.mark.parametrize(
    ("names", "joints", "message"),
    [
        (list(COCO_JOINTS), (COCO_JOINTS[0], *COCO_JOINTS[5:]), "has 13 joints, .* have 17"),
        ([COCO_JOINTS[0], *COCO_JOINTS[5:]], COCO_JOINTS, "has 17 joints, .* have 13"),
        (["wrist", "thumb", "palm"], HAND, "are not those"),
        (["thumb", "palm", "wrist"], HAND, "are not those"),
    ],
)
def test_other_joints_are_refused_in_words(names: list[str], joints: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        match_joints(names, joints, FILE)
    assert caught.value.code == "joints-mismatch"


def test_joints_are_reordered_with_their_values() -> None:
    annotation = {"id": 1, "keypoints": [1, 2, 2, 3, 4, 1, 5, 6, 0]}
    assert reorder(annotation, (1, 2, 0)) == {"id": 1, "keypoints": [3, 4, 1, 5, 6, 0, 1, 2, 2]}
    assert reorder(annotation, (0, 1, 2)) is annotation
    assert reorder({"id": 1}, (1, 2, 0)) == {"id": 1}
