"""Draw results on an image.

The skeleton of the model connects joints by limbs; the names of joints decide only colors and sizes. Left
limbs have warm colors, right limbs cold colors, and limbs that join both sides a light one. All sizes scale
with the person, so that persons in the background stay readable. A joint with a high score is a disc, one
with a low score a ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.fs.atomic import replace_bytes, writing_to
from registry.errors import UsageError
from registry.schema.io import HeatmapOutput
from zoo._utils.arrays import Bytes, Doubles
from zoo.runner.images import Image
from zoo.runner.results import Detections, Poses

_LEFT = (43, 147, 255)  # colors are blue, green, red
_RIGHT = (255, 180, 64)
_MIDDLE = (240, 240, 240)
_EDGE = (28, 24, 20)
_FRAME = (236, 236, 236)

_FACE = ("nose", "eye", "ear")
# OpenCV takes coordinates with this many fractional bits.
_FRACTION_BITS = 4
_JPEG_QUALITY = 92
_OPACITY = 0.9
_DISC_SCORE = 0.5  # minimum score for a disc; clearly visible joints score above it


@dataclass(frozen=True)
class _Brush:
    """Line and text sizes in pixels for one person."""

    limb: int
    joint: float
    frame: int
    text: float
    stroke: int


def draw_poses(image: Image, poses: Poses, output: HeatmapOutput, *, threshold: float = 0.2) -> Image:
    """Draw boxes, skeletons and scores onto a copy of an image.

    Args:
        image: The image the poses were found in.
        poses: What to draw; persons with lower scores are drawn first.
        output: Output of the model, with names and skeleton of its joints.
        threshold: Joints must score above this to be drawn; a limb needs both of its joints.
    """
    import cv2  # heavy: see the package's docstring

    canvas = image.as_bgr().copy()
    order = np.argsort(poses.scores, kind="stable")
    brushes = {person: _brush(poses.boxes[person], image) for person in order}
    overlay = canvas.copy()
    for person in order:
        _draw_frame(overlay, poses.boxes[person], brushes[person])
        _draw_skeleton(overlay, poses.keypoints[person], output, threshold, brushes[person])
    canvas = np.asarray(cv2.addWeighted(overlay, _OPACITY, canvas, 1 - _OPACITY, 0), dtype=np.uint8)
    for person in order:
        _draw_label(canvas, poses.boxes[person], f"{poses.scores[person]:.2f}", brushes[person])
    return Image(canvas, "bgr", image.path)


def draw_boxes(
    image: Image, detections: Detections, classes: tuple[str, ...], *, threshold: float = 0.5
) -> Image:
    """Draw boxes with class and score onto a copy of an image.

    Args:
        image: The image the boxes were found in.
        detections: What to draw, the best on top.
        classes: Names of the classes in order; a single class is not written out.
        threshold: Boxes must score above this to be drawn.
    """
    canvas = image.as_bgr().copy()
    shown = detections.above(threshold)
    for row in reversed(range(len(shown))):
        box = shown.boxes[row].astype(np.float64)
        brush = _brush(box, image)
        name = f"{classes[shown.labels[row]]} " if len(classes) > 1 else ""
        _draw_frame(canvas, box, brush)
        _draw_label(canvas, box, f"{name}{shown.scores[row]:.2f}", brush)
    return Image(canvas, "bgr", image.path)


def save_image(image: Image, path: Path) -> None:
    """Write an image whole or not at all; the suffix of the name decides the format.

    Raises:
        UsageError: ``image-format`` for a suffix OpenCV cannot write, ``output-not-writable``.
        MissingToolError: ``disk-full``.
    """
    import cv2  # heavy: see the package's docstring

    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix.lower() in (".jpg", ".jpeg") else []
    try:
        _, encoded = cv2.imencode(path.suffix or ".", image.as_bgr(), options)
    except cv2.error as error:
        raise UsageError(
            "image-format",
            f"cannot write an image as {path.suffix or 'a file without a suffix'}",
            expected=".jpg, .png, .webp, .bmp or .tiff",
            found=path.name,
            hint=f"name it {path.with_suffix('.jpg').name}",
        ) from error
    with writing_to(path):
        replace_bytes(encoded.tobytes(), path, durable=False)


def _brush(box: Doubles, image: Image) -> _Brush:
    height, width = image.height, image.width
    corners = np.clip(box.reshape(2, 2), 0, (width, height))
    person = float(np.sqrt(max(1.0, np.prod(corners[1] - corners[0]))))
    diagonal = float(np.hypot(width, height))
    limb = float(np.clip(person * 0.02, diagonal / 800, diagonal / 120))
    return _Brush(
        limb=max(1, round(limb)),
        joint=max(1.2, limb * 0.8),
        frame=max(1, round(diagonal / 900)),
        text=float(np.clip(person / 480, diagonal / 2000, diagonal / 1300)),
        stroke=max(1, round(diagonal / 1400)),
    )


def _draw_frame(canvas: Bytes, box: Doubles, brush: _Brush) -> None:
    import cv2  # heavy: see the package's docstring

    corners = _corners(canvas, box)
    cv2.rectangle(canvas, *corners, _EDGE, brush.frame + 2, cv2.LINE_AA)
    cv2.rectangle(canvas, *corners, _FRAME, brush.frame, cv2.LINE_AA)


def _draw_skeleton(
    canvas: Bytes, keypoints: Doubles, output: HeatmapOutput, threshold: float, brush: _Brush
) -> None:
    import cv2  # heavy: see the package's docstring

    joints = output.joints
    fixed = _fixed_point(canvas, keypoints[:, :2])
    seen = keypoints[:, 2] > threshold
    limbs = [(start, end) for start, end in output.skeleton if seen[start] and seen[end]]
    for width, dark in ((brush.limb + max(2, brush.limb // 2), True), (brush.limb, False)):
        for start, end in limbs:
            color = _EDGE if dark else _color(joints[start], joints[end])
            cv2.line(canvas, fixed[start], fixed[end], color, width, cv2.LINE_AA, _FRACTION_BITS)
    for index in np.flatnonzero(seen):
        name = joints[index]
        # Joints of the face lie close together.
        radius = brush.joint * (0.65 if name.endswith(_FACE) else 1)
        discs = [(1.7, _EDGE), (1.3, _color(name, name))]
        discs += [(0.75, _EDGE)] if keypoints[index, 2] < _DISC_SCORE else []
        for factor, color in discs:
            size = round(radius * factor * (1 << _FRACTION_BITS))
            cv2.circle(canvas, fixed[index], size, color, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)


def _draw_label(canvas: Bytes, box: Doubles, text: str, brush: _Brush) -> None:
    import cv2  # heavy: see the package's docstring

    font, weight = cv2.FONT_HERSHEY_SIMPLEX, brush.stroke
    (width, height), below = cv2.getTextSize(text, font, brush.text, weight)
    margin = max(2, height // 3)
    left, top = _corners(canvas, box)[0]
    left = min(left, max(0, canvas.shape[1] - width - 2 * margin))
    bottom = max(top, height + below + 2 * margin)
    cv2.rectangle(
        canvas,
        (left, bottom - height - 2 * margin),
        (left + width + 2 * margin, bottom),
        _EDGE,
        cv2.FILLED,
        cv2.LINE_AA,
    )
    cv2.putText(canvas, text, (left + margin, bottom - margin), font, brush.text, _FRAME, weight, cv2.LINE_AA)


def _color(start: str, end: str) -> tuple[int, int, int]:
    sides = {name.split("_", 1)[0] for name in (start, end)}
    if "left" in sides and "right" not in sides:
        return _LEFT
    if "right" in sides and "left" not in sides:
        return _RIGHT
    return _MIDDLE


def _corners(canvas: Bytes, box: Doubles) -> tuple[tuple[int, int], tuple[int, int]]:
    """Corners in whole pixels inside the image."""
    limit = (canvas.shape[1] - 1, canvas.shape[0] - 1)
    (x1, y1), (x2, y2) = np.clip(np.rint(box.reshape(2, 2)), 0, limit).astype(int).tolist()
    return (x1, y1), (x2, y2)


def _fixed_point(canvas: Bytes, points: Doubles) -> list[tuple[int, int]]:
    """Points in OpenCV's 32-bit fixed point, clipped to one image size around the image."""
    size = np.array([canvas.shape[1], canvas.shape[0]])
    near = np.clip(points, -size, 2 * size)
    return [(x, y) for x, y in np.rint(near * (1 << _FRACTION_BITS)).astype(int).tolist()]
