"""Images of jointed figures with exactly known joints, generated from a seed.

    draw_image(7).persons[0].keypoints  # (17, 3): x, y, visibility as in COCO
    write_coco(folder, count=500)       # a folder for `zoo validate --data`; or as a command:
    python -m zoo.sample.figures --out folder --count 500

An image shows one to three figures in random poses, clothes and sizes in front of a random background with
clutter, sometimes with clutter in front and with noise. Equal seeds give equal pixels on every machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry.errors import UsageError
from zoo._utils.arrays import Bytes, Doubles, Integers
from zoo.sample.background import draw_background, draw_clutter, make_noise
from zoo.sample.canvas import Canvas, Stroke, silhouette
from zoo.sample.figure_strokes import build_strokes, project, random_appearance
from zoo.sample.skeleton import JOINTS, build_body, random_posture

HELD_OUT = 1_000_000
"""First seed of the held-out images; training uses lower seeds."""

ANNOTATIONS = "annotations/person_keypoints_val2017.json"
"""Path of the annotation file that `write_coco` writes, as in COCO."""

_SKELETON_EDGES = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
    *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
_SIDE = (176, 321)
_STATURE = 1.75
_LEAST_STATURE = 76
_MOST_OVERLAP = 0.25


@dataclass(frozen=True, eq=False)
class Person:
    """One figure of an image.

    Attributes:
        keypoints: ``(17, 3)`` x, y in pixels (pixel centers have integer coordinates) and COCO's visibility:
            2 visible, 1 hidden, 0 outside the image with x = y = 0.
        box: x, y, width, height of the silhouette inside the image, in pixels.
        area: Area of that silhouette in pixels, including hidden parts.
    """

    keypoints: Doubles
    box: tuple[float, float, float, float]
    area: float


@dataclass(frozen=True, eq=False)
class DrawnImage:
    """An image and its annotations.

    Attributes:
        image: ``(height, width, 3)`` uint8, RGB.
        persons: The figures, farthest first.
        figures: ``(height, width)`` index of the person visible at each pixel, -1 without one.
    """

    image: Bytes
    persons: tuple[Person, ...]
    figures: Integers

    @property
    def corners(self) -> Doubles:
        """``(N, 4)`` x1, y1, x2, y2 of the persons."""
        boxes = [(x, y, x + width, y + height) for x, y, width, height in (p.box for p in self.persons)]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True, eq=False)
class _Figure:
    """A figure that is not yet drawn."""

    joints: Doubles
    strokes: tuple[Stroke, ...]
    mask: Bytes
    box: tuple[float, float, float, float]


def draw_image(seed: int) -> DrawnImage:
    """Draw the image of a seed.

    Args:
        seed: Any integer from 0.
    """
    # PCG64 is named explicitly because the generator behind default_rng may change.
    rng = np.random.Generator(np.random.PCG64(seed))
    height, width = (int(side) for side in rng.integers(*_SIDE, 2))
    canvas = Canvas.over(draw_background(rng, height, width))
    draw_clutter(rng, canvas, most=10)
    figures = _placed(rng, height, width)
    strokes = [(person, stroke) for person, figure in enumerate(figures) for stroke in figure.strokes]
    for number, (_, stroke) in enumerate(strokes):
        canvas.draw(stroke, number)
    if rng.random() < 0.3:
        draw_clutter(rng, canvas, most=2)
    persons = np.array([person for person, _ in strokes] + [-1])
    return DrawnImage(
        image=canvas.to_image(make_noise(rng, height, width)),
        persons=tuple(_person(figure, who, canvas, strokes) for who, figure in enumerate(figures)),
        figures=persons[canvas.owner],
    )


def _placed(rng: np.random.Generator, height: int, width: int) -> list[_Figure]:
    """Place one to three figures that overlap only a little."""
    figures: list[_Figure] = []
    wanted, tried = int(rng.integers(1, 4)), 0
    while len(figures) < wanted and (tried < 8 * wanted or not figures):
        tried += 1
        figure = _figure(rng, height, width)
        if figure and all(_overlap(figure.box, other.box) <= _MOST_OVERLAP for other in figures):
            figures.append(figure)
    return figures


def _figure(rng: np.random.Generator, height: int, width: int) -> _Figure | None:
    """Make a figure at a random position; None if too little of it is inside the image."""
    posture, appearance = random_posture(rng), random_appearance(rng)
    parts = ("arms", "legs", "trunk", "breadth", "head")
    proportions = {part: float(rng.uniform(0.88, 1.14)) for part in parts}
    stature = int(rng.integers(_LEAST_STATURE, int(0.95 * height)))
    scale = stature / _STATURE
    origin = (float(rng.integers(width // 8, width - width // 8)), float(rng.integers(height // 4, height)))
    points = project(build_body(posture, proportions), scale, origin)
    joints = np.stack([points[name][:2] for name in JOINTS])
    inside = ((joints >= 0) & (joints <= [width - 1, height - 1])).all(axis=1)
    if inside.sum() < 12:
        return None
    strokes = build_strokes(points, scale, appearance)
    mask = silhouette(strokes, (height, width))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = float(columns[0]), float(rows[0])
    return _Figure(joints, strokes, mask, (x, y, float(columns[-1] - x + 1), float(rows[-1] - y + 1)))


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection of two boxes divided by the area of the smaller one."""
    sides = [
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2]) - max(first[axis], second[axis])
        for axis in (0, 1)
    ]
    shared = max(sides[0], 0) * max(sides[1], 0)
    return shared / min(first[2] * first[3], second[2] * second[3])


