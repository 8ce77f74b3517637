"""Drawing: the area of a stroke, and the visible stroke where several overlap."""

import math

import numpy as np
import pytest

from zoo.sample.canvas import Canvas, Stroke, silhouette

RED, BLUE = (255, 0, 0), (0, 0, 255)


def disc(x: float, y: float, radius: float, **more: object) -> Stroke:
    return Stroke((x, y), (x, y), (radius, radius), 0.0, **{"color": RED, **more})  # type: ignore[arg-type]


def blank(height: int = 40, width: int = 60) -> Canvas:
    return Canvas.over(np.zeros((height, width, 3), dtype=np.float32))


def test_a_disc_covers_the_area_of_a_circle_with_soft_edges() -> None:
    canvas = blank()

    canvas.draw(disc(30, 20, 10), owner=4)

    assert canvas.pixels[:, :, 0].sum() / 255 == pytest.approx(math.pi * 100, rel=0.01)
    assert (canvas.owner == 4).sum() == pytest.approx(math.pi * 100, rel=0.05)
    assert canvas.pixels[20, 30].tolist() == [255, 0, 0]


def test_a_stroke_widens_evenly_from_end_to_end() -> None:
    canvas = blank()

    canvas.draw(Stroke((10, 20), (50, 20), (2, 8), 0.0, RED), owner=0)

    heights = (canvas.owner == 0).sum(axis=0)
    assert heights[[10, 30, 50]].tolist() == [3, 9, 15]  # pixel centers nearer than the radius


def test_later_strokes_cover_earlier_ones() -> None:
    canvas = blank()

    canvas.draw(disc(30, 20, 10), owner=0)
    canvas.draw(disc(30, 20, 4, color=BLUE), owner=1)

    assert canvas.owner[20, 30] == 1
    assert canvas.pixels[20, 30].tolist() == [0, 0, 255]
    assert canvas.owner[20, 38] == 0


def test_a_round_stroke_is_darker_at_its_edge() -> None:
    canvas = blank()

    canvas.draw(disc(30, 20, 10, roundness=0.5), owner=0)

    assert canvas.pixels[20, 30, 0] == 255
    assert 100 < canvas.pixels[20, 39, 0] < 170


@pytest.mark.parametrize("place", [(-20, 20), (90, 20), (30, -20), (30, 70)])
def test_a_stroke_outside_the_image_draws_nothing(place: tuple[int, int]) -> None:
    canvas = blank()

    canvas.draw(disc(*place, 10), owner=0)

    assert not canvas.pixels.any()
    assert (canvas.owner == -1).all()
    assert not silhouette((disc(*place, 10),), (40, 60)).any()


def test_a_stroke_across_the_edge_is_cut_off() -> None:
    assert silhouette((disc(0, 0, 10),), (40, 60)).sum() == pytest.approx(math.pi * 100 / 4, rel=0.15)


def test_a_silhouette_is_what_strokes_cover_together() -> None:
    canvas, strokes = blank(), (disc(20, 20, 8), disc(28, 20, 8))
    for owner, stroke in enumerate(strokes):
        canvas.draw(stroke, owner)

    assert (silhouette(strokes, (40, 60)) == (canvas.owner >= 0)).all()


def test_values_beyond_eight_bits_are_cut_and_not_wrapped() -> None:
    canvas = Canvas.over(np.full((2, 2, 3), 250, dtype=np.float32))

    assert (canvas.to_image(np.full((2, 2, 3), 20, dtype=np.float32)) == 255).all()
    assert (canvas.to_image(np.full((2, 2, 3), -300, dtype=np.float32)) == 0).all()
