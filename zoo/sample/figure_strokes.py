"""Convert a body to strokes: thickness and color of its parts, and their projection to the image plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo._utils.arrays import Doubles
from zoo.sample.canvas import Color, Stroke
from zoo.sample.skeleton import JOINTS, SIDES

_SKINS: tuple[Color, ...] = (
    (250, 220, 196),
    (236, 188, 148),
    (205, 150, 108),
    (160, 108, 72),
    (112, 72, 48),
    (76, 50, 38),
)
_HAIRS: tuple[Color, ...] = (
    (28, 22, 20),
    (70, 42, 24),
    (122, 78, 38),
    (198, 160, 92),
    (150, 56, 30),
    (176, 176, 176),
)

# Coordinates are rounded to 1/64 pixel because sines differ in their last bit between machines.
_GRID = 64


@dataclass(frozen=True)
class Appearance:
    """Appearance of one figure.

    Attributes:
        skin: Color of head, neck, hands and unclothed parts.
        hair: Color of the hair.
        shirt: Color of the trunk.
        sleeves: Parts of the arms that the shirt covers: 0 none, 1 upper arms, 2 all.
        trousers: Color of the hips and thighs.
        long_legs: Whether the trousers cover the shins.
        shoes: Color of the feet.
        girth: Factor of all thicknesses.
        roundness: Darkening of the parts towards their edges.
    """

    skin: Color
    hair: Color
    shirt: Color
    sleeves: int
    trousers: Color
    long_legs: bool
    shoes: Color
    girth: float
    roundness: float


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Choose clothes of any color, and skin and hair from a few natural tones."""
    return Appearance(
        skin=_SKINS[rng.integers(len(_SKINS))],
        hair=_HAIRS[rng.integers(len(_HAIRS))],
        shirt=random_color(rng),
        sleeves=int(rng.integers(3)),
        trousers=random_color(rng),
        long_legs=bool(rng.random() < 0.65),
        shoes=random_color(rng),
        girth=float(rng.uniform(0.8, 1.3)),
        roundness=float(rng.uniform(0.1, 0.5)),
    )


def random_color(rng: np.random.Generator) -> Color:
    """Choose any color."""
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def project(points: Mapping[str, Doubles], scale: float, origin: tuple[float, float]) -> dict[str, Doubles]:
    """Convert body units to pixels: ``(3,)`` x, y in the image and depth (larger is nearer), by name.

    Args:
        points: Result of `zoo.sample.skeleton.build_body`.
        scale: Pixels per unit.
        origin: Position of the center of the hips in the image.
    """
    camera = np.array([scale, -scale, scale])
    shift = np.array([*origin, 0])
    return {name: np.rint((point * camera + shift) * _GRID) / _GRID for name, point in points.items()}


def build_strokes(points: Mapping[str, Doubles], scale: float, appearance: Appearance) -> tuple[Stroke, ...]:
    """Build the strokes of one figure, farthest first.

    Args:
        points: Result of `project`.
        scale: Pixels per unit, for the thicknesses.
        appearance: Clothes and colors.
    """
    builder = _StrokeBuilder(points, scale, appearance)
    strokes = [*builder.trunk(), *builder.head()]
    for side in SIDES:
        strokes += builder.arm(side) + builder.leg(side)
    return tuple(sorted(strokes, key=lambda stroke: stroke.depth))


@dataclass(frozen=True, eq=False)
class _StrokeBuilder:
    points: Mapping[str, Doubles]
    scale: float
    appearance: Appearance

    def part(
        self,
        start: str,
        end: str,
        radii: tuple[float, float],
        color: Color,
        joints: tuple[str, ...] = (),
        *,
        nearer: float = 0.0,
        flat: bool = False,
    ) -> Stroke:
        """Build one stroke between two points; radii and ``nearer`` in body units."""
        first, second = self.points[start], self.points[end]
        sizes = [max(np.rint(radius * self.scale * _GRID) / _GRID, 0.5) for radius in radii]
        return Stroke(
            start=(float(first[0]), float(first[1])),
            end=(float(second[0]), float(second[1])),
            radii=(float(sizes[0]), float(sizes[1])),
            depth=float((first[2] + second[2]) / 2 + nearer * self.scale),
            color=color,
            roundness=0.0 if flat else self.appearance.roundness,
            joints=tuple(JOINTS.index(joint) for joint in joints),
        )

    def trunk(self) -> list[Stroke]:
        look, girth = self.appearance, self.appearance.girth
        shoulders, hips = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
        strokes = [
            self.part(
                f"{side}_shoulder",
                f"{side}_hip",
                (0.085 * girth, 0.1 * girth),
                look.shirt,
                (f"{side}_shoulder", f"{side}_hip"),
                flat=True,
            )
            for side in SIDES
        ]
        strokes.append(self.part(*shoulders, (0.08, 0.08), look.shirt, shoulders, flat=True))
        strokes.append(self.part("neck", "pelvis", (0.1, 0.11), look.shirt, hips, flat=True))
        strokes.append(self.part(*hips, (0.11 * girth, 0.11 * girth), look.trousers, hips, nearer=0.01))
        return strokes

    def head(self) -> list[Stroke]:
        look = self.appearance
        dark = _darker(look.skin, 0.55)
        strokes = [
            self.part("neck", "chin", (0.06, 0.055), _darker(look.skin, 0.9), nearer=-0.03),
            self.part("chin", "crown", (0.07, 0.11), look.skin),
            self.part("hair", "hair", (0.125, 0.125), look.hair, nearer=-0.005),
            self.part("nose", "nose", (0.022, 0.022), _darker(look.skin, 0.75), ("nose",)),
            self.part("mouth", "mouth", (0.02, 0.02), (150, 40, 40)),
        ]
        for side in SIDES:
            eye, ear = f"{side}_eye", f"{side}_ear"
            strokes.append(self.part(eye, eye, (0.03, 0.03), (245, 245, 245), nearer=-0.001))
            strokes.append(self.part(eye, eye, (0.018, 0.018), (25, 25, 25), (eye,)))
            strokes.append(self.part(ear, ear, (0.028, 0.028), dark, (ear,)))
        return strokes

    def arm(self, side: str) -> list[Stroke]:
        look, girth = self.appearance, self.appearance.girth
        shoulder, elbow, wrist = (f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist"))
        upper = _darker(look.shirt, 0.9) if look.sleeves > 0 else look.skin
        lower = _darker(look.shirt, 0.9) if look.sleeves > 1 else look.skin
        return [
            self.part(shoulder, elbow, (0.065 * girth, 0.05 * girth), upper, (shoulder, elbow)),
            self.part(elbow, wrist, (0.048 * girth, 0.036 * girth), lower, (elbow, wrist), nearer=0.005),
            self.part(wrist, f"{side}_hand", (0.036, 0.046), look.skin, (wrist,), nearer=0.006),
        ]

    def leg(self, side: str) -> list[Stroke]:
        look, girth = self.appearance, self.appearance.girth
        hip, knee, ankle = (f"{side}_{joint}" for joint in ("hip", "knee", "ankle"))
        lower = look.trousers if look.long_legs else look.skin
        return [
            self.part(hip, knee, (0.095 * girth, 0.065 * girth), look.trousers, (hip, knee)),
            self.part(knee, ankle, (0.062 * girth, 0.043 * girth), lower, (knee, ankle), nearer=0.005),
            self.part(ankle, f"{side}_toes", (0.045, 0.04), look.shoes, (ankle,), nearer=0.006),
        ]


def _darker(color: Color, share: float) -> Color:
    red, green, blue = (int(value * share) for value in color)
    return red, green, blue