def _person(figure: _Figure, who: int, canvas: Canvas, strokes: list[tuple[int, Stroke]]) -> Person:
    keypoints = np.zeros((len(JOINTS), 3))
    height, width = canvas.owner.shape
    for joint, (x, y) in enumerate(figure.joints):
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            continue
        number = canvas.owner[int(np.rint(y)), int(np.rint(x))]
        owner, stroke = strokes[number] if number >= 0 else (-1, None)
        seen = stroke is not None and owner == who and joint in stroke.joints
        keypoints[joint] = x, y, 2 if seen else 1
    return Person(keypoints, figure.box, float(figure.mask.sum()))


def write_coco(
    folder: Path, count: int, seed: int = HELD_OUT, *, before_each: Callable[[], None] = lambda: None
) -> Path:
    """Write images and annotations in the layout of COCO's 2017 validation set.

    Args:
        folder: Output folder for ``val2017/*.png`` and the annotation file; created if it does not exist.
        count: Number of images; their seeds start at ``seed`` and are also the image ids.
        seed: First seed.
        before_each: Called before each image is drawn; an exception stops the work.

    Returns:
        The annotation file.

    Raises:
        UsageError: ``image-count`` if ``count`` is less than 1.
    """
    import cv2  # imported here: an optional dependency, used only to write files

    if count < 1:
        raise UsageError(
            "image-count", "the number of images must be positive", found=str(count), hint="--count 1 or more"
        )
    image_folder = folder / "val2017"
    image_folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(seed, seed + count):
        before_each()
        made = draw_image(number)
        name = f"{number:012d}.png"
        encoded = cv2.imencode(".png", made.image[:, :, ::-1])[1]
        (image_folder / name).write_bytes(encoded.tobytes())
        height, width = made.image.shape[:2]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        annotations += [_annotation(person, number, who) for who, person in enumerate(made.persons)]
    path = folder / ANNOTATIONS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_document(images, annotations)), encoding="utf-8")
    return path


def _annotation(person: Person, image: int, who: int) -> dict[str, Any]:
    return {
        "id": image * 10 + who + 1,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": list(person.box),
        "area": person.area,
        "num_keypoints": int((person.keypoints[:, 2] > 0).sum()),
        "keypoints": person.keypoints.ravel().tolist(),
    }


def _document(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "info": {"description": "Procedural figures of paddle-zoo, made by zoo.sample.figures"},
        "licenses": [{"id": 1, "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}],
        "images": images,
        "annotations": annotations,
        "categories": [
            {
                "id": 1,
                "name": "person",
                "supercategory": "person",
                "keypoints": list(JOINTS),
                "skeleton": [list(edge) for edge in _SKELETON_EDGES],
            }
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.sample.figures", description="Write held-out images in COCO's layout."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for val2017/ and annotations/")
    parser.add_argument("--count", type=int, required=True, help="number of images")
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="seed of the first image")
    given = parser.parse_args(arguments)
    write_coco(given.out, given.count, given.seed)


if __name__ == "__main__":
    main()
