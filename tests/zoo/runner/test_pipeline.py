"""Images in, persons out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from registry.errors import ConversionError, NotFoundError, UsageError
from registry.schema.protocol import KeypointProtocol
from tests.helpers.fake_session import DETECTOR_TENSOR, POSE_TENSOR, FakeSession, bright_spots
from tests.helpers.model_specs import (
    DETECTOR_INPUT,
    EVALUATION_NMS,
    HEATMAPS,
    POSE_INPUT,
    POSE_PROTOCOL,
    RAW_BOXES,
)
from tests.zoo.conftest import OpenModel
from zoo._utils.choices import Backend
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, read_image
from zoo.runner.pipeline import Pipeline, read_ahead
from zoo.runner.protocols import PYTHON_DEPLOYMENT_NMS, as_python_deployment

ENGINES: list[Backend] = ["onnx", "paddle", "lite"]
DEPLOYMENT = as_python_deployment(POSE_PROTOCOL)
PLAIN = POSE_PROTOCOL.model_copy(update={"flip": False, "suppression": None})


def dark_image_with_spot(x: int, y: int, height: int = 300, width: int = 400) -> Image:
    """A black image with one white spot, which the fake network returns for every joint."""
    rows, columns = np.mgrid[:height, :width]
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 20**2))
    return Image(np.repeat(spot[:, :, None], 3, axis=2).astype(np.uint8), "rgb")


def estimator(protocol: KeypointProtocol, session: FakeSession | None = None) -> PoseEstimator:
    return PoseEstimator(session or FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, protocol)


def detector_that_returns(boxes: list[tuple[float, float, float, float, float]]) -> Detector:
    """A detector whose graph returns final boxes: score and corners."""
    rows = np.array([(0, *box) for box in boxes], np.float32).reshape(-1, 6)
    session = FakeSession(lambda _: [rows, np.array([len(rows)], np.int32)], DETECTOR_TENSOR)
    return Detector(session, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("image", ["demo_3", "demo_4"])
def test_the_deployments_results_are_reproduced(
    shared: Path, open_model: OpenModel, engine: Backend, image: str
) -> None:
    """Upstream's detector and pose model in sequence, from an image file to joints in the image."""
    detector = Detector(
        open_model("picodet_s_192_pedestrian", engine), DETECTOR_INPUT, RAW_BOXES, PYTHON_DEPLOYMENT_NMS
    )
    pose = PoseEstimator(open_model("tinypose_128x96", engine), POSE_INPUT, HEATMAPS, DEPLOYMENT)
    found = Pipeline(detector, pose)(shared / f"data/reference/{image}.jpg")
    stated = json.loads((shared / f"data/reference/tinypose_128x96__{image}__A.keypoints.json").read_text())
    boxes = json.loads((shared / f"data/reference/picodet_s_192_pedestrian__{image}.boxes.json").read_text())
    np.testing.assert_allclose(found.detections.boxes, np.array(boxes["boxes"])[:, 2:], atol=5e-3)
    np.testing.assert_allclose(found.detections.scores, np.array(boxes["boxes"])[:, 1], atol=1e-5)
    expected = np.array([person["keypoints_image_dark"] for person in stated["persons"]])
    np.testing.assert_allclose(found.poses.keypoints[:, :, :2], expected[:, :, :2], atol=0.01)
    np.testing.assert_allclose(found.poses.keypoints[:, :, 2], expected[:, :, 2], atol=1e-5)
    scores = [person["mean_score_dark"] for person in stated["persons"]]
    np.testing.assert_allclose(found.poses.scores, scores, atol=1e-5)


def test_the_whole_image_is_used_when_no_box_is_given(shared: Path) -> None:
    for image in ("demo_3", "demo_4"):
        session = FakeSession(bright_spots, POSE_TENSOR)
        poses = estimator(DEPLOYMENT, session)(shared / f"data/reference/{image}.jpg")
        stored = np.load(shared / f"data/reference/tinypose_128x96__{image}__A.heatmaps.npz")["full_input"]
        assert len(poses) == 1
        assert np.abs(session.fed[0]["image"] - stored).max() < 0.02  # one gray level in a few places
        assert (session.fed[0]["image"] != stored).mean() < 1e-3


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("back_projection", ["affine", "udp"])
def test_joints_land_where_they_are_in_the_image(flip: bool, back_projection: str) -> None:
    decoder = PLAIN.decoder.model_copy(update={"back_projection": back_projection})
    protocol = PLAIN.model_copy(update={"flip": flip, "decoder": decoder})
    boxes = np.array([[100, 50, 300, 250], [150, 60, 250, 280], [180, 100, 260, 180]])
    poses = estimator(protocol)(dark_image_with_spot(210, 140), boxes)
    # The fake network's cells are half a cell right of and below the positions in upstream's maps.
    cell = np.array([[250], [206.25], [100]]) / 24
    assert (np.abs(poses.keypoints[:, :, 0] - 210) < 0.75 * cell).all()
    assert (np.abs(poses.keypoints[:, :, 1] - 140) < 0.75 * cell).all()


