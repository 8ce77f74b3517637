"""Annotation files of other tools: their ids and categories, and errors that name the position."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from tests.helpers.fake_session import POSE_TENSOR, FakeSession, bright_spots
from tests.helpers.model_specs import DETECTION_PROTOCOL, HEATMAPS, POSE_INPUT, POSE_PROTOCOL
from zoo.datasets.coco import CocoSet, load_set
from zoo.datasets.coco_annotations import Kind
from zoo.evaluation.measure import measure_keypoints
from zoo.evaluation.scoring import score
from zoo.runner.estimator import PoseEstimator
from zoo.runner.results import PoseRecord

BOX = [10.0, 20.0, 60.0, 90.0]
JOINTS = [20.0, 30.0, 2.0, 60.0, 90.0, 2.0, *([40.0, 60.0, 1.0] * 15)]
PERSON = {"id": 1, "name": "person"}
Document = dict[str, Any]
Change = Callable[[Document], None]


def folder_of(root: Path, change: Change = lambda document: None, *, images: bool = True) -> Path:
    """Write a set of four images, with a person in each of the first three, after applying a change."""
    cv2 = pytest.importorskip("cv2")
    images = [{"id": n, "file_name": f"{n}.png", "width": 160, "height": 120} for n in (1, 2, 3, 4)]
    person = {"category_id": 1, "bbox": BOX, "area": 5400.0, "iscrowd": 0, "keypoints": JOINTS}
    annotations = [{"id": 10 + n, "image_id": n, "num_keypoints": 17, **person} for n in (1, 2, 3)]
    document: Document = {"images": images, "annotations": annotations, "categories": [dict(PERSON)]}
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    for image in images if images else ():
        cv2.imwrite(str(root / "val2017" / str(image["file_name"])), np.zeros((120, 160, 3), np.uint8))
    change(document)
    for name in ("person_keypoints_val2017.json", "instances_val2017.json"):
        (root / "annotations" / name).write_text(json.dumps(document))
    return root


def each(section: str, change: Change) -> Change:
    """A change that is applied to every object of a section."""

    def apply(document: Document) -> None:
        for item in document[section]:
            change(item)

    return apply


def together(*changes: Change) -> Change:
    def apply(document: Document) -> None:
        for change in changes:
            change(document)

    return apply


def ids(make: Callable[[int], object]) -> Change:
    return together(
        each("images", lambda image: image.update(id=make(image["id"]))),
        each("annotations", lambda item: item.update(image_id=make(item["image_id"]))),
    )


def person_is(number: int, *categories: Document) -> Change:
    return together(
        lambda document: document.update(categories=list(categories)),
        each("annotations", lambda item: item.update(category_id=number)),
    )


def figure(data: CocoSet, kind: Kind, found: int = 2) -> float | None:
    """AP if the persons of the first images are found exactly, and a false one has the highest score."""
    records: list[PoseRecord] = [
        {
            "image_id": image.id,
            "category_id": data.person,
            "bbox": BOX,
            "keypoints": JOINTS,
            "score": 0.5,
        }
        for image in data.images[:found]
    ]
    away: list[float] = [500.0] * 51
    false = {"bbox": [300.0, 300.0, 9.0, 9.0], "keypoints": away, "score": 0.9}
    records.append({**records[0], **false})  # type: ignore[typeddict-item]
    return score(data, records, kind, categories=(data.person,), max_detections=20).AP


def reference(kind: Kind, found: int = 2) -> float:
    """The same figure by pycocotools' definition, for a file as COCO writes it."""
    persons, hits = 3, found
    precision = hits / (hits + 1)  # reached with the last hit; the false one is ranked first
    reached = sum(recall <= hits / persons for recall in np.linspace(0, 1, 101))
    return precision * reached / 101


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda document: None, id="as COCO writes it"),
        pytest.param(ids(lambda n: 2**53 + n), id="ids beyond the integers of a double"),
        pytest.param(ids(lambda n: 2**70 + n), id="ids beyond 64 bits"),
        pytest.param(ids(str), id="ids that are strings of digits"),
        pytest.param(ids(lambda n: f"image-{n}"), id="ids that are strings"),
        pytest.param(ids(float), id="ids with a decimal point"),
        pytest.param(each("annotations", lambda item: item.update(id=item["id"] - 11)), id="from 0"),
        pytest.param(each("annotations", lambda item: item.update(id=7)), id="one id for all annotations"),
        pytest.param(each("annotations", lambda item: item.pop("id")), id="annotations without ids"),
        pytest.param(each("annotations", lambda item: item.pop("iscrowd")), id="no crowd field"),
        pytest.param(each("annotations", lambda item: item.pop("num_keypoints")), id="joints not counted"),
        pytest.param(person_is(0, {"id": 0, "name": "person"}), id="persons are category 0"),
        pytest.param(person_is(5, {"id": 5, "name": "pedestrian"}), id="the only category"),
        pytest.param(person_is(2, {"id": 1, "name": "car"}, {"id": 2, "name": "Person"}), id="by name"),
        pytest.param(person_is(1), id="no categories listed"),
        pytest.param(
            lambda document: document["annotations"].append(
                {**document["annotations"][0], "image_id": 99, "bbox": None}
            ),
            id="an annotation of an image that is not in the file",
        ),
        pytest.param(
            together(
                lambda document: document["categories"].append({"id": 17, "name": "cat"}),
                lambda document: document["annotations"].append(
                    {"image_id": 1, "category_id": 17, "bbox": BOX, "area": 1.0, "id": 1}
                ),
            ),
            id="another category, without joints",
        ),
    ],
)
def test_files_of_other_tools_give_the_same_figures(tmp_path: Path, change: Change) -> None:
    folder = folder_of(tmp_path, change)
    for kind, protocol in (("bbox", DETECTION_PROTOCOL), ("keypoints", POSE_PROTOCOL)):
        assert figure(load_set(folder, protocol), kind) == pytest.approx(reference(kind))


