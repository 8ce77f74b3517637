"""The image of the README: its parts exist and fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.readme_image import DRAWING, LABELS, OUT, draw_figures, select_ranking


def test_every_label_belongs_to_an_entry_on_the_front() -> None:
    front = {row.entry for row in select_ranking().rows if row.beaten_by is None}

    assert set(LABELS) <= front


def test_the_figures_are_inside_the_drawing() -> None:
    image, boxes = draw_figures()

    assert image.shape == (DRAWING[1], DRAWING[0], 3)
    assert (boxes[:, :2] > 0).all()
    assert (boxes[:, 2:] < DRAWING).all()
    assert np.unique(image.reshape(-1, 3), axis=0).shape[0] > 100


def test_the_committed_image_is_small() -> None:
    image = Path(__file__).parents[2] / OUT

    assert image.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert image.stat().st_size < 300_000
