"""Rescoring and suppression of the poses of one image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from registry.schema.protocol import OksSuppression
from tests.helpers.model_specs import JOINTS
from zoo.runner.postprocess.poses import (
    joint_sigmas,
    keypoint_similarity,
    rescore_poses,
    suppress_poses,
)

RULE = OksSuppression(threshold=0.9, visibility=0.2)
SIGMAS = joint_sigmas(JOINTS)


def reference_similarity(first: np.ndarray, second: np.ndarray, areas: tuple[float, float]) -> float:
    total = 0.0
    for joint, sigma in enumerate(SIGMAS):
        distance = ((first[joint] - second[joint]) ** 2).sum()
        total += np.exp(-distance / (2 * sigma) ** 2 / (sum(areas) / 2) / 2)
    return total / 17


def reference_suppression(
    points: np.ndarray, scores: np.ndarray, areas: np.ndarray, threshold: float
) -> list[int]:
    kept: list[int] = []
    for candidate in sorted(range(len(scores)), key=lambda person: -scores[person]):
        rivals = [
            reference_similarity(points[k], points[candidate], (areas[k], areas[candidate])) for k in kept
        ]
        if all(rival <= threshold for rival in rivals):
            kept.append(candidate)
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.floats(0.05, 0.99))
def test_suppression_equals_comparing_every_pair(seed: int, count: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    crowd = random.random((max(1, count // 3), 17, 2)) * 200
    points = crowd[random.integers(0, len(crowd), count)] + random.normal(0, 4, (count, 17, 2))
    scores, areas = random.random(count), random.uniform(500, 40000, count)
    rule = OksSuppression(threshold=threshold, visibility=0.2)
    assert suppress_poses(points, scores, areas, rule, SIGMAS).tolist() == reference_suppression(
        points, scores, areas, threshold
    )


def test_equal_poses_are_one_person_and_the_best_is_kept() -> None:
    pose = np.random.default_rng(0).random((17, 2)) * 100
    points = np.stack([pose, pose, pose + 500])
    assert suppress_poses(points, np.array([0.3, 0.9, 0.5]), np.full(3, 1e4), RULE, SIGMAS).tolist() == [1, 2]


def test_similarity_of_a_pose_to_itself_is_one_and_falls_with_distance() -> None:
    pose = np.zeros((17, 2))
    others = np.stack([pose, pose + 5, pose + 500])
    near, further, far = keypoint_similarity(pose, others, 1e4, np.full(3, 1e4), SIGMAS)
    assert near == 1
    assert 0.5 < further < 1
    assert far < 1e-6


def test_a_person_scores_the_mean_of_its_visible_joints() -> None:
    joints = np.array([[0.9, 0.5, 0.2, 0.1], [0.2, 0.1, 0.0, -0.3], [0.21, 0.2, 0.2, 0.2]])
    np.testing.assert_allclose(rescore_poses(np.array([1, 1, 0.5]), joints, 0.2), [0.7, 0, 0.105])


def test_no_persons_give_empty_results() -> None:
    empty = np.zeros((0, 17))
    assert rescore_poses(np.zeros(0), empty, 0.2).shape == (0,)
    assert suppress_poses(np.zeros((0, 17, 2)), np.zeros(0), np.zeros(0), RULE, SIGMAS).shape == (0,)


def test_sigmas_are_cocos_by_name() -> None:
    """COCO's evaluation kit lists them in the order of its 17 joints."""
    values = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
    np.testing.assert_allclose(SIGMAS, np.array(values) / 1000)
    np.testing.assert_allclose(joint_sigmas(("Left Ankle", "nose")), [0.089, 0.026])


def test_joints_that_coco_does_not_have_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        joint_sigmas(("nose", "left_thumb", "pelvis"))
    assert caught.value.code == "joint-sigma-unknown"
    assert caught.value.found == "left_thumb, pelvis"


def test_poses_of_thirteen_joints_are_suppressed() -> None:
    sigmas = joint_sigmas((JOINTS[0], *JOINTS[5:]))
    points = np.repeat(np.random.default_rng(0).random((1, 13, 2)) * 100, 2, axis=0)
    assert suppress_poses(points, np.array([0.3, 0.9]), np.full(2, 1e4), RULE, sigmas).tolist() == [1]
