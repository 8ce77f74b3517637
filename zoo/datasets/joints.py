"""Match the joints of an annotation file with those of a network, by name where the file has names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.errors import UsageError
from zoo.datasets.categories import normalize_name

COCO_JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

COCO_FLIP_PAIRS = tuple((left, left + 1) for left in range(1, len(COCO_JOINTS), 2))
"""Indexes of the left and the right joint of each pair of COCO's joints."""

COCO_SKELETON = (
    *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8)),
    *((7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
)
"""Limbs of the person category in ``person_keypoints_val2017.json``, which counts joints from 1."""


@dataclass(frozen=True)
class JointMatch:
    """Joints of the annotations for the joints of a network.

    Attributes:
        order: Position in the annotations of each joint of the network.
        note: How the joints were matched, if the reader should know; None otherwise.
    """

    order: tuple[int, ...]
    note: str | None = None


def match_joints(names: object, joints: Sequence[str], file: Path) -> JointMatch:
    """Match the joints of a network with those of the annotations.

    Args:
        names: ``keypoints`` of the person category in the file; joints keep their order if it is missing.
        joints: Names of the network's joints.
        file: Annotation file, for the error.

    Raises:
        UsageError: ``joints-mismatch`` if the file has other joints than the network.
    """
    order = tuple(range(len(joints)))
    if not isinstance(names, list) or not names:
        return JointMatch(order)
    listed, wanted = ([normalize_name(name) for name in side] for side in (names, joints))
    if listed == wanted:
        return JointMatch(order)
    if sorted(listed) == sorted(wanted) and len(set(wanted)) == len(wanted):
        matched = tuple(listed.index(name) for name in wanted)
        return JointMatch(matched, "joints were matched with the annotations by name: the orders differ")
    if len(listed) == len(wanted) and not set(listed) & set(wanted):
        # Another naming scheme, for example another language: only the order can match.
        pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in list(zip(joints, names, strict=True))[:3])
        note = f"the names of joints differ, so they were matched with the annotations by order: {pairs}, …"
        return JointMatch(order, note)
    raise UsageError(
        "joints-mismatch",
        f"the network has {len(wanted)} joints, the annotations in {file} have {len(listed)}"
        if len(wanted) != len(listed)
        else f"the joints of the network are not those in {file}",
        expected=", ".join(joints)[:300],
        found=", ".join(map(str, names))[:300],
        hint="pass annotations of the network's joints with --annotations",
    )


def reorder(annotation: Mapping[str, Any], order: Sequence[int]) -> Mapping[str, Any]:
    """Return the annotation with its joints in another order.

    Args:
        annotation: COCO's annotation object.
        order: Position in the annotation of each joint of the result.
    """
    values = annotation.get("keypoints")
    if not values or list(order) == list(range(len(order))):
        return annotation
    triples = [values[3 * position : 3 * position + 3] for position in order]
    return {**annotation, "keypoints": [value for triple in triples for value in triple]}
