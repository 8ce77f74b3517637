"""A jointed body in three dimensions: random proportions, random pose, the 17 joints of COCO.

Axes: x to the person's left, y up, z in the direction the person faces; a person is about 1.75 units tall.
The camera looks along the z axis from the front without perspective, so x in the image is x of the body after
its rotation: a person who faces the camera has the left arm on the right side of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo._utils.arrays import Doubles

JOINTS = (
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
"""COCO's joints in COCO's order; left and right as seen by the person."""

SIDES = {"left": 1.0, "right": -1.0}

# Lengths in units for an adult with common drawing proportions (seven and a half heads tall).
_SPINE = 0.52
_UPPER_ARM, _FOREARM, _HAND = 0.29, 0.25, 0.09
_THIGH, _SHIN, _FOOT = 0.43, 0.42, 0.15
_HEAD_MARKS = {
    "chin": (0.0, -0.10, 0.03),
    "crown": (0.0, 0.05, -0.01),
    "hair": (0.0, 0.06, -0.06),
    "nose": (0.0, -0.01, 0.13),
    "mouth": (0.0, -0.075, 0.105),
    "left_eye": (0.045, 0.025, 0.105),
    "right_eye": (-0.045, 0.025, 0.105),
    "left_ear": (0.105, 0.0, 0.0),
    "right_ear": (-0.105, 0.0, 0.0),
}


@dataclass(frozen=True, eq=False)
class Posture:
    """Angles of one body, in degrees.

    Attributes:
        turn: Rotation of the body about its vertical axis; 0 faces the camera, 180 shows the back.
        tilt: Rotation of the body in the image plane.
        lean: Inclination of the trunk forward.
        bow: Inclination of the trunk to the person's left.
        nod: Rotation of the head: forward, to the left, turned left.
        limbs: Angles by limb and side, such as ``left_arm``: forward, outward, bend of elbow or knee, and
            twist of the bend.
    """

    turn: float
    tilt: float
    lean: float
    bow: float
    nod: tuple[float, float, float]
    limbs: Mapping[str, tuple[float, float, float, float]]


def random_posture(rng: np.random.Generator) -> Posture:
    """Choose a standing, walking, waving, crouching or tumbling pose, mostly seen from the front."""
    view = rng.random()
    turn = rng.uniform(-180, 180) if view < 0.1 else rng.uniform(-60, 60) + (180 if view < 0.3 else 0)
    lively = rng.random() < 0.6
    limbs = {}
    for side in SIDES:
        if lively:
            arm = (rng.uniform(-40, 110), rng.uniform(5, 165), rng.uniform(0, 130), rng.uniform(-70, 70))
            leg = (rng.uniform(-25, 80), rng.uniform(-4, 50), rng.uniform(0, 100), rng.uniform(-15, 15))
        else:
            arm = (rng.uniform(-25, 35), rng.uniform(6, 30), rng.uniform(0, 60), rng.uniform(-40, 40))
            leg = (rng.uniform(-15, 25), rng.uniform(-2, 12), rng.uniform(0, 25), rng.uniform(-8, 8))
        limbs[f"{side}_arm"], limbs[f"{side}_leg"] = arm, leg
    tumbling = rng.random() < 0.12
    return Posture(
        turn=turn,
        tilt=rng.uniform(-70, 70) if tumbling else rng.uniform(-12, 12),
        lean=rng.uniform(-8, 35) if lively else rng.uniform(-4, 8),
        bow=rng.uniform(-15, 15),
        nod=(rng.uniform(-15, 25), rng.uniform(-15, 15), rng.uniform(-35, 35)),
        limbs=limbs,
    )


def build_body(posture: Posture, proportions: Mapping[str, float]) -> dict[str, Doubles]:
    """Compute the positions of all points; the center of the hips is the origin.

    Args:
        posture: The angles.
        proportions: Factors of the default lengths: ``arms``, ``legs``, ``trunk``, ``breadth``, ``head``.

    Returns:
        ``(3,)`` by name: the joints and other points for the drawing (``pelvis``, ``neck``, ``chin``,
        ``crown``, ``hair``, ``mouth``, and hands and toes of both sides).
    """
    whole = _about_z(posture.tilt) @ _about_y(posture.turn)
    trunk = whole @ _about_x(posture.lean) @ _about_z(-posture.bow)
    points = {"pelvis": np.zeros(3), "neck": trunk @ np.array([0, _SPINE * proportions["trunk"], 0])}
    points |= _head(posture, points["neck"], trunk, proportions["head"])
    for side, sign in SIDES.items():
        half = proportions["breadth"] * sign
        points[f"{side}_shoulder"] = points["neck"] + trunk @ np.array([0.19 * half, -0.03, 0])
        points[f"{side}_hip"] = whole @ np.array([0.095 * half, 0, 0])
        arm = _limb(posture.limbs[f"{side}_arm"], sign, np.array([-0.4 * sign, 0.5, 1.0]))
        leg = _limb(posture.limbs[f"{side}_leg"], sign, np.array([0, 0, -1.0]))
        points |= _arm(side, points[f"{side}_shoulder"], trunk @ arm, proportions["arms"])
        points |= _leg(side, points[f"{side}_hip"], whole @ leg, whole, proportions["legs"])
    return points


def _head(posture: Posture, neck: Doubles, trunk: Doubles, size: float) -> dict[str, Doubles]:
    forward, sideways, turn = posture.nod
    head = trunk @ _about_y(turn) @ _about_x(forward) @ _about_z(-sideways)
    center = neck + trunk @ np.array([0, 0.06, 0]) + head @ np.array([0, 0.13 * size, 0])
    return {name: center + head @ (size * np.array(mark)) for name, mark in _HEAD_MARKS.items()}


def _limb(angles: tuple[float, float, float, float], sign: float, bend_towards: Doubles) -> Doubles:
    """Compute the directions of the upper and the lower part of a limb, ``(3, 2)``."""
    forward, outward, bend, twist = angles
    upper = _about_x(-forward) @ np.array([sign * _sin(outward), -_cos(outward), 0])
    wish = _about_y(twist) @ bend_towards
    across = wish - (wish @ upper) * upper
    across /= np.sqrt(across @ across)
    return np.stack([upper, _cos(bend) * upper + _sin(bend) * across], axis=1)


def _arm(side: str, shoulder: Doubles, directions: Doubles, length: float) -> dict[str, Doubles]:
    upper, lower = directions.T
    elbow = shoulder + _UPPER_ARM * length * upper
    wrist = elbow + _FOREARM * length * lower
    return {f"{side}_elbow": elbow, f"{side}_wrist": wrist, f"{side}_hand": wrist + _HAND * lower}


def _leg(side: str, hip: Doubles, directions: Doubles, whole: Doubles, length: float) -> dict[str, Doubles]:
    upper, lower = directions.T
    knee = hip + _THIGH * length * upper
    ankle = knee + _SHIN * length * lower
    # The foot is perpendicular to the shin and points in the direction the body faces.
    ahead = whole @ np.array([0, 0, 1.0])
    foot = ahead - (ahead @ lower) * lower + 0.3 * lower
    toes = ankle + _FOOT * foot / max(np.sqrt(foot @ foot), 0.2)
    return {f"{side}_knee": knee, f"{side}_ankle": ankle, f"{side}_toes": toes}


def _sin(degrees: float) -> float:
    return float(np.sin(np.deg2rad(degrees)))


def _cos(degrees: float) -> float:
    return float(np.cos(np.deg2rad(degrees)))


def _about_x(degrees: float) -> Doubles:
    """Rotate y towards z: a trunk leans forward, a hanging arm swings back."""
    sine, cosine = _sin(degrees), _cos(degrees)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def _about_y(degrees: float) -> Doubles:
    """Rotate z towards x: the body turns to its left."""
    sine, cosine = _sin(degrees), _cos(degrees)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def _about_z(degrees: float) -> Doubles:
    """Rotate x towards y."""
    sine, cosine = _sin(degrees), _cos(degrees)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
