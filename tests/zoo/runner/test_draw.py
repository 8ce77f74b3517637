"""Drawing: everything is visible, and other pixels are unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from registry.errors import UsageError
from tests.helpers.model_specs import HEATMAPS
from zoo.runner.draw import draw_boxes, draw_poses, save_image
from zoo.runner.images import Image, read_image
from zoo.runner.results import Detections, Poses

GREY = 120


def gray_image(height: int = 400, width: int = 300) -> Image:
    return Image(np.full((height, width, 3), GREY, np.uint8), "rgb")


def person(x: float = 150, y: float = 60, size: float = 1.0, score: float = 0.9) -> Poses:
    """A standing person who faces the camera."""
    offsets = [(0, 0), (6, -6), (-6, -6), (14, -2), (-14, -2), (35, 45), (-35, 45), (45, 100), (-45, 100)]
    offsets += [(48, 150), (-48, 150), (22, 150), (-22, 150), (22, 220), (-22, 220), (22, 290), (-22, 290)]
    points = np.array(offsets) * size + (x, y)
    keypoints = np.column_stack([points, np.full(17, score)])[None]
    box = np.array([[x - 60 * size, y - 30 * size, x + 60 * size, y + 310 * size]])
    return Poses(keypoints, np.array([score]), box, np.array([1e4]))


def changed(image: Image, drawn: Image) -> np.ndarray:
    return (image.as_bgr() != drawn.as_bgr()).any(axis=2)


def test_left_limbs_are_warm_and_right_limbs_cold() -> None:
    drawn = draw_poses(gray_image(), person(), HEATMAPS).as_bgr().astype(int)
    blue, _, red = drawn[60 + 75, 150 + 40]  # middle of the left upper arm
    assert red > blue + 80
    blue, _, red = drawn[60 + 75, 150 - 40]
    assert blue > red + 80


def test_the_original_and_pixels_away_from_the_person_are_unchanged() -> None:
    image = gray_image(400, 900)
    drawn = draw_poses(image, person(), HEATMAPS)
    assert (image.pixels == GREY).all()
    touched = changed(image, drawn)
    assert touched.any()
    assert not touched[:, 240:].any()


def test_joints_below_the_threshold_and_their_limbs_are_left_out() -> None:
    doubtful = person()
    doubtful.keypoints[0, 5:, 2] = 0.1
    shown = changed(gray_image(), draw_poses(gray_image(), doubtful, HEATMAPS))
    assert shown[40:75, 130:170].any()
    assert not shown[100:360, 100:200].any()
    assert changed(gray_image(), draw_poses(gray_image(), doubtful, HEATMAPS, threshold=0.05))[
        100:360, 100:200
    ].any()


def test_a_joint_with_a_low_score_is_a_ring() -> None:
    sure, unsure = person(400, 100, 2.0), person(400, 100, 2.0)
    unsure.keypoints[0, :, 2] = 0.4
    ankle = (680, 444)

    disc = draw_poses(gray_image(800, 800), sure, HEATMAPS).as_bgr()[ankle].astype(int)
    ring = draw_poses(gray_image(800, 800), unsure, HEATMAPS).as_bgr()[ankle].astype(int)

    assert disc[2] - disc[0] > 60
    assert ring.max() < 60


def test_stroke_width_scales_with_the_person() -> None:
    image = gray_image(800, 800)
    small = draw_poses(image, person(400, 60, 0.3), HEATMAPS)
    large = draw_poses(image, person(400, 100, 2.0), HEATMAPS)

    def width_of_the_left_thigh(drawn: Image, x: float, y: float, size: float) -> int:
        row = drawn.as_bgr()[round(y + 185 * size)].astype(int)
        near = row[round(x + 22 * size) - 40 : round(x + 22 * size) + 40] if size > 1 else row[400:420]
        return int((near[:, 2] - near[:, 0] > 60).sum())

    assert width_of_the_left_thigh(large, 400, 100, 2) > width_of_the_left_thigh(small, 400, 60, 0.3) > 0


@pytest.mark.parametrize("shift", [-1000, 1e6, -1e12])
def test_joints_and_boxes_far_outside_the_image_are_accepted(shift: float) -> None:
    stray = person()
    stray.keypoints[0, 7:11, :2] += shift
    drawn = draw_poses(gray_image(), stray, HEATMAPS)
    assert drawn.pixels.shape == (400, 300, 3)
    beyond = Poses(stray.keypoints, stray.scores, stray.boxes + shift, stray.areas)
    draw_poses(gray_image(), beyond, HEATMAPS)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 500), (20, 20)])
def test_any_size_of_image_can_be_drawn_on(height: int, width: int) -> None:
    assert draw_poses(gray_image(height, width), person(), HEATMAPS).pixels.shape == (height, width, 3)


def test_no_person_leaves_the_image_unchanged() -> None:
    none = Poses(np.zeros((0, 17, 3)), np.zeros(0), np.zeros((0, 4)), np.zeros(0))
    assert not changed(gray_image(), draw_poses(gray_image(), none, HEATMAPS)).any()


def test_limbs_are_those_of_the_models_skeleton() -> None:
    found = person()
    found.keypoints[0, :4, :2] = [(50, 100), (250, 100), (50, 300), (250, 300)]
    corners = Poses(found.keypoints[:, :4], np.ones(1), found.boxes, np.ones(1))
    plain = HEATMAPS.model_copy(
        update={"joints": ("a", "b", "c", "d"), "flip_pairs": None, "skeleton": ((0, 1), (2, 3))}
    )
    touched = changed(gray_image(), draw_poses(gray_image(), corners, plain))
    assert touched[100, 50:250].all()
    assert touched[300, 50:250].all()
    assert not touched[150:280, 240:260].any()

    none = changed(gray_image(), draw_poses(gray_image(), corners, plain.model_copy(update={"skeleton": ()})))
    assert none[100, 50]
    assert none[300, 250]
    assert not none[100, 80:85].any()


def test_the_best_person_is_drawn_last() -> None:
    front, back = person(score=0.9), person(150, 62, score=0.5)
    both = Poses(
        *(np.concatenate(pair) for pair in zip(vars(front).values(), vars(back).values(), strict=True))
    )
    swapped = both.select(np.array([1, 0]))
    assert (
        draw_poses(gray_image(), both, HEATMAPS).pixels == draw_poses(gray_image(), swapped, HEATMAPS).pixels
    ).all()


def test_boxes_above_the_threshold_are_drawn_at_their_coordinates() -> None:
    boxes = np.array([[50, 60, 150, 200], [10, 300, 90, 390]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.4], np.float32), np.array([0, 1]))
    touched = changed(gray_image(), draw_boxes(gray_image(), found, ("person", "bicycle")))
    assert touched[200, 50:151].all()
    assert touched[60:201, 150].all()
    assert not touched[70:190, 60:140].any()
    assert not touched[290:].any()
    assert changed(gray_image(), draw_boxes(gray_image(), found, ("person", "bicycle"), threshold=0.3))[
        290:
    ].any()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp", ".bmp"])
def test_the_suffix_decides_the_image_format(tmp_path: Path, suffix: str) -> None:
    drawn = draw_poses(gray_image(), person(), HEATMAPS)
    path = tmp_path / f"out{suffix}"
    save_image(drawn, path)
    difference = read_image(path, honor_exif=True).as_bgr().astype(int) - drawn.as_bgr()
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize(
    ("name", "code"),
    [("out.xyz", "image-format"), ("out", "image-format"), ("no/such/folder.png", "output-not-writable")],
)
def test_images_that_cannot_be_written_give_an_error(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        save_image(gray_image(), tmp_path / name)
    assert caught.value.code == code
