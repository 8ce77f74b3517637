"""A model on disk is measured like the entry that it was exported from, wherever it lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import zoo
from converters.process.interpreter import Interpreter
from registry.errors import NotFoundError, UsageError
from tests.helpers.own_models import SAMPLE_ARCHIVE, export_sample
from zoo.sample.figures import HELD_OUT, draw_image
from zoo.settings import settings as settings_with


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, toolchain_root: Path, lite_python: Interpreter) -> Path:
    folder = tmp_path_factory.mktemp("own") / "cache"
    folder.mkdir()
    (folder / "toolchains").symlink_to(toolchain_root, target_is_directory=True)
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Nothing of a model on disk needs a server."""
    monkeypatch.setenv("ZOO_CACHE", str(cache))
    monkeypatch.setenv("ZOO_OFFLINE", "1")


def test_a_folder_and_its_archive_find_the_same_joints_as_a_converted_file(tmp_path: Path) -> None:
    folder = export_sample(tmp_path / "renamed")
    image = draw_image(HELD_OUT).image

    with zoo.load(folder) as model:
        expected = model(image).poses.keypoints
        converted = model.model.fetched
    assert converted.origin == "built"
    own = shutil.copy(converted.path, tmp_path / "own.onnx")
    with zoo.load(SAMPLE_ARCHIVE) as archive, zoo.load(own, like=folder) as file:
        assert archive(image).poses.keypoints == pytest.approx(expected)
        assert file(image).poses.keypoints == pytest.approx(expected)
        assert file.model.fetched.origin == "local"


def test_a_file_alone_is_not_described(tmp_path: Path) -> None:
    folder = export_sample(tmp_path / "renamed")
    (folder / "infer_cfg.yml").unlink()

    with pytest.raises(UsageError) as caught:
        zoo.load(folder)

    assert caught.value.code == "model-description-missing"


def test_no_conversion_runs_if_none_is_allowed(tmp_path: Path) -> None:
    folder = export_sample(tmp_path / "renamed")

    with pytest.raises(NotFoundError) as caught:
        zoo.load(folder, build=False)

    assert caught.value.code == "format-unavailable"
    assert "--no-build" in str(caught.value.hint)


def test_a_lock_does_not_apply_to_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        zoo.load(export_sample(tmp_path / "renamed"), locked=True, settings=settings_with())

    assert caught.value.code == "option-not-applicable"


@pytest.mark.parametrize(
    ("name", "measured"), [("picodet_s_192_pedestrian", 29.8), ("tinypose_128x96", 56.5)]
)
def test_a_renamed_folder_has_the_accuracy_of_its_entry(
    shared: Path, tmp_path: Path, name: str, measured: float
) -> None:
    folder = shutil.copytree(shared / "data/inference" / name, tmp_path / "my_model")

    found = zoo.validate(folder, data=shared / "data/coco")

    assert found.entry == "my_model@local"
    assert found.verdict.outcome == "not-published"
    assert found.verdict.measured == pytest.approx(measured, abs=0.05)
