"""Images of figures: reproducible, with correct joints, readable as COCO."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from registry.errors import UsageError
from tools.sample_model.recipe import recipe
from zoo.datasets.coco import load_set
from zoo.evaluation.scoring import score
from zoo.runner.results import PoseRecord
from zoo.sample.figures import ANNOTATIONS, HELD_OUT, DrawnImage, draw_image, main, write_coco
from zoo.sample.skeleton import JOINTS

SEEDS = range(40)


@pytest.fixture(scope="module")
def images() -> list[DrawnImage]:
    return [draw_image(seed) for seed in SEEDS]


def test_the_held_out_images_are_the_ones_the_published_figure_was_measured_on() -> None:
    digest = hashlib.sha256()
    for seed in range(HELD_OUT, HELD_OUT + 5):
        made = draw_image(seed)
        digest.update(made.image.tobytes())
        for person in made.persons:
            digest.update(person.keypoints.astype("<f8").tobytes())

    assert digest.hexdigest() == "4f9c3667856bdf2f640fd890be9726d04cbf042ca96546e04255e1c33ee213c7"


def test_a_seed_always_gives_the_same_image_and_another_seed_another() -> None:
    assert (draw_image(3).image == draw_image(3).image).all()
    assert draw_image(3).image.tobytes() != draw_image(4).image.tobytes()


def test_a_visible_joint_lies_on_its_person(images: list[DrawnImage]) -> None:
    for made in images:
        for who, person in enumerate(made.persons):
            for x, y, _ in person.keypoints[person.keypoints[:, 2] == 2]:
                assert made.figures[round(y), round(x)] == who


def test_a_joint_in_the_image_lies_in_the_box_of_its_person(images: list[DrawnImage]) -> None:
    for made in images:
        for person in made.persons:
            x, y, width, height = person.box
            inside = person.keypoints[person.keypoints[:, 2] > 0, :2]
            assert (inside >= [x - 1, y - 1]).all()
            assert (inside <= [x + width, y + height]).all()
            assert 0 < person.area <= width * height


def test_a_joint_outside_the_image_is_not_labeled(images: list[DrawnImage]) -> None:
    joints = np.concatenate([person.keypoints for made in images for person in made.persons])

    assert (joints[joints[:, 2] == 0] == 0).all()
    shares = [(joints[:, 2] == visibility).mean() for visibility in (0, 1, 2)]
    assert shares == pytest.approx([0.07, 0.15, 0.78], abs=0.05)


def test_images_differ_in_size_number_of_persons_and_brightness(images: list[DrawnImage]) -> None:
    assert {len(made.persons) for made in images} == {1, 2, 3}
    assert len({made.image.shape for made in images}) > 30
    brightness = [made.image.mean() for made in images]
    assert np.std(brightness) > 20
    assert 100 < np.mean(brightness) < 156


def test_the_left_side_is_on_the_right_of_almost_every_person_who_faces_the_camera(
    images: list[DrawnImage],
) -> None:
    """Relative to an upright trunk; almost, because a head can be turned further than its trunk."""
    facing = []
    for person in (person for made in images for person in made.persons):
        at = dict(zip(JOINTS, person.keypoints, strict=True))
        hips = at["left_hip"], at["right_hip"]
        if min(at["left_eye"][2], at["right_eye"][2]) < 2 or min(hip[2] for hip in hips) == 0:
            continue
        across = at["left_shoulder"] - at["right_shoulder"]
        down = sum(hips) - at["left_shoulder"] - at["right_shoulder"]
        facing.append(across[0] * down[1] - across[1] * down[0] > 0)
    assert len(facing) > 15
    assert np.mean(facing) > 0.95


def test_a_folder_holds_what_the_seeds_draw(tmp_path: Path) -> None:
    import cv2

    annotations = write_coco(tmp_path, count=3, seed=20)

    assert annotations == tmp_path / ANNOTATIONS
    document = json.loads(annotations.read_text(encoding="utf-8"))
    assert [image["id"] for image in document["images"]] == [20, 21, 22]
    assert document["categories"][0]["keypoints"] == list(JOINTS)
    for image in document["images"]:
        made = draw_image(image["id"])
        pixels = cv2.imread(str(tmp_path / "val2017" / image["file_name"]))
        assert (pixels[:, :, ::-1] == made.image).all()
        mine = [one for one in document["annotations"] if one["image_id"] == image["id"]]
        assert [one["keypoints"] for one in mine] == [
            person.keypoints.ravel().tolist() for person in made.persons
        ]
        assert all(one["num_keypoints"] == sum(v > 0 for v in one["keypoints"][2::3]) for one in mine)


def test_the_annotations_themselves_score_one(tmp_path: Path) -> None:
    write_coco(tmp_path, count=4)

    data = load_set(tmp_path, recipe().protocol)

    truth = [
        PoseRecord(
            image_id=image.id,
            category_id=1,
            bbox=list(one["bbox"]),
            score=1.0,
            keypoints=list(one["keypoints"]),
        )
        for image in data.images
        for one in image.annotations
    ]
    found = score(data, truth, "keypoints", categories=(1,), max_detections=20)
    assert found.AP is not None
    assert found.AP > 0.999


def test_the_command_writes_held_out_images(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--count", "1"])

    assert [path.name for path in (tmp_path / "val2017").iterdir()] == [f"{HELD_OUT:012d}.png"]


def test_no_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        write_coco(tmp_path, count=0)

    assert refusal.value.code == "image-count"
    assert not list(tmp_path.iterdir())
