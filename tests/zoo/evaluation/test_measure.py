"""Accuracy figures on real images equal those of upstream's own evaluator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import KeypointProtocol
from tests.helpers.fake_session import DETECTOR_TENSOR, POSE_TENSOR, FakeSession, bright_spots
from tests.helpers.model_specs import (
    DETECTION_PROTOCOL,
    DETECTOR_INPUT,
    HEATMAPS,
    POSE_INPUT,
    POSE_PROTOCOL,
    RAW_BOXES,
)
from tests.zoo.conftest import OpenModel
from zoo._utils.choices import Backend
from zoo.datasets.coco import CocoSet, load_set
from zoo.evaluation.measure import Accuracy, measure_detection, measure_keypoints
from zoo.evaluation.scoring import score
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, ImageSource
from zoo.runner.results import Detections

ENGINES: list[Backend] = ["onnx", "paddle", "lite"]
NO_FLIP = POSE_PROTOCOL.model_copy(update={"flip": False})


def percent(accuracy: Accuracy) -> list[float]:
    figures = accuracy.metrics
    return [
        100 * value for value in (figures.AP, figures.AP50, figures.AP75, figures.AR) if value is not None
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("protocol", "published"),
    [(POSE_PROTOCOL, [56.5, 81.5, 63.2, 59.9]), (NO_FLIP, [52.7, 81.5, 56.4, 56.0])],
    ids=["flip", "no-flip"],
)
def test_key_point_figures_equal_upstreams_evaluator(
    shared: Path, open_model: OpenModel, engine: Backend, protocol: KeypointProtocol, published: list[float]
) -> None:
    pose = PoseEstimator(open_model("tinypose_128x96", engine), POSE_INPUT, HEATMAPS, protocol)
    measured = measure_keypoints(load_set(shared / "data/coco", protocol), [pose])
    assert (measured.images, measured.results) == (62, 125)
    np.testing.assert_allclose(percent(measured), published, atol=0.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_box_figures_equal_upstreams_evaluator(shared: Path, open_model: OpenModel, engine: Backend) -> None:
    session = open_model("picodet_s_192_pedestrian", engine)
    detector = Detector(session, DETECTOR_INPUT, RAW_BOXES, DETECTION_PROTOCOL.nms)
    measured = measure_detection(
        load_set(shared / "data/coco", DETECTION_PROTOCOL), [detector], DETECTION_PROTOCOL
    )
    assert measured.images == 88
    np.testing.assert_allclose(percent(measured), [29.8, 49.5, 29.9, 41.4], atol=0.1)


def test_more_threads_give_the_same_figures(shared: Path, open_model: OpenModel) -> None:
    session = open_model("tinypose_128x96", "onnx")
    data = load_set(shared / "data/coco", NO_FLIP, limit=20)
    poses = [PoseEstimator(session, POSE_INPUT, HEATMAPS, NO_FLIP) for _ in range(3)]
    seen: list[int] = []
    assert measure_keypoints(data, poses, on_images=seen.append) == measure_keypoints(data, poses[:1])
    assert sum(seen) == 20


def test_boxes_from_a_detector(shared: Path, open_model: OpenModel) -> None:
    """No figure is published for this case: it must be below that with annotated boxes and well above 0."""
    protocol = NO_FLIP.model_copy(update={"boxes": "detector", "box_threshold": 0.5})
    detector = Detector(
        open_model("picodet_s_192_pedestrian", "onnx"), DETECTOR_INPUT, RAW_BOXES, DETECTION_PROTOCOL.nms
    )
    pose = PoseEstimator(open_model("tinypose_128x96", "onnx"), POSE_INPUT, HEATMAPS, protocol)
    measured = measure_keypoints(load_set(shared / "data/coco", protocol), [pose], detectors=[detector])
    assert measured.metrics.AP is not None
    assert 0.2 < measured.metrics.AP < 0.5


class Annotator(Detector):
    """A detector that finds the annotated persons and one false positive per image.

    Args:
        data: The set.
        wrong: Score of the false positive; that of the annotated persons is 0.9.
    """

    person = 0

    def __init__(self, data: CocoSet, wrong: float) -> None:
        self._boxes = {image.path: image.persons_with_keypoints() for image in data.images}
        self._wrong = wrong

    def __call__(self, image: ImageSource) -> Detections:
        assert isinstance(image, Image)
        assert image.path is not None
        boxes = np.concatenate([self._boxes[image.path], [[0, 0, image.width - 1, image.height / 8]]])
        scores = np.full(len(boxes), 0.9, np.float32)
        scores[-1] = self._wrong
        return Detections(boxes.astype(np.float32), scores, np.zeros(len(boxes), np.int64))


def test_the_scores_of_found_boxes_count_in_the_scores_of_poses(shared: Path, open_model: OpenModel) -> None:
    session = open_model("tinypose_128x96", "onnx")
    data = load_set(shared / "data/coco", NO_FLIP, limit=20)
    found = NO_FLIP.model_copy(update={"boxes": "detector", "box_threshold": 0.5})

    def figure(protocol: KeypointProtocol, *detectors: Detector) -> float:
        pose = PoseEstimator(session, POSE_INPUT, HEATMAPS, protocol)
        average = measure_keypoints(data, [pose], detectors=detectors).metrics.AP
        assert average is not None
        return average

    annotated = figure(NO_FLIP)
    assert figure(found, Annotator(data, 0.5)) == pytest.approx(annotated, abs=1e-3)  # not above 0.5
    assert figure(found, Annotator(data, 1.0)) < figure(found, Annotator(data, 0.51)) - 0.01


def tiny_set(tmp_path: Path, *, categories: int = 1) -> Path:
    """Write three images: with two persons, with none, and with a crowd and a person without joints."""
    cv2 = pytest.importorskip("cv2")
    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    joints = [20.0, 30.0, 2.0] * 17
    people = [
        (1, [10, 20, 60, 90], 0, joints),
        (1, [100, 20, 60, 200], 0, joints),
        (3, [10, 20, 60, 90], 1, joints),
        (3, [10, 20, 60, 90], 0, [0.0] * 51),
    ]
    annotations = [
        {
            "id": number + 1,
            "image_id": image,
            "category_id": 1,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": crowd,
            "keypoints": points,
            "num_keypoints": sum(value > 0 for value in points[2::3]),
        }
        for number, (image, box, crowd, points) in enumerate(people)
    ]
    images = [{"id": i, "file_name": f"{i}.png", "width": 160, "height": 120} for i in (1, 2, 3)]
    for image in images:
        cv2.imwrite(str(tmp_path / "val2017" / str(image["file_name"])), np.zeros((120, 160, 3), np.uint8))
    names = ["person", "table", "chair", "lamp"][:categories]
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
    }
    for name in ("person_keypoints_val2017.json", "instances_val2017.json"):
        (tmp_path / "annotations" / name).write_text(json.dumps(document))
    return tmp_path


def truth(data: CocoSet) -> list[dict[str, object]]:
    return [
        {"score": 1.0} | {key: a[key] for key in ("image_id", "category_id", "bbox", "keypoints")}
        for image in data.images
        for a in image.annotations
        if not a["iscrowd"]
    ]


def test_the_truth_scores_one(tmp_path: Path) -> None:
    data = load_set(tiny_set(tmp_path), DETECTION_PROTOCOL)
    for kind in ("bbox", "keypoints"):
        figures = score(data, truth(data), kind, categories=(1,), max_detections=20)
        assert figures.model_dump() == {"AP": 1, "AP50": 1, "AP75": 1, "AR": 1}


def test_a_person_detector_scored_over_all_categories_shows_a_fraction(tmp_path: Path) -> None:
    """The scope of categories must be part of the protocol."""
    data = load_set(tiny_set(tmp_path, categories=4), DETECTION_PROTOCOL)
    persons = truth(data)
    first, *others = data.images
    extra = [
        {**first.annotations[0], "id": 100 + category, "category_id": category} for category in (2, 3, 4)
    ]
    data = replace(data, images=(replace(first, annotations=(*first.annotations, *extra)), *others))
    assert score(data, persons, "bbox", categories=(1,), max_detections=100).AP == 1
    assert score(data, persons, "bbox", categories=(1, 2, 3, 4), max_detections=100).AP == 0.25


def test_no_results_score_zero_and_no_truth_scores_nothing(tmp_path: Path) -> None:
    data = load_set(tiny_set(tmp_path), DETECTION_PROTOCOL)
    assert score(data, [], "bbox", categories=(1,), max_detections=100).AP == 0
    assert score(data, [], "bbox", categories=(9,), max_detections=100).AP is None


def test_the_same_persons_as_upstream_are_evaluated(tmp_path: Path) -> None:
    first, second, third = load_set(tiny_set(tmp_path), POSE_PROTOCOL).images
    # One pixel narrower than annotated, and cut at the image's last row.
    assert first.persons_with_keypoints().tolist() == [[10, 20, 69, 109], [100, 20, 159, 119]]
    assert second.persons_with_keypoints().shape == (0, 4)
    assert third.persons_with_keypoints().shape == (0, 4)


def test_the_protocol_selects_images(tmp_path: Path) -> None:
    folder = tiny_set(tmp_path)

    def ids(**changes: object) -> list[int]:
        protocol = (DETECTION_PROTOCOL if "empty_images" in changes else POSE_PROTOCOL).model_copy(
            update=changes
        )
        return [image.id for image in load_set(folder, protocol).images]

    assert ids(empty_images=None) == ids(empty_images=True) == [1, 2, 3]
    assert ids(empty_images=False) == [1, 3]
    assert ids(images="all") == [1, 2, 3]
    assert ids(images="at_most_six_persons") == [1, 3]
    with pytest.raises(UsageError) as caught:
        ids(images="one_person")
    assert caught.value.code == "dataset-empty"
    assert [image.id for image in load_set(folder, POSE_PROTOCOL, limit=2).images] == [1, 2]


def test_a_set_without_persons(tmp_path: Path) -> None:
    data = load_set(tiny_set(tmp_path), POSE_PROTOCOL)
    empty = CocoSet(data.annotations, data.document, data.images[1:2], data.categories)
    pose = PoseEstimator(FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, POSE_PROTOCOL)
    measured = measure_keypoints(empty, [pose])
    assert measured.results == 0
    assert measured.metrics.AP is None


def test_a_failure_in_a_thread_reaches_the_caller(tmp_path: Path) -> None:
    folder = tiny_set(tmp_path)
    (folder / "val2017/2.png").unlink()
    pose = PoseEstimator(FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, POSE_PROTOCOL)
    with pytest.raises(NotFoundError, match=r"2\.png"):
        measure_keypoints(load_set(folder, POSE_PROTOCOL), [pose, pose])


def test_contradictions_are_refused(tmp_path: Path) -> None:
    data = load_set(tiny_set(tmp_path, categories=3), POSE_PROTOCOL)
    pose = PoseEstimator(FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, POSE_PROTOCOL)
    output = RAW_BOXES.model_copy(update={"classes": ("table", "figure")})
    session = FakeSession(lambda _: [], DETECTOR_TENSOR)
    detector = Detector(session, DETECTOR_INPUT, output, DETECTION_PROTOCOL.nms)
    with pytest.raises(UsageError) as boxes:
        measure_keypoints(data, [pose], detectors=[detector])
    assert boxes.value.code == "boxes-mismatch"
    with pytest.raises(UsageError) as classes:
        measure_detection(data, [detector], DETECTION_PROTOCOL)
    assert classes.value.code == "classes-mismatch"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (
            lambda folder: (folder / "annotations/person_keypoints_val2017.json").unlink(),
            "annotations-not-found",
        ),
        (lambda folder: (folder / "val2017").rename(folder / "images"), "images-not-found"),
    ],
)
def test_missing_parts_are_named(tmp_path: Path, damage: object, code: str) -> None:
    folder = tiny_set(tmp_path)
    damage(folder)
    with pytest.raises(NotFoundError) as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "content", ["", "[]", '{"images": []}', '{"images": {}, "annotations": [], "categories": []}']
)
def test_files_that_are_not_annotations_are_refused(tmp_path: Path, content: str) -> None:
    folder = tiny_set(tmp_path)
    (folder / "annotations/person_keypoints_val2017.json").write_text(content)
    with pytest.raises(UsageError) as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == "annotations-unreadable"


def test_images_and_annotations_may_be_in_other_folders(tmp_path: Path) -> None:
    folder = tiny_set(tmp_path)
    (folder / "val2017").rename(folder / "images")
    file = (folder / "annotations/instances_val2017.json").rename(folder / "mine.json")
    data = load_set(tmp_path / "nowhere", POSE_PROTOCOL, annotations=file, images=folder / "images")
    assert data.images[0].path == folder / "images/1.png"
