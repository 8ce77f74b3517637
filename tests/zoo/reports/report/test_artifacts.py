"""An artifact of a report: published, converted, or a file of the user."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.own_models import export_sample
from zoo.artifacts.resolver import Fetched
from zoo.reports.report.artifacts import artifact_report


def test_an_inference_model_on_disk_is_described(tmp_path: Path) -> None:
    folder = export_sample(tmp_path / "own")
    fetched = Fetched(
        entry="own@local",
        artifact="inference",
        path=folder,
        origin="local",
        start="inference",
        url=(folder / "model.pdmodel").as_uri(),
        sha256="0" * 64,
        from_cache=True,
    )

    report = artifact_report(fetched)

    assert report.origin == "local"
    assert {file.name for file in report.files} == {"model.pdmodel", "model.pdiparams", "infer_cfg.yml"}
    assert report.tools == {}
