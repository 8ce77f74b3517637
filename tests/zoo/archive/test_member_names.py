"""The path of the artifact in an unpacked tree."""

from __future__ import annotations

import pytest

from registry.schema import Artifact
from tests.helpers.sample_archives import artifact, lite, weights
from zoo.archive.member_names import artifact_root

INFERENCE = artifact("/a.tar")
LITE = lite("/a.tar")

CASES: dict[str, tuple[Artifact, list[str], str]] = {
    "a bare file": (weights("/a.pdparams"), ["a.pdparams"], "a.pdparams"),
    "files in a folder": (INFERENCE, ["a/model.pdmodel", "a/model.pdiparams"], "a"),
    "files without a folder": (INFERENCE, ["model.pdmodel", "model.pdiparams"], "."),
    "a folder in a folder": (INFERENCE, ["a/b/model.pdmodel", "a/b/model.pdiparams"], "a/b"),
    "one file of a model is still a folder": (INFERENCE, ["a/inference.json"], "a"),
    "two folders": (INFERENCE, ["a/model.pdmodel", "b/readme"], "."),
    "a file beside a folder": (INFERENCE, ["model.pdmodel", "a/readme"], "."),
    "folders that begin alike": (INFERENCE, ["ab/model.pdmodel", "a/readme"], "."),
    "what macOS leaves behind": (
        INFERENCE,
        ["a/model.pdmodel", "__MACOSX/a/._model.pdmodel", ".DS_Store"],
        "a",
    ),
    "one Lite file": (LITE, ["a/a_fp16.nb"], "a/a_fp16.nb"),
    "one Lite file among others": (LITE, ["a/a_fp16.nb", "a/readme.txt"], "a/a_fp16.nb"),
    "two Lite files": (LITE, ["a/a_fp16.nb", "a/b_fp16.nb"], "a"),
    "no Lite file": (LITE, ["a/x", "a/y"], "a"),
    "one weights file in an archive": (weights("/a.zip"), ["a/a.pdparams"], "a/a.pdparams"),
}


@pytest.mark.parametrize("scenario", CASES)
def test_artifact_root(scenario: str) -> None:
    wanted, names, path = CASES[scenario]

    assert str(artifact_root(wanted, names)) == path
