"""Boxes become regions, and regions become invertible maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from registry.schema.protocol import Crop, HeatmapDecoder
from tests.helpers.model_specs import ARGMAX, EVALUATION_CROP
from zoo.runner.geometry import Regions, compute_regions, map_from_heatmap, map_to_input
from zoo.runner.protocols import PYTHON_DEPLOYMENT_CROP

INPUT, CELLS, IMAGE = (96, 128), (24, 32), (640, 480)
UDP = HeatmapDecoder(method="argmax", back_projection="udp")

finite = st.floats(-2000, 2000, allow_nan=False)
boxes = st.tuples(finite, finite, st.floats(0, 3000), st.floats(0, 3000)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
crops = st.builds(
    Crop,
    aspect=st.sampled_from(["both", "width_only"]),
    expand=st.floats(0.5, 3),
    border=st.sampled_from(["black", "clip"]),
    udp=st.booleans(),
)


def region(box: tuple[float, ...], crop: Crop, image: tuple[int, int] = IMAGE) -> Regions:
    return compute_regions(np.array([box]), crop, input_size=INPUT, image_size=image)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((100, 100, 175, 200), (75, 100)),  # already 3:4
        ((100, 100, 150, 200), (75, 100)),  # too tall: wider
        ((100, 100, 250, 200), (150, 200)),  # too wide: taller
    ],
)
def test_evaluation_widens_the_short_side_and_adds_a_quarter(
    box: tuple[float, ...], size: tuple[float, float]
) -> None:
    found = region(box, EVALUATION_CROP)
    np.testing.assert_allclose(found.size[0], np.array(size) * 1.25, rtol=1e-6)
    np.testing.assert_allclose(found.center[0], [(box[0] + box[2]) / 2, 150])
    assert found.windows is None


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((100.9, 100.2, 200.7, 200.9), (85, 85, 215, 215)),  # wide boxes stay wide
        ((100, 100, 120, 200), (61, 85, 158, 215)),  # tall ones are widened to 3:4
        ((-50, 10, 100, 400), (0, 0, 215, 458)),  # clipped at the border: 0 and the last pixel, excluded
        ((500, 300, 700, 600), (453, 255, 639, 479)),
    ],
)
def test_deployment_crops_whole_pixels_inside_the_image(
    box: tuple[float, ...], window: tuple[int, ...]
) -> None:
    found = region(box, PYTHON_DEPLOYMENT_CROP)
    assert found.windows is not None
    assert tuple(found.windows[0].tolist()) == window


@given(boxes, crops)
def test_a_region_always_has_an_extent_and_a_clipped_one_lies_in_the_image(
    box: tuple[float, ...], crop: Crop
) -> None:
    found = region(box, crop)
    assert np.isfinite(found.center).all()
    assert (found.size > 0).all()
    if found.windows is not None:
        x1, y1, x2, y2 = found.windows[0]
        assert 0 <= x1 <= x2 < IMAGE[0]
        assert 0 <= y1 <= y2 < IMAGE[1]


@given(boxes, crops, st.lists(st.tuples(finite, finite), min_size=1, max_size=5))
def test_a_map_and_its_inverse_cancel(
    box: tuple[float, ...], crop: Crop, points: list[tuple[float, float]]
) -> None:
    there = map_to_input(region(box, crop), crop, INPUT)
    given_points = np.array([points])
    np.testing.assert_allclose(there.inverse().apply(there.apply(given_points)), given_points, atol=1e-6)


@given(boxes)
def test_unbiased_maps_align_the_outer_pixel_centers(box: tuple[float, ...]) -> None:
    found = region(box, EVALUATION_CROP)
    start, end = found.center - found.size / 2, found.center + found.size / 2
    there = map_to_input(found, EVALUATION_CROP, INPUT).apply(np.stack([start, end], axis=1))
    np.testing.assert_allclose(there[0], [[0, 0], [95, 127]], atol=0.05)  # kept in single precision
    back = map_from_heatmap(found, UDP, CELLS).apply(np.array([[[0, 0], [23, 31]]]))
    np.testing.assert_allclose(back, np.stack([start, end], axis=1), atol=1e-6)


@given(boxes)
def test_plain_maps_align_the_centers_and_scale_by_width(box: tuple[float, ...]) -> None:
    found = region(box, EVALUATION_CROP)
    back = map_from_heatmap(found, ARGMAX, CELLS).apply(np.array([[[12, 16], [13, 17]]]))[0]
    np.testing.assert_allclose(back[0], found.center[0], atol=1e-9)
    np.testing.assert_allclose(back[1] - back[0], found.size[0, 0] / 24, rtol=1e-6, atol=1e-9)


def test_deployment_projects_back_around_the_rounded_center() -> None:
    found = region((10, 20, 111, 121), PYTHON_DEPLOYMENT_CROP)
    assert found.windows is not None
    x1, y1, x2, y2 = found.windows[0]
    back = map_from_heatmap(found, ARGMAX, CELLS).apply(np.array([[[12.0, 16.0]]]))[0, 0]
    assert tuple(back) == (x1 + np.rint((x2 - x1) / 2), y1 + np.rint((y2 - y1) / 2))


def test_a_one_pixel_box_gives_a_region_of_one_pixel_and_its_surroundings() -> None:
    np.testing.assert_allclose(region((50, 60, 50, 60), EVALUATION_CROP).size[0], [1.25, 1.25 * 4 / 3])


def test_no_boxes_give_no_regions() -> None:
    for empty in (np.zeros((0, 4)), np.array([])):
        for crop in (EVALUATION_CROP, PYTHON_DEPLOYMENT_CROP):
            found = compute_regions(empty, crop, input_size=INPUT, image_size=IMAGE)
            assert len(found) == 0
            assert map_to_input(found, crop, INPUT).matrices().shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (np.zeros((2, 5)), "box-shape"),
        (np.zeros(4), "box-shape"),
        (np.array([[0, 0, np.nan, 1]]), "box-not-finite"),
        (np.array([[0, 0, np.inf, 1]]), "box-not-finite"),
    ],
)
def test_invalid_boxes_are_refused(wrong: np.ndarray, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        compute_regions(wrong, EVALUATION_CROP, input_size=INPUT, image_size=IMAGE)
    assert caught.value.code == code
