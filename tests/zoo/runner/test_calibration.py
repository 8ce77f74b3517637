"""Calibration inputs: images preprocessed under the protocol of an entry."""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from registry.errors import NotFoundError, UsageError
from zoo.runner.calibration import MAX_INPUTS, ImageCalibrator, calibration

np = pytest.importorskip("numpy")
cv2 = pytest.importorskip("cv2")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), random.integers(0, 255, (40, 60, 3), dtype=np.uint8))
    return folder


@pytest.mark.parametrize("name", ["tinypose_128x96", "picodet_s_192_pedestrian"])
def test_a_plain_folder_gives_whole_images(name: str, images: Path, tmp_path: Path) -> None:
    entry = registry.load().get(name)
    with (
        calibration(entry, images, "host", work=tmp_path / "work") as inputs,
        np.load(inputs.tensors) as stored,
    ):
        assert stored["image"].shape == (3, 3, entry.input.height, entry.input.width)
        assert (inputs.inputs, sorted(inputs.images)) == (3, ["0.png", "1.png", "2.png"])
    assert not inputs.tensors.exists()


def test_a_coco_folder_gives_persons_to_a_pose_model(shared: Path, tmp_path: Path) -> None:
    entry, work = registry.load().get("tinypose_128x96"), tmp_path / "work"
    with calibration(entry, shared / "data" / "coco", "host", work=work) as inputs:
        assert inputs.inputs == MAX_INPUTS
        assert len(inputs.images) < MAX_INPUTS  # several persons of one image


def test_the_digest_depends_on_images_and_preprocessing(images: Path, tmp_path: Path) -> None:
    entry, digests = registry.load().get("picodet_s_192_pedestrian"), []
    for normalization in ("host", "host", "in_graph"):
        with calibration(entry, images, normalization, work=tmp_path) as inputs:  # type: ignore[arg-type]
            digests.append(inputs.sha256)

    assert digests[0] == digests[1] != digests[2]


def test_an_empty_folder_and_an_entry_without_images_are_refused(images: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    known = registry.load()
    with (
        pytest.raises(NotFoundError),
        calibration(known.get("tinypose_128x96"), tmp_path / "empty", "host", work=tmp_path),
    ):
        pass
    lifting = next(entry for entry in known.all_entries if entry.output.kind == "coordinates")  # type: ignore[union-attr]
    with pytest.raises(UsageError) as caught, calibration(lifting, images, "host", work=tmp_path):
        pass
    assert caught.value.code == "not-calibratable"


@pytest.mark.parametrize("name", ["tinypose_128x96", "picodet_s_192_pedestrian"])
def test_drawn_figures_stand_in_for_images_and_are_the_same_each_time(name: str, tmp_path: Path) -> None:
    entry = registry.load().get(name)

    digests = []
    for _ in range(2):
        with ImageCalibrator().prepare(entry, "host", work=tmp_path) as inputs:
            digests.append(inputs.sha256)
            assert 16 <= inputs.inputs <= MAX_INPUTS

    assert digests[0] == digests[1]
    assert not inputs.tensors.exists()
