"""Bodies in space: lengths, sides and mirroring."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.sample.skeleton import JOINTS, Posture, build_body, random_posture

PROPORTIONS = dict.fromkeys(("arms", "legs", "trunk", "breadth", "head"), 1.0)
HANGING = (0.0, 10.0, 0.0, 0.0)
UPRIGHT = Posture(
    turn=0,
    tilt=0,
    lean=0,
    bow=0,
    nod=(0, 0, 0),
    limbs=dict.fromkeys(("left_arm", "right_arm", "left_leg", "right_leg"), HANGING),
)


def other_side(name: str) -> str:
    sides = {"left": "right", "right": "left"}
    side, _, rest = name.partition("_")
    return f"{sides[side]}_{rest}" if side in sides else name


def mirrored(posture: Posture) -> Posture:
    nod = (posture.nod[0], -posture.nod[1], -posture.nod[2])
    limbs = {other_side(name): (*angles[:3], -angles[3]) for name, angles in posture.limbs.items()}
    return Posture(-posture.turn, -posture.tilt, posture.lean, -posture.bow, nod, limbs)


def test_a_person_who_faces_the_camera_has_the_left_side_on_the_right() -> None:
    points = build_body(UPRIGHT, PROPORTIONS)

    for joint in JOINTS[1::2]:
        assert points[joint][0] > points[other_side(joint)][0], joint
    assert points["nose"][2] > points["left_ear"][2]


def test_a_person_seen_from_behind_has_the_left_side_on_the_left() -> None:
    points = build_body(replace(UPRIGHT, turn=180), PROPORTIONS)

    for joint in JOINTS[1::2]:
        assert points[joint][0] < points[other_side(joint)][0], joint
    assert points["nose"][2] < points["left_ear"][2]


def test_an_upright_person_is_ordered_from_head_to_foot_and_about_a_stature_tall() -> None:
    points = build_body(UPRIGHT, PROPORTIONS)

    heights = [points[f"left_{joint}"][1] for joint in ("eye", "shoulder", "elbow", "wrist", "knee", "ankle")]
    assert heights == sorted(heights, reverse=True)
    assert points["crown"][1] - points["left_ankle"][1] == pytest.approx(1.6, abs=0.1)


@given(st.integers(0, 10_000))
def test_a_mirrored_posture_is_the_mirrored_body_with_the_sides_renamed(seed: int) -> None:
    posture = random_posture(np.random.Generator(np.random.PCG64(seed)))

    points, reflected = build_body(posture, PROPORTIONS), build_body(mirrored(posture), PROPORTIONS)

    for name, point in points.items():
        np.testing.assert_allclose(reflected[other_side(name)], point * [-1, 1, 1], atol=1e-9)


@given(st.integers(0, 10_000))
def test_no_posture_stretches_a_bone(seed: int) -> None:
    posture = random_posture(np.random.Generator(np.random.PCG64(seed)))

    points, upright = build_body(posture, PROPORTIONS), build_body(UPRIGHT, PROPORTIONS)

    for side in ("left", "right"):
        for bone in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
            start, end = (f"{side}_{joint}" for joint in bone)
            length = np.linalg.norm(points[end] - points[start])
            assert length == pytest.approx(np.linalg.norm(upright[end] - upright[start]))


def test_forward_means_towards_the_face_and_bends_go_the_way_joints_do() -> None:
    raised = {**UPRIGHT.limbs, "left_arm": (90, 0, 0, 0), "right_leg": (0, 0, 90, 0)}
    points = build_body(replace(UPRIGHT, limbs=raised), PROPORTIONS)

    assert points["left_elbow"][2] > points["left_shoulder"][2] + 0.2  # an arm lifted forward
    assert points["right_ankle"][2] < points["right_knee"][2] - 0.3  # a knee bends backwards
