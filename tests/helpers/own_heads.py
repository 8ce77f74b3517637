"""Weights with heads of other sizes, made from the published ones, and annotations for them.

A class is the published class with a smaller score, a joint is one of the published joints: so the models
find something, and every format of them must find the same.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.checkpoints import read_weights
from zoo._utils.arrays import Array

COCO_JOINTS = 17


def own_detector(weights: Path, out: Path, classes: int) -> Path:
    """Write a checkpoint of a PicoDet with other classes, from one with a single class.

    Args:
        weights: Checkpoint with one class.
        out: File to write.
        classes: Number of classes; class ``k`` scores lower the larger ``k`` is.
    """
    state = dict(read_weights(weights))
    for name, array in state.items():
        if ".head_cls" in name:
            # Class logits come first; the 2021 head has the box logits behind them.
            state[name] = np.concatenate([_repeat(array[:1], classes, name), array[1:]])
    return _write(state, out)


def own_pose(weights: Path, out: Path, joints: int) -> Path:
    """Write a checkpoint of a TinyPose with other joints: joint ``k`` is COCO's joint ``k % 17``.

    Args:
        weights: Checkpoint with COCO's joints.
        out: File to write.
        joints: Number of joints.
    """
    state = dict(read_weights(weights))
    order = np.arange(joints) % COCO_JOINTS
    for name in ("final_conv.weight", "final_conv.bias"):
        state[name] = state[name][order]
    return _write(state, out)


def own_boxes(annotations: Path, out: Path, names: Sequence[str], *, first_id: int = 1) -> Path:
    """Write annotations of boxes in own categories: a person belongs to one by the order of its area.

    Args:
        annotations: COCO's annotations of persons.
        out: File to write.
        names: Names of the categories.
        first_id: Id of the first category.
    """
    document = json.loads(annotations.read_text())
    persons = [each for each in document["annotations"] if each["category_id"] == 1]
    rank = {each["id"]: place for place, each in enumerate(sorted(persons, key=lambda each: -each["area"]))}
    for person in persons:
        person["category_id"] = first_id + rank[person["id"]] * len(names) // len(persons)
    categories = [{"id": first_id + place, "name": name} for place, name in enumerate(names)]
    out.write_text(json.dumps(document | {"annotations": persons, "categories": categories}))
    return out


def own_joints(annotations: Path, out: Path, names: Sequence[str], *, category: str = "figure") -> Path:
    """Write annotations of own joints: joint ``k`` is COCO's joint ``k % 17``.

    Args:
        annotations: COCO's annotations of joints.
        out: File to write.
        names: Names of the joints.
        category: Name of the category.
    """
    document = json.loads(annotations.read_text())
    order = [place % COCO_JOINTS for place in range(len(names))]
    for person in document["annotations"]:
        triples = np.asarray(person["keypoints"]).reshape(COCO_JOINTS, 3)[order]
        person["keypoints"] = triples.ravel().tolist()
        person["num_keypoints"] = int((triples[:, 2] > 0).sum())
    document["categories"] = [{"id": 1, "name": category, "keypoints": list(names)}]
    out.write_text(json.dumps(document))
    return out


def _repeat(row: Array, classes: int, name: str) -> Array:
    factors = 1 - 0.02 * np.arange(classes, dtype=row.dtype)
    shifts = -0.2 * np.arange(classes, dtype=row.dtype)
    rows = np.concatenate([row] * classes)
    return rows + shifts if name.endswith(".bias") else rows * factors[:, None, None, None]


def _write(state: dict[str, Array], out: Path) -> Path:
    out.write_bytes(pickle.dumps({name: np.asarray(array) for name, array in state.items()}, protocol=4))
    return out