@pytest.mark.parametrize("joints", [None, [], [0] * 51])
def test_a_person_without_labeled_joints_does_not_count(tmp_path: Path, joints: list[int] | None) -> None:
    def change(document: Document) -> None:
        third = document["annotations"][2]
        third.update(keypoints=joints, num_keypoints=0)
        if joints is None:
            del third["keypoints"]

    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    assert [len(image.persons_with_keypoints()) for image in data.images] == [1, 1, 0, 0]
    assert figure(data, "keypoints") == pytest.approx(2 / 3)  # both that count are found, one is false


def test_other_categories_with_joints_do_not_count(tmp_path: Path) -> None:
    """Animals with joints can be another category of the same file."""
    change = together(
        person_is(1, PERSON, {"id": 2, "name": "dog"}),
        lambda document: document["annotations"][0].update(category_id=2),
    )
    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    assert [len(image.persons_with_keypoints()) for image in data.images] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d["images"].append("x"), "images[4]"),
        (lambda d: d["images"][1].pop("id"), "images[1].id"),
        (lambda d: d["images"][1].update(id=1), "images[1].id"),
        (lambda d: d["images"][1].update(id=[1]), "images[1].id"),
        (lambda d: d["images"][1].pop("file_name"), "images[1].file_name"),
        (lambda d: d["images"][2].pop("width"), "images[2].width"),
        (lambda d: d["images"][2].update(height=0), "images[2].height"),
        (lambda d: d["categories"][0].pop("id"), "categories[0].id"),
        (lambda d: d["annotations"].insert(0, [1, 2]), "annotations[0]"),
        (lambda d: d["annotations"][2].pop("image_id"), "annotations[2].image_id"),
        (lambda d: d["annotations"][2].pop("category_id"), "annotations[2].category_id"),
        (lambda d: d["annotations"][2].update(category_id="1"), "annotations[2].category_id"),
        (lambda d: d["annotations"][1].pop("bbox"), "annotations[1].bbox"),
        (lambda d: d["annotations"][1].update(bbox=[1, 2, 3]), "annotations[1].bbox"),
        (lambda d: d["annotations"][1].update(bbox=["1", "2", "3", "4"]), "annotations[1].bbox"),
        (lambda d: d["annotations"][1].update(bbox=[float("nan")] * 4), "annotations[1].bbox"),
        (lambda d: d["annotations"][1].update(area="5400"), "annotations[1].area"),
        (lambda d: d["annotations"][1].pop("area"), "annotations[1].area"),
        (lambda d: d["annotations"][1].update(keypoints=JOINTS[:42]), "annotations[1].keypoints"),
        (lambda d: d["annotations"][1].update(area=0), "annotations[1].area"),
        (lambda d: d["annotations"][1].update(area=-1), "annotations[1].area"),
        (lambda d: d["annotations"][1].update(area=None), "annotations[1].area"),
        (lambda d: d["annotations"][1].update(bbox=[1, 2, -3, 4]), "annotations[1].bbox"),
        (lambda d: d["annotations"][1].update(iscrowd="0"), "annotations[1].iscrowd"),
        (lambda d: d["annotations"][1].update(iscrowd="false"), "annotations[1].iscrowd"),
        (lambda d: d["annotations"][1].update(iscrowd=[0]), "annotations[1].iscrowd"),
        (lambda d: d["annotations"][1].update(category_id=7), "annotations[1].category_id"),
        (lambda d: d["annotations"][1].update(category_id=True), "annotations[1].category_id"),
        (lambda d: d["annotations"][1].update(image_id="2"), "annotations[1].image_id"),
        (lambda d: d["annotations"][1].update(image_id=None), "annotations[1].image_id"),
        (each("images", lambda image: image.update(id=f"{image['id']:06d}")), "annotations[0].image_id"),
        (each("annotations", lambda item: item.update(image_id=99)), "annotations[0].image_id"),
        (each("annotations", lambda item: item.update(bbox=[0.1, 0.2, 0.5, 0.6])), "annotations[].bbox"),
        (
            each("annotations", lambda item: item.update(keypoints=[0.1, 0.2, 2.0] * 17)),
            "annotations[].keypoints",
        ),
        (lambda d: d["images"][1].update(file_name="a\0b.png"), "images[1].file_name"),
        (lambda d: d["images"][1].update(file_name="../../secret.png"), "file_name of image 2"),
        (lambda d: d["images"][1].update(file_name="a/../../../secret.png"), "file_name of image 2"),
    ],
)
def test_an_error_names_file_list_position_and_field(tmp_path: Path, change: Change, place: str) -> None:
    folder = folder_of(tmp_path, change)
    with pytest.raises(UsageError) as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == "annotations-malformed"
    assert "person_keypoints_val2017.json: " + place + " " in caught.value.message
    assert caught.value.expected
    assert caught.value.found


