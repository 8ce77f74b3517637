"""Rescore the poses of one image and suppress duplicates by object keypoint similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from registry.errors import UsageError
from registry.schema.protocol import OksSuppression
from zoo._utils.arrays import Array, Doubles, Integers
from zoo.datasets.categories import normalize_name
from zoo.datasets.joints import COCO_JOINTS

# COCO's per-joint constants, as its evaluation kit defines them, for its joints without their side.
_SIGMAS = {
    "nose": 0.26,
    "eye": 0.25,
    "ear": 0.35,
    "shoulder": 0.79,
    "elbow": 0.72,
    "wrist": 0.62,
    "hip": 1.07,
    "knee": 0.87,
    "ankle": 0.89,
}


def joint_sigmas(joints: Sequence[str]) -> Doubles:
    """Return COCO's similarity constant of each joint, by name.

    Args:
        joints: Names of the joints, for example ``left_wrist``.

    Raises:
        UsageError: ``joint-sigma-unknown`` for a joint that COCO does not have.
    """
    names = [normalize_name(joint) for joint in joints]
    values = [_SIGMAS.get(name.removeprefix("left ").removeprefix("right ")) for name in names]
    unknown = [joint for joint, value in zip(joints, values, strict=True) if value is None]
    if unknown:
        raise UsageError(
            "joint-sigma-unknown",
            "keypoint similarity needs a constant per joint, and COCO defines none for these joints",
            expected="joints of COCO: " + ", ".join(COCO_JOINTS),
            found=", ".join(unknown)[:200],
            hint="zoo run NAME IMAGE runs the model without this figure",
        )
    return np.array(values, dtype=np.float64) / 10


def rescore_poses(box_scores: Array, joint_scores: Array, visibility: float) -> Doubles:
    """Compute person scores: box score times the mean score of the visible joints.

    Args:
        box_scores: ``(N,)``.
        joint_scores: ``(N, J)``.
        visibility: Joints that score above this are visible. A person without visible joints scores 0.

    Returns:
        ``(N,)``.
    """
    visible = joint_scores > visibility
    total = np.where(visible, joint_scores, 0).sum(axis=1, dtype=np.float64)
    return np.asarray(box_scores * total / np.maximum(visible.sum(axis=1), 1))


def keypoint_similarity(points: Array, others: Array, area: float, areas: Array, sigmas: Doubles) -> Doubles:
    """Compute the object keypoint similarity (OKS) of one pose to others, over all joints.

    Args:
        points: ``(J, 2)``.
        others: ``(M, J, 2)``.
        area: Area of the first pose's region in square pixels.
        areas: ``(M,)`` areas of the others' regions.
        sigmas: ``(J,)`` constants of the joints.

    Returns:
        ``(M,)`` from 0 to 1.
    """
    distance = ((others - points) ** 2).sum(axis=2)
    extent = (area + areas) / 2 + np.spacing(1)
    return np.asarray(np.exp(-distance / (2 * sigmas) ** 2 / extent[:, None] / 2).mean(axis=1))


def suppress_poses(
    points: Array, scores: Array, areas: Array, rule: OksSuppression, sigmas: Doubles
) -> Integers:
    """Suppress similar poses; return the indices of the remaining ones, best first.

    Args:
        points: ``(N, J, 2)`` image pixels.
        scores: ``(N,)``.
        areas: ``(N,)`` square pixels of the enlarged regions, not of the persons.
        rule: Threshold; a pose is suppressed only if its similarity exceeds it.
        sigmas: ``(J,)`` constants of the joints.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        similarity = keypoint_similarity(points[best], points[order], areas[best], areas[order], sigmas)
        order = order[similarity <= rule.threshold]
    return np.array(kept, dtype=np.int64)
