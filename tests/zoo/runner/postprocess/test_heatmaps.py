"""Decoding of heat-map peaks to a fraction of a cell."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from registry.errors import ConversionError
from registry.schema.protocol import HeatmapDecoder
from tests.helpers.model_specs import ARGMAX, DARK, PAIRS, POSE_INPUT
from zoo.runner.geometry import compute_regions, map_from_heatmap
from zoo.runner.postprocess.checks import check_finite, check_indices
from zoo.runner.postprocess.heatmaps import average_with_mirrored, decode_heatmaps
from zoo.runner.protocols import PYTHON_DEPLOYMENT_CROP

HEIGHT, WIDTH = 32, 24


def gaussian(x: float, y: float, sigma: float, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)).astype(np.float32)[None, None]


def one_map_at_a_time(maps: np.ndarray, kernel: int) -> np.ndarray:
    """DARK by its definition: blur, rescale and take the logarithm of whole maps, one by one."""
    points = np.zeros((*maps.shape[:2], 2))
    for at in np.ndindex(*maps.shape[:2]):
        heat = maps[at]
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        if heat.max() <= 0:
            continue
        points[at] = x, y
        padded = np.pad(heat.astype(np.float64), kernel // 2)
        blurred = cv2.GaussianBlur(padded, (kernel, kernel), 0)
        blurred = blurred[kernel // 2 : -(kernel // 2), kernel // 2 : -(kernel // 2)].astype(np.float32)
        if blurred.max() <= 0:
            continue
        log = np.log(np.maximum(blurred * (heat.max() / blurred.max()), np.float32(1e-10)))
        if not (1 < x < heat.shape[1] - 2 and 1 < y < heat.shape[0] - 2):
            continue
        gradient = np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]]) / 2
        dxx = (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2]) / 4
        dyy = (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x]) / 4
        dxy = (log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1]) / 4
        if dxx * dyy - dxy**2 != 0:
            hessian = np.array([[dxx, dxy], [dxy, dyy]], dtype=np.float64)
            points[at] -= np.linalg.solve(hessian, gradient.astype(np.float64))
    return points


@given(st.floats(4, 19), st.floats(4, 27), st.floats(1, 3))
def test_dark_recovers_the_center_of_a_gaussian(x: float, y: float, sigma: float) -> None:
    peaks = decode_heatmaps(gaussian(x, y, sigma), DARK)
    np.testing.assert_allclose(peaks.points[0, 0], [x, y], atol=0.05)
    assert peaks.scores[0, 0] == gaussian(x, y, sigma).max()


@settings(max_examples=60)
@given(
    arrays(np.float32, (2, 3, 9, 8), elements=st.floats(-1, 1, width=32)),
    st.sampled_from([3, 5, 11]),
)
def test_dark_equals_the_definition_on_any_maps(maps: np.ndarray, kernel: int) -> None:
    decoder = HeatmapDecoder(method="dark", kernel=kernel, back_projection="affine")
    expected = one_map_at_a_time(maps, kernel)
    np.testing.assert_allclose(decode_heatmaps(maps, decoder).points, expected, rtol=1e-3, atol=1e-3)


def test_dark_equals_the_definition_on_real_maps(shared: Path) -> None:
    maps = np.load(shared / "data/reference/arm/golden_tinypose_128x96.npz")["heatmap_fp32"]
    np.testing.assert_allclose(decode_heatmaps(maps, DARK).points, one_map_at_a_time(maps, 3), atol=1e-4)


@pytest.mark.parametrize("decoder", [DARK, ARGMAX])
def test_peaks_at_the_border_stay_in_their_cell(decoder: HeatmapDecoder) -> None:
    border = [(x, y) for y in range(HEIGHT) for x in range(WIDTH) if x < 2 or y < 2 or x == 23 or y == 31]
    maps = np.concatenate([gaussian(x, y, 2) for x, y in border])
    assert (decode_heatmaps(maps, decoder).points[:, 0] == np.array(border)).all()


def test_dark_needs_two_cells_after_the_peak_and_the_quarter_shift_one() -> None:
    maps = np.concatenate([gaussian(21.8, 16, 2), gaussian(12, 29.8, 2)])
    assert decode_heatmaps(maps, DARK).points[:, 0].tolist() == [[22, 16], [12, 30]]
    assert decode_heatmaps(maps, ARGMAX).points[:, 0].tolist() == [[21.75, 16], [12, 29.75]]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(10.3, 15.4, (10.25, 15.25)), (9.7, 14.6, (9.75, 14.75)), (10, 15, (10, 15))],
)
def test_argmax_shifts_a_quarter_towards_the_higher_neighbor(
    x: float, y: float, expected: tuple[float, float]
) -> None:
    assert tuple(decode_heatmaps(gaussian(x, y, 2), ARGMAX).points[0, 0]) == expected


@pytest.mark.parametrize("decoder", [DARK, ARGMAX])
@pytest.mark.parametrize("value", [0.0, -0.5, 0.25])
def test_flat_maps_put_the_joint_at_the_origin(decoder: HeatmapDecoder, value: float) -> None:
    peaks = decode_heatmaps(np.full((1, 2, HEIGHT, WIDTH), value, np.float32), decoder)
    assert (peaks.points == 0).all()
    assert (peaks.scores == np.float32(value)).all()


@pytest.mark.parametrize("decoder", [DARK, ARGMAX])
def test_maps_without_a_positive_value_put_the_joint_at_the_origin(decoder: HeatmapDecoder) -> None:
    peaks = decode_heatmaps(gaussian(12, 16, 2) - 1.5, decoder)
    assert peaks.points.tolist() == [[[0, 0]]]
    assert peaks.scores[0, 0] == -0.5


def test_a_plateau_gives_its_peak() -> None:
    maps = np.zeros((1, 1, HEIGHT, WIDTH), np.float32)
    maps[..., 5:20, 5:20] = 1
    maps[..., 12, 12] = 1.001
    assert np.abs(decode_heatmaps(maps, DARK).points[0, 0] - 12).max() < 0.01


@pytest.mark.parametrize("decoder", [DARK, ARGMAX])
def test_no_persons_and_tiny_maps(decoder: HeatmapDecoder) -> None:
    assert decode_heatmaps(np.zeros((0, 17, HEIGHT, WIDTH), np.float32), decoder).points.shape == (0, 17, 2)
    tiny = np.array([[[[0.1, 0.9], [0.2, 0.3]]]], np.float32)
    assert decode_heatmaps(tiny, decoder).points.tolist() == [[[1, 0]]]


def test_decoding_does_not_modify_the_maps() -> None:
    maps = gaussian(12.3, 16.1, 2)
    before = maps.copy()
    decode_heatmaps(maps, DARK)
    assert (maps == before).all()


def test_joints_match_upstreams_on_its_own_heat_maps(shared: Path) -> None:
    for image, size in (("demo_3", (359, 423)), ("demo_4", (904, 821))):
        stem = f"data/reference/tinypose_128x96__{image}__A"
        persons = json.loads((shared / f"{stem}.keypoints.json").read_text())["persons"]
        stored = np.load(shared / f"{stem}.heatmaps.npz")
        maps = np.concatenate([stored[f"heatmap_{number}"] for number in range(len(persons))])
        boxes = np.array([person["det"][2:] for person in persons])
        input_size = (POSE_INPUT.width, POSE_INPUT.height)
        regions = compute_regions(boxes, PYTHON_DEPLOYMENT_CROP, input_size=input_size, image_size=size)
        for decoder, name in ((DARK, "keypoints_image_dark"), (ARGMAX, "keypoints_image_nodark")):
            peaks = decode_heatmaps(maps, decoder)
            points = map_from_heatmap(regions, decoder, (WIDTH, HEIGHT)).apply(peaks.points)
            expected = np.array([person[name] for person in persons])
            np.testing.assert_allclose(points, expected[:, :, :2], atol=1e-3)
            np.testing.assert_allclose(peaks.scores, expected[:, :, 2], atol=1e-6)


def test_a_mirrored_pass_of_a_perfect_network_changes_nothing_but_the_edge() -> None:
    maps = np.random.default_rng(0).random((2, 17, HEIGHT, WIDTH), np.float32)
    swapped = maps.copy()
    for left, right in PAIRS:
        swapped[:, [left, right]] = maps[:, [right, left]]
    # The output of a perfect network for a mirrored input: one cell further left once mirrored back.
    seen = np.concatenate([swapped[..., 1:], swapped[..., -1:]], axis=3)[..., ::-1]
    averaged = average_with_mirrored(maps, seen, PAIRS)
    np.testing.assert_allclose(averaged[..., 1:], maps[..., 1:], rtol=1e-6)
    np.testing.assert_allclose(averaged[..., 0], (maps[..., 0] + maps[..., 1]) / 2, rtol=1e-6)


def test_averaging_with_the_mirrored_pass_matches_upstream_on_real_maps(shared: Path) -> None:
    golden = np.load(shared / "data/reference/arm/golden_tinypose_128x96.npz")
    averaged = average_with_mirrored(golden["heatmap_fp32"], golden["heatmap_flipped_fp32"], PAIRS)
    alone = golden["heatmap_fp32"]
    # The two passes agree: averaging moves no confident peak by more than a cell or so.
    first, second = decode_heatmaps(alone, ARGMAX), decode_heatmaps(averaged, ARGMAX)
    confident = first.scores > 0.5
    assert np.abs(first.points - second.points)[confident].max() <= 2
    assert confident.sum() > 100


@pytest.mark.parametrize("index", [-1, 768, 2**40])
def test_indices_outside_the_map_are_refused(index: int) -> None:
    with pytest.raises(ConversionError) as caught:
        check_indices(np.array([[0, 767, index]]), (WIDTH, HEIGHT))
    assert caught.value.code == "index-out-of-range"


def test_indices_inside_the_map_pass() -> None:
    check_indices(np.array([[0, 767]]), (WIDTH, HEIGHT))
    check_indices(np.zeros((0, 17), np.int64), (WIDTH, HEIGHT))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_numbers_are_refused(value: float) -> None:
    with pytest.raises(ConversionError) as caught:
        check_finite([np.zeros(3), np.array([0, value])])
    assert caught.value.code == "output-not-finite"
    check_finite([np.zeros(3), np.arange(3)])