@pytest.mark.parametrize("value", [0, 5, 99])
def test_the_number_of_keypoints_is_counted_not_read(tmp_path: Path, value: int) -> None:
    """The evaluator ignores a person whose num_keypoints is 0, whatever joints it has."""
    change = each("annotations", lambda item: item.update(num_keypoints=value))
    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    assert figure(data, "keypoints") == pytest.approx(reference("keypoints"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(each("annotations", lambda item: item.update(iscrowd=1)), id="only crowds"),
        pytest.param(each("annotations", lambda item: item.update(keypoints=[0] * 51)), id="no joints"),
        pytest.param(
            each("annotations", lambda item: item.update(keypoints=[9, 9, 0] * 17)), id="visibility missing"
        ),
        pytest.param(lambda document: document.update(annotations=[]), id="no annotations"),
    ],
)
def test_a_set_with_nothing_to_score_is_refused(tmp_path: Path, change: Change) -> None:
    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    with pytest.raises(UsageError) as caught:
        data.require_truth("keypoints")
    assert caught.value.code == "dataset-empty"
    assert "4 images" in (caught.value.found or "")


def test_a_crowd_and_a_degenerate_box_may_have_no_area(tmp_path: Path) -> None:
    def change(document: Document) -> None:
        document["annotations"][0].update(area=0, iscrowd=1)
        document["annotations"][1].update(area=0, bbox=[10.0, 20.0, 1.0, 0.0])

    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    assert [len(image.persons_with_keypoints()) for image in data.images] == [0, 0, 1, 0]


def test_joints_in_another_order_give_the_same_figure(tmp_path: Path) -> None:
    """The network's order counts, not that of the file."""

    def change(document: Document) -> None:
        document["categories"][0]["keypoints"] = list(reversed(HEATMAPS.joints))
        for item in document["annotations"]:
            triples = [item["keypoints"][start : start + 3] for start in range(0, 51, 3)]
            item["keypoints"] = [value for triple in reversed(triples) for value in triple]

    data = load_set(folder_of(tmp_path, change), POSE_PROTOCOL)
    assert figure(data, "keypoints") == pytest.approx(reference("keypoints"))
    assert "matched with the annotations by name" in data.notes[0]


def test_annotations_of_other_joints_are_refused(tmp_path: Path) -> None:
    joints = (HEATMAPS.joints[0], *HEATMAPS.joints[5:])

    def change(document: Document) -> None:
        document["categories"][0]["keypoints"] = list(joints)
        for item in document["annotations"]:
            item["keypoints"] = item["keypoints"][:39]

    folder = folder_of(tmp_path, change)
    with pytest.raises(UsageError, match=r"has 17 joints, .* have 13") as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == "joints-mismatch"
    data = load_set(folder, POSE_PROTOCOL, joints=joints)
    assert data.joints == joints
    assert [len(image.persons_with_keypoints()) for image in data.images] == [1, 1, 1, 0]
    assert score(data, [], "keypoints", categories=(1,), max_detections=20).AP == 0


