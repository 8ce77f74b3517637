"""Models on disk for tests: the shipped sample pose model as a user would have exported it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import yaml

from zoo.local_models.graph import GraphFacts
from zoo.sample import CATALOG

SAMPLE = "sample_pose_128x96"
SAMPLE_ARCHIVE = CATALOG.parent / "data" / f"{SAMPLE}.tar.gz"

NORMALIZE = {
    "type": "NormalizeImage",
    "is_scale": True,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
COCO_80 = ["person", *(f"thing {number}" for number in range(2, 80)), "toothbrush"]
"""As long as COCO's list and with the same ends, by which the exporter's default is recognized."""


def export_sample(folder: Path, **changes: Any) -> Path:
    """Write the sample model as an export folder.

    Args:
        folder: The folder to create.
        changes: Keys of its configuration to replace; None removes a key.
    """
    folder.mkdir(parents=True)
    with tarfile.open(SAMPLE_ARCHIVE) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is not None:
                (folder / Path(member.name).name).write_bytes(content.read())
    config = folder / "infer_cfg.yml"
    content = {**yaml.safe_load(config.read_text()), **changes}
    write_config(config, **{key: value for key, value in content.items() if value is not None})
    return folder


def pose_config(**changes: Any) -> dict[str, Any]:
    """Content of ``infer_cfg.yml`` of a TinyPose."""
    crop = {"type": "TopDownEvalAffine", "trainsize": [96, 128]}
    return {
        "arch": "HRNet",
        "metric": "KeyPointTopDownCOCOEval",
        "draw_threshold": 0.5,
        "Preprocess": [crop, NORMALIZE, {"type": "Permute"}],
        "label_list": ["keypoint"],
        **changes,
    }


def detector_config(**changes: Any) -> dict[str, Any]:
    """Content of ``infer_cfg.yml`` of a PicoDet with three classes."""
    resize = {"type": "Resize", "interp": 2, "keep_ratio": False, "target_size": [192, 320]}
    return {
        "arch": "PicoDet",
        "metric": "COCO",
        "draw_threshold": 0.4,
        "Preprocess": [resize, NORMALIZE, {"type": "Permute"}, {"type": "PadStride", "stride": 32}],
        "label_list": ["helmet", "person", "vest"],
        "NMS": {
            "name": "MultiClassNMS",
            "keep_top_k": 100,
            "nms_threshold": 0.5,
            "nms_top_k": 1000,
            "score_threshold": 0.3,
        },
        "fpn_stride": [8, 16, 32, 64],
        **changes,
    }


def write_config(path: Path, **content: Any) -> Path:
    """Write a configuration."""
    path.write_text(yaml.safe_dump(content))
    return path


def pose_graph(**changes: Any) -> GraphFacts:
    """Facts of a TinyPose with 17 joints."""
    facts = {
        "path": Path("own"),
        "input": "image",
        "height": 128,
        "width": 96,
        "head": "heatmap",
        "channels": 17,
        "stride": 4,
        "argmax": True,
        "normalization": "host",
    }
    return GraphFacts.model_validate(facts | changes)


def detector_graph(**changes: Any) -> GraphFacts:
    """Facts of a PicoDet with three classes."""
    facts = {
        "path": Path("own"),
        "input": "image",
        "height": 192,
        "width": 320,
        "head": "raw",
        "channels": 3,
        "reg_max": 7,
        "normalization": "host",
    }
    return GraphFacts.model_validate(facts | changes)
