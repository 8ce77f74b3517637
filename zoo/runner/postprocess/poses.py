"""Rescore the poses of one image and suppress duplicates by object keypoint similarity."""

from __future__ import annotations

import numpy as np

from registry.schema.protocol import OksSuppression
from zoo._utils.arrays import Array, Doubles, Integers

# COCO's per-joint constants (nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles), as its
# evaluation kit defines them.
COCO_SIGMAS = (
    np.array(
        [0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89]
    )
    / 10
)


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


def keypoint_similarity(points: Array, others: Array, area: float, areas: Array) -> Doubles:
    """Compute the object keypoint similarity (OKS) of one pose to others, over all joints.

    Args:
        points: ``(J, 2)``.
        others: ``(M, J, 2)``.
        area: Area of the first pose's region in square pixels.
        areas: ``(M,)`` areas of the others' regions.

    Returns:
        ``(M,)`` from 0 to 1.
    """
    distance = ((others - points) ** 2).sum(axis=2)
    extent = (area + areas) / 2 + np.spacing(1)
    return np.asarray(np.exp(-distance / (2 * COCO_SIGMAS) ** 2 / extent[:, None] / 2).mean(axis=1))


def suppress_poses(points: Array, scores: Array, areas: Array, rule: OksSuppression) -> Integers:
    """Suppress similar poses; return the indices of the remaining ones, best first.

    Args:
        points: ``(N, J, 2)`` image pixels.
        scores: ``(N,)``.
        areas: ``(N,)`` square pixels of the enlarged regions, not of the persons.
        rule: Threshold; a pose is suppressed only if its similarity exceeds it.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[
            keypoint_similarity(points[best], points[order], areas[best], areas[order]) <= rule.threshold
        ]
    return np.array(kept, dtype=np.int64)
