"""Entries are frozen values that reject inconsistent fields."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import registry
from registry.schema import Artifact, ESNet, LiteHRNet, Source

SOURCE = Source(document="paper", cell="table 1")
URL = "https://example.com/model.nb"


def test_entries_cannot_be_changed() -> None:
    entry = registry.load().get("tinypose_128x96")

    with pytest.raises(ValidationError, match="frozen"):
        entry.title = "Other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "lite", "normalization": "host", "precision": "fp32"}, "needs a target and a precision"),
        ({"kind": "onnx", "normalization": "host"}, "needs a precision"),
        ({"kind": "weights", "target": "arm"}, "only a lite artifact may have a target"),
        ({"kind": "inference"}, "needs the field normalization"),
        ({"kind": "weights", "members": {"../a": {"sha256": "0" * 64, "size": 1}}}, "must be relative"),
        ({"kind": "weights", "digest": {"sha256": "ABC", "size": 1}}, "should match pattern"),
        ({"kind": "weights", "urls": ["https://"]}, "must be https and name a host"),
        ({"kind": "weights", "urls": []}, "at least 1 item"),
        ({"kind": "weights", "status": "superseded"}, "needs the field superseded_by"),
        ({"kind": "weights", "superseded_by": "weights"}, "only a superseded or suspect artifact"),
        ({"kind": "weights", "status": "suspect"}, "needs a note with the reason"),
    ],
)
def test_inconsistent_artifacts_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Artifact.model_validate({"urls": [URL], "source": SOURCE, **fields})


def test_artifact_ids_distinguish_variants() -> None:
    common = {"kind": "lite", "target": "arm", "precision": "fp16", "normalization": "host"}
    variants: list[dict[str, str]] = [
        {},
        {"head": "raw"},
        {"head": "nms"},
        {"variant": "fastdeploy"},
        {"status": "suspect", "note": "garbage on ARM"},
    ]

    ids = [Artifact.model_validate({"urls": [URL], "source": SOURCE, **common, **v}).id for v in variants]

    assert ids == [
        "lite-arm-fp16",
        "lite-arm-fp16",
        "lite-arm-fp16-nms",
        "lite-arm-fp16-fastdeploy",
        "lite-arm-fp16-suspect",
    ]


def test_architectures_check_their_channel_counts() -> None:
    with pytest.raises(ValidationError, match="one a block"):
        ESNet(scale=0.75, channel_ratios=(0.5,))
    with pytest.raises(ValidationError, match="width must be even"):
        LiteHRNet(width=41)


def test_superseded_artifacts_are_never_selected() -> None:
    entry = registry.load().get("tinypose_128x96")
    suspects = tuple(artifact.model_copy(update={"status": "suspect"}) for artifact in entry.artifacts)

    assert entry.model_copy(update={"artifacts": suspects}).artifact("weights") is None
