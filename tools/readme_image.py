"""Make the image of the README: an annotated drawing next to accuracy and latency of the catalog.

    python -m tools.readme_image [--out docs/images/overview.png]

Everything comes from the package: figures drawn by ``zoo.sample``, joints found by its sample model, and a
ranking of the shipped catalog. Pillow draws the text; each run converts the sample model to ONNX.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import registry
import zoo
from registry.ranking import Ranking, rank_entries
from zoo._utils.arrays import Bytes, Doubles
from zoo.runner.draw import draw_poses
from zoo.runner.images import as_image
from zoo.runner.protocols import get_keypoint_protocol
from zoo.runner.runner import Runner, make_estimator
from zoo.sample import CATALOG, NAME
from zoo.sample.canvas import Canvas, Color, silhouette
from zoo.sample.figure_strokes import Appearance, build_strokes, project
from zoo.sample.local_server import serve_sample
from zoo.sample.skeleton import Posture, build_body
from zoo.settings import from_environment

OUT = Path("docs/images/overview.png")
DEVICE = "sd865"

SIZE = (1800, 800)  # twice the size at which the README shows it
DRAWING = (660, 680)
MARGIN = 60
INK, SOFT, GRID, PAPER = (27, 31, 36), (89, 99, 110), (225, 229, 234), (255, 255, 255)
OLDER, NEWER, FRONT = (0, 114, 178), (213, 94, 0), (140, 149, 159)

LABELS: dict[str, tuple[str, int, int, str]] = {
    "picodet_s_320_coco@2021.10": ("S 320", 0, 24, "mt"),
    "picodet_m_320_coco@2021.10": ("M 320", -16, -8, "rb"),
    "picodet_l_320_coco@2021.10": ("L 320", -16, -8, "rb"),
    "picodet_m_416_coco@2021.10": ("M 416", -16, -8, "rb"),
    "picodet_l_416_coco@2021.10": ("L 416", -14, -12, "rb"),
    "picodet_m_416_coco_lcnet@2022.03": ("M 416", 18, 8, "lt"),
    "picodet_l_416_coco_lcnet@2022.03": ("L 416", 18, 8, "lt"),
    "picodet_l_640_coco@2021.10": ("L 640", -16, -8, "rb"),
    "picodet_l_640_coco_lcnet@2022.03": ("L 640", 0, -20, "mb"),
}
"""Text, offset and anchor of the labeled entries; other labels would overlap."""

_PROPORTIONS = dict.fromkeys(("arms", "legs", "trunk", "breadth", "head"), 1.0)


@dataclass(frozen=True)
class Figure:
    """A figure of the drawing.

    Attributes:
        posture: Its pose; the limbs are the left arm, right arm, left leg and right leg.
        appearance: Its clothes and colors.
        height: Its height in pixels.
        hips: Position of its hips in pixels.
    """

    posture: Posture
    appearance: Appearance
    height: float
    hips: tuple[float, float]


def _posture(turn: float, head: float, *limbs: tuple[float, float, float, float]) -> Posture:
    names = ("left_arm", "right_arm", "left_leg", "right_leg")
    angles = dict(zip(names, limbs, strict=True))
    return Posture(turn=turn, tilt=0, lean=2, bow=0, nod=(0, 0, head), limbs=angles)


def _appearance(skin: Color, shirt: Color, trousers: Color, *, sleeves: int, long_legs: bool) -> Appearance:
    return Appearance(
        skin=skin,
        hair=(28, 22, 20),
        shirt=shirt,
        sleeves=sleeves,
        trousers=trousers,
        long_legs=long_legs,
        shoes=(52, 58, 64),
        girth=1.0,
        roundness=0.25,
    )


FIGURES = (
    Figure(
        _posture(-8, -6, (10, 14, 20, 0), (0, 105, 70, -90), (-8, 8, 4, 0), (10, 5, 8, 0)),
        _appearance((205, 150, 108), (66, 133, 180), (60, 72, 88), sleeves=1, long_legs=True),
        height=460,
        hips=(215, 385),
    ),
    Figure(
        _posture(25, 5, (45, 30, 70, 0), (-30, 20, 60, 0), (42, 4, 60, 0), (-18, 4, 22, 0)),
        _appearance((112, 72, 48), (222, 140, 70), (70, 60, 90), sleeves=0, long_legs=False),
        height=440,
        hips=(460, 420),
    ),
)


def draw_figures() -> tuple[Bytes, Doubles]:
    """Draw the figures on a plain background; returns the image and ``(N, 4)`` boxes."""
    width, height = DRAWING
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, bottom = (np.array(color, dtype=np.float32) for color in ((214, 226, 238), (246, 243, 236)))
    pixels = np.repeat(top + down * (bottom - top), width, axis=1)
    pixels[int(0.8 * height) :] = (226, 222, 212)
    canvas, boxes = Canvas.over(pixels), []
    for figure in FIGURES:
        scale = figure.height / 1.75
        points = project(build_body(figure.posture, _PROPORTIONS), scale, figure.hips)
        strokes = build_strokes(points, scale, figure.appearance)
        for stroke in strokes:
            canvas.draw(stroke, 0)
        mask = silhouette(strokes, (height, width))
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return canvas.to_image(np.zeros_like(pixels)), np.array(boxes, dtype=np.float64)


def annotate_figures() -> Bytes:
    """Run the sample model on the drawing and draw its results, RGB."""
    entry = registry.load(CATALOG).get(NAME)
    with TemporaryDirectory() as folder, serve_sample(entry) as mirror:
        settings = replace(
            from_environment(),
            catalogs=(str(CATALOG),),
            mirrors=(mirror,),
            cache=Path(folder),
            offline=False,
        )
        with zoo.load(NAME, backend="onnx", build=True, settings=settings) as runner:
            return _annotate(runner)


def _annotate(runner: Runner) -> Bytes:
    image, boxes = draw_figures()
    source = as_image(image, honor_exif=False)
    estimator = make_estimator(runner.model, get_keypoint_protocol(runner.model.entry))
    drawn = draw_poses(source, estimator(source, boxes), estimator.output)
    return np.ascontiguousarray(drawn.as_bgr()[:, :, ::-1])


def select_ranking() -> Ranking:
    """Select the ranking of the catalog with the most entries."""
    return max(rank_entries(registry.load(), device=DEVICE).rankings, key=lambda found: len(found.rows))


@dataclass(frozen=True)
class Axes:
    """Positions of the chart: latency on a logarithmic axis, accuracy on a linear one."""

    left: float = MARGIN + DRAWING[0] + 130
    right: float = SIZE[0] - 50
    top: float = 150
    bottom: float = 640
    fastest: float = 5
    slowest: float = 140
    low: float = 22
    high: float = 45

    def x(self, milliseconds: float) -> float:
        """Horizontal position of a latency."""
        share = math.log(milliseconds / self.fastest) / math.log(self.slowest / self.fastest)
        return self.left + share * (self.right - self.left)

    def y(self, accuracy: float) -> float:
        """Vertical position of an accuracy."""
        return self.bottom - (accuracy - self.low) / (self.high - self.low) * (self.bottom - self.top)


def draw_chart(canvas: Any, ranking: Ranking, font: Any) -> None:
    """Draw accuracy against latency with the Pareto front.

    Args:
        canvas: Pillow's drawing of the image.
        ranking: The entries, fastest first.
        font: Function from a size to a font.
    """
    axes = Axes()
    _draw_axes(canvas, axes, ranking, font)
    front = [row for row in ranking.rows if row.beaten_by is None]
    for one, two in pairwise([(axes.x(row.milliseconds), axes.y(row.accuracy)) for row in front]):
        canvas.line([one, (two[0], one[1]), two], fill=FRONT, width=3)
    for row in ranking.rows:
        x, y = axes.x(row.milliseconds), axes.y(row.accuracy)
        on_front = row.beaten_by is None
        radius = 11 if on_front else 8
        color = NEWER if "_lcnet@" in row.entry else OLDER
        box = [x - radius, y - radius, x + radius, y + radius]
        canvas.ellipse(box, fill=color if on_front else PAPER, outline=color, width=4)
        if (label := LABELS.get(row.entry)) is not None:
            text, dx, dy, anchor = label
            canvas.text((x + dx, y + dy), text, fill=INK, font=font(24), anchor=anchor)
    _draw_legend(canvas, axes, font)


def _draw_axes(canvas: Any, axes: Axes, ranking: Ranking, font: Any) -> None:
    canvas.text((axes.left - 70, 54), "PicoDet in the catalog", fill=INK, font=font(40))
    canvas.text((axes.left - 70, 106), f"{ranking.accuracy.metric} on COCO, %", fill=SOFT, font=font(26))
    for accuracy in range(25, 46, 5):
        y = axes.y(accuracy)
        canvas.line([(axes.left, y), (axes.right, y)], fill=GRID, width=2)
        canvas.text((axes.left - 16, y), f"{accuracy}", fill=SOFT, font=font(26), anchor="rm")
    for milliseconds in (5, 10, 20, 50, 100):
        position = (axes.x(milliseconds), axes.bottom + 30)
        canvas.text(position, f"{milliseconds}", fill=SOFT, font=font(26), anchor="mm")
    title = "ms per image on a Snapdragon 865, FP16, 4 threads (logarithmic)"
    position = ((axes.left + axes.right) / 2, axes.bottom + 74)
    canvas.text(position, title, fill=SOFT, font=font(26), anchor="mm")


def _draw_legend(canvas: Any, axes: Axes, font: Any) -> None:
    x = axes.right - 300
    for y, color, text in ((505, OLDER, "2021 release"), (545, NEWER, "2022 release (LCNet)")):
        canvas.ellipse([x, y - 9, x + 18, y + 9], fill=color)
        canvas.text((x + 32, y), text, fill=INK, font=font(24), anchor="lm")
    canvas.line([(x - 4, 585), (x + 22, 585)], fill=FRONT, width=3)
    canvas.text((x + 32, 585), "Pareto front", fill=INK, font=font(24), anchor="lm")


def make_image(out: Path) -> None:
    """Make the image.

    Args:
        out: PNG file.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont  # imported here: only this program draws text
    except ImportError as error:
        raise SystemExit("this program needs Pillow: pip install pillow") from error

    page = Image.new("RGB", SIZE, PAPER)
    page.paste(Image.fromarray(annotate_figures()), (MARGIN, (SIZE[1] - DRAWING[1]) // 2))
    draw_chart(ImageDraw.Draw(page), select_ranking(), lambda size: ImageFont.load_default(size=size))
    out.parent.mkdir(parents=True, exist_ok=True)
    # A palette keeps the file small: the image has few colors besides the edges and shades of the figures.
    page.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.readme_image", description="Make the image of the README."
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"PNG file, default: {OUT}")
    make_image(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