def test_the_flip_test_feeds_the_mirrored_persons() -> None:
    session = FakeSession(bright_spots, POSE_TENSOR)
    estimator(POSE_PROTOCOL, session)(dark_image_with_spot(210, 140), np.array([[100, 50, 300, 250]]))
    first, second = (feeds["image"] for feeds in session.fed)
    assert (second == first[..., ::-1]).all()


def test_persons_are_run_in_batches_of_limited_size() -> None:
    session = FakeSession(bright_spots, POSE_TENSOR)
    boxes = np.array([[x, 50, x + 60, 250] for x in range(40)])
    together = estimator(PLAIN, session)(dark_image_with_spot(80, 140), boxes)
    assert sum(len(feeds["image"]) for feeds in session.fed) == 40
    assert max(len(feeds["image"]) for feeds in session.fed) < 40
    one = FakeSession(bright_spots, POSE_TENSOR.model_copy(update={"shape": (1, 3, 128, 96)}))
    alone = estimator(PLAIN, one)(dark_image_with_spot(80, 140), boxes)
    assert len(one.fed) == 40
    np.testing.assert_allclose(together.keypoints, alone.keypoints)


def test_the_same_person_twice_is_one_person_under_suppression() -> None:
    boxes = np.array([[100, 50, 300, 250], [101, 50, 301, 250], [0, 0, 40, 60]])
    scores = np.array([0.6, 0.9, 0.8])
    image = dark_image_with_spot(210, 140)
    poses = estimator(POSE_PROTOCOL)(image, boxes, scores)
    assert poses.boxes.tolist() == [[101, 50, 301, 250], [0, 0, 40, 60]]
    assert list(poses.scores) == sorted(poses.scores, reverse=True)
    assert len(estimator(PLAIN)(image, boxes, scores)) == 3


@pytest.mark.parametrize("protocol", [POSE_PROTOCOL, PLAIN, DEPLOYMENT])
@pytest.mark.filterwarnings("error")
def test_no_person_gives_no_poses(protocol: KeypointProtocol) -> None:
    session = FakeSession(bright_spots, POSE_TENSOR)
    poses = estimator(protocol, session)(dark_image_with_spot(9, 9), np.zeros((0, 4)))
    assert len(poses) == 0
    assert poses.records(7) == []
    assert not session.fed


@pytest.mark.parametrize(
    ("corrupt", "code"),
    [
        (lambda maps, index: [maps, index + 768], "index-out-of-range"),
        (lambda maps, index: [maps * np.nan, index], "output-not-finite"),
        (lambda maps, index: [maps[:, :16], index], "output-shape"),
        (lambda maps, index: [index, maps], "output-shape"),
    ],
)
def test_invalid_network_outputs_are_errors(corrupt: object, code: str) -> None:
    session = FakeSession(lambda tensor: corrupt(*bright_spots(tensor)), POSE_TENSOR)
    with pytest.raises(ConversionError) as caught:
        estimator(PLAIN, session)(dark_image_with_spot(9, 9), np.array([[0, 0, 50, 80]]))
    assert caught.value.code == code


def test_only_persons_above_the_threshold_get_poses() -> None:
    detector = detector_that_returns([(0.9, 100, 50, 300, 250), (0.51, 10, 10, 60, 90), (0.5, 0, 0, 9, 9)])
    result = Pipeline(detector, estimator(PLAIN))(dark_image_with_spot(210, 140))
    assert len(result.detections) == 3
    assert len(result.poses) == 2
    assert result.size == (400, 300)
    assert result.path is None


def test_boxes_beyond_the_image_are_accepted() -> None:
    detector = detector_that_returns(
        [(0.9, -50, -50, 20, 20), (0.8, 390, 290, 500, 600), (0.7, 900, 900, 950, 990)]
    )
    for protocol in (PLAIN, DEPLOYMENT):
        result = Pipeline(detector, estimator(protocol))(dark_image_with_spot(210, 140))
        assert np.isfinite(result.poses.keypoints).all()
        assert len(result.poses) == 3


def test_a_detector_without_persons_is_refused() -> None:
    plants = RAW_BOXES.model_copy(update={"classes": ("table", "figure")})
    session = FakeSession(lambda _: [], DETECTOR_TENSOR)
    detector = Detector(session, DETECTOR_INPUT, plants, EVALUATION_NMS)
    with pytest.raises(UsageError) as caught:
        Pipeline(detector, estimator(PLAIN))
    assert caught.value.code == "no-person-class"


