"""``zoo inspect`` shows what the configuration next to a model states."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.own_models import export_sample
from zoo.artifacts.inspect import inspect_path


def test_a_folder_shows_its_preprocessing_and_labels(tmp_path: Path) -> None:
    found = inspect_path(export_sample(tmp_path / "own", label_list=["person"]), cache=tmp_path / "cache")

    assert found.details["configured"] == "infer_cfg.yml"
    assert str(found.details["images"]).startswith("128x96; top down affine; linear; pixels * 0.0039")
    assert found.details["labels"] == "1: person"
    assert found.details["drawn above"] == "score 0.5"


def test_a_configuration_of_another_family_is_a_note(tmp_path: Path) -> None:
    found = inspect_path(export_sample(tmp_path / "own", arch="YOLO"), cache=tmp_path / "cache")

    assert "images" not in found.details
    assert any("another family: arch YOLO" in warning for warning in found.warnings)