def test_boxes_in_another_format_are_noted(tmp_path: Path) -> None:
    """x1, y1, x2, y2 instead of x, y, width, height."""
    change = each("annotations", lambda item: item.update(bbox=[100.0, 20.0, 150.0, 110.0]))
    (note,) = load_set(folder_of(tmp_path, change), DETECTION_PROTOCOL).notes
    assert note.startswith("3 of 3 boxes extend beyond their image")
    assert load_set(folder_of(tmp_path / "right"), DETECTION_PROTOCOL).notes == ()


def test_boxes_need_neither_area_nor_joints(tmp_path: Path) -> None:
    def change(item: Document) -> None:
        for field in ("area", "keypoints", "num_keypoints"):
            del item[field]

    data = load_set(folder_of(tmp_path, each("annotations", change)), DETECTION_PROTOCOL)
    assert figure(data, "bbox") == pytest.approx(reference("bbox"))


@pytest.mark.parametrize("protocol", [POSE_PROTOCOL, DETECTION_PROTOCOL], ids=["pose", "boxes"])
def test_a_file_without_a_person_category_is_refused(
    tmp_path: Path, protocol: KeypointProtocol | DetectionProtocol
) -> None:
    change = person_is(1, {"id": 1, "name": "car"}, {"id": 2, "name": "bus"})
    with pytest.raises(UsageError) as caught:
        load_set(folder_of(tmp_path, change), protocol)
    assert caught.value.code == "no-person-category"
    assert caught.value.found == "1 car, 2 bus"


def test_missing_images_are_counted_before_anything_is_computed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "val2017/2.png").unlink()
    (folder / "val2017/4.png").unlink()
    with pytest.raises(NotFoundError) as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == "images-missing"
    assert caught.value.message.startswith("2 of 4 images")
    assert "2.png" in (caught.value.found or "")

    data = load_set(folder, POSE_PROTOCOL, skip_missing=True)
    assert ([image.id for image in data.images], data.missing) == ([1, 3], 2)
    assert [image.id for image in load_set(folder, POSE_PROTOCOL, limit=1).images] == [1]
    pose = PoseEstimator(FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, POSE_PROTOCOL)
    assert measure_keypoints(data, [pose]).images == 2


@pytest.mark.parametrize(
    "name",
    [
        "val2017/{}",
        r"val2017\{}",
        r".\val2017\{}",
        "../val2017/{}",
        "/home/someone/coco/val2017/{}",
        r"C:\coco\val2017\{}",
        "{root}/val2017/{}",
        "http://images.example/val2017/{}",
    ],
)
def test_image_names_may_contain_their_folder(tmp_path: Path, name: str) -> None:
    def change(image: Document) -> None:
        image["file_name"] = name.format(image["file_name"], root=tmp_path)

    data = load_set(folder_of(tmp_path, each("images", change)), POSE_PROTOCOL)
    assert [image.path.resolve() for image in data.images] == [
        (tmp_path / f"val2017/{n}.png").resolve() for n in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a/" * 3000 + "x.png", r"..\..\secret.png"])
def test_names_that_no_file_can_have_are_missing_images(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path, lambda document: document["images"][0].update(file_name=name))
    with pytest.raises(NotFoundError) as caught:
        load_set(folder, POSE_PROTOCOL)
    assert caught.value.code == "images-missing"


def test_a_link_in_the_image_folder_is_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set")
    (folder / "val2017/1.png").rename(tmp_path / "elsewhere.png")
    (folder / "val2017/1.png").symlink_to(tmp_path / "elsewhere.png")
    assert load_set(folder, POSE_PROTOCOL).missing == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_instead_of_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for file in ((folder / "annotations/person_keypoints_val2017.json"), folder / "val2017/1.png"):
        content = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        with pytest.raises((UsageError, NotFoundError)) as caught:
            load_set(folder, POSE_PROTOCOL)
        assert caught.value.code in ("annotations-unreadable", "images-missing")
        file.unlink()
        file.write_bytes(content)


def test_images_of_another_size_are_counted(tmp_path: Path) -> None:
    """Annotated upright but stored rotated with an EXIF orientation, as phones do."""

    def change(document: Document) -> None:
        document["images"][2].update(width=120, height=160)

    pose = PoseEstimator(FakeSession(bright_spots, POSE_TENSOR), POSE_INPUT, HEATMAPS, POSE_PROTOCOL)
    assert (
        measure_keypoints(load_set(folder_of(tmp_path, change), POSE_PROTOCOL), [pose]).size_mismatches == 1
    )