@pytest.mark.parametrize(
    ("classes", "person"),
    [(("Person",), 0), (("pedestrian",), 0), (("car", "People"), 1), (("pedestrian", "person"), 1)],
)
def test_person_classes_of_other_names_are_accepted(classes: tuple[str, ...], person: int) -> None:
    rows = np.array([(label, 0.9, 100, 50, 300, 250) for label in range(len(classes))], np.float32)
    session = FakeSession(lambda _: [rows, np.array([len(rows)], np.int32)], DETECTOR_TENSOR)
    output = RAW_BOXES.model_copy(update={"classes": classes})
    detector = Detector(session, DETECTOR_INPUT, output, EVALUATION_NMS)
    assert detector.person == person
    assert len(Pipeline(detector, estimator(PLAIN))(dark_image_with_spot(210, 140)).poses) == 1


def test_graphs_that_scale_boxes_are_fed_the_scale() -> None:
    inputs = (
        DETECTOR_TENSOR,
        DETECTOR_TENSOR.model_copy(update={"name": "scale_factor", "shape": (1, 2)}),
        DETECTOR_TENSOR.model_copy(update={"name": "im_shape", "shape": (1, 2)}),
    )
    session = FakeSession(lambda _: [np.zeros((0, 6), np.float32), np.zeros(1, np.int32)], *inputs)
    Detector(session, DETECTOR_INPUT, RAW_BOXES, EVALUATION_NMS)(dark_image_with_spot(9, 9, 96, 384))
    assert session.fed[0]["scale_factor"].tolist() == [[2, 0.5]]
    assert session.fed[0]["im_shape"].tolist() == [[192, 192]]


def test_records_are_in_cocos_layout() -> None:
    detector = detector_that_returns([(0.9, 100, 50, 300, 250)])
    result = Pipeline(detector, estimator(PLAIN))(dark_image_with_spot(210, 140))
    (box,) = result.detections.records(42, (1,))
    assert box == {"image_id": 42, "category_id": 1, "bbox": [100, 50, 200, 200], "score": pytest.approx(0.9)}
    (person,) = json.loads(json.dumps(result.poses.records(42)))
    assert (person["image_id"], person["category_id"], person["bbox"]) == (42, 1, [100, 50, 200, 200])
    assert len(person["keypoints"]) == 51
    assert person["keypoints"][2::3] == pytest.approx([result.poses.keypoints[0, 0, 2]] * 17)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_stream_equals_single_calls_in_order(shared: Path, jobs: int) -> None:
    files = [shared / f"data/reference/demo_{number}.jpg" for number in (3, 4, 3, 3, 4, 3, 4)]
    pipeline = Pipeline(detector_that_returns([(0.9, 100, 50, 300, 250)]), estimator(PLAIN))
    results = list(pipeline.stream(files, jobs=jobs))
    assert [result.path for result in results] == files
    for file, result in zip(files[:2], results, strict=False):
        assert (pipeline(file).poses.keypoints == result.poses.keypoints).all()


def test_reading_ahead_consumes_only_a_few_images() -> None:
    taken = 0

    def endless() -> Iterator[Image]:
        nonlocal taken
        while True:
            taken += 1
            yield dark_image_with_spot(9, 9, 30, 40)

    images = read_ahead(endless(), honor_exif=True)
    for _ in range(10):
        next(images)
    images.close()
    assert 10 <= taken <= 16
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoo")]


def test_an_unreadable_image_ends_the_stream_with_its_name(shared: Path, tmp_path: Path) -> None:
    pipeline = Pipeline(detector_that_returns([]), estimator(PLAIN))
    results = pipeline.stream([shared / "data/reference/demo_3.jpg", tmp_path / "gone.jpg"])
    assert len(next(results).poses) == 0
    with pytest.raises(NotFoundError, match=r"gone\.jpg"):
        next(results)


def test_the_same_image_from_file_array_and_pil(shared: Path) -> None:
    pil = pytest.importorskip("PIL.Image", reason="no PIL image without PIL")
    file = shared / "data/reference/demo_3.jpg"
    image = read_image(file, honor_exif=True)
    pipeline = Pipeline(detector_that_returns([(0.9, 100, 50, 300, 250)]), estimator(PLAIN))
    expected = pipeline(file).poses.keypoints
    array = image.as_bgr()[:, :, ::-1]
    for source in (str(file), image, array, pil.fromarray(np.ascontiguousarray(array))):
        assert (pipeline(source).poses.keypoints == expected).all()
