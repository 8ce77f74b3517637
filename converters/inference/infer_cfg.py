"""Writes ``infer_cfg.yml``, which describes an inference model's pre- and post-processing to deployment code.

Keys, order and spelling match the files upstream publishes, so that existing code can read the file.
"""

from __future__ import annotations

from typing import Any

import yaml

from converters.inference.options import SIDE_MULTIPLE, InferenceOptions
from registry.schema.entry import Entry
from registry.schema.io import DetectionOutput, Input
from registry.schema.protocol import MulticlassNms

FILE_NAME = "infer_cfg.yml"

INTERPOLATION = {"linear": 1, "cubic": 2}
"""Interpolation methods as OpenCV numbers them."""

DRAW_THRESHOLD = 0.5
TENSORRT_MIN_SUBGRAPH = 3


def infer_cfg(entry: Entry, options: InferenceOptions) -> str:
    """Return the text of the file.

    Args:
        entry: Entry of the model.
        options: Options of the export. With normalization in the graph there is no ``NormalizeImage`` step.
    """
    return yaml.safe_dump(_content(entry, options), sort_keys=False)


def labels(entry: Entry) -> tuple[str, ...]:
    """Return the class names; upstream gives every pose model the single label ``keypoint``."""
    return entry.output.classes if isinstance(entry.output, DetectionOutput) else ("keypoint",)


def _content(entry: Entry, options: InferenceOptions) -> dict[str, Any]:
    output = entry.output
    detector = isinstance(output, DetectionOutput)
    content: dict[str, Any] = {
        "mode": "paddle",
        "draw_threshold": DRAW_THRESHOLD,
        "metric": "COCO" if detector else "KeyPointTopDownCOCOEval",
        "use_dynamic_shape": False,
        "arch": _arch(options),
        "min_subgraph_size": TENSORRT_MIN_SUBGRAPH,
        "Preprocess": _preprocess(entry.input, options),
        "label_list": list(labels(entry)),
    }
    if isinstance(output, DetectionOutput) and options.nms is not None:
        content["NMS"] = _nms(options.nms)
        content["fpn_stride"] = list(output.strides)
    return content


def _arch(options: InferenceOptions) -> str:
    """Return the name by which deployment code selects its post-processing."""
    if options.head is None:
        return "HRNet"
    # Deployment code for PicoDet decodes raw outputs. Graphs that decode boxes have the name of GFL, whose
    # exported graphs always did.
    return "PicoDet" if options.head == "raw" else "GFL"


def _preprocess(image: Input, options: InferenceOptions) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    if image.resize == "stretch":
        interpolation = INTERPOLATION[image.interpolation]
        size = [image.height, image.width]
        steps.append({"interp": interpolation, "keep_ratio": False, "target_size": size, "type": "Resize"})
    else:
        steps.append({"trainsize": [image.width, image.height], "type": "TopDownEvalAffine"})
    if options.normalization == "host":
        mean, std = list(image.mean), list(image.std)
        steps.append({"is_scale": True, "mean": mean, "std": std, "type": "NormalizeImage"})
    steps.append({"type": "Permute"})
    if image.resize == "stretch":
        steps.append({"stride": SIDE_MULTIPLE, "type": "PadStride"})
    return steps


def _nms(values: MulticlassNms) -> dict[str, Any]:
    return {
        "keep_top_k": values.keep,
        "name": "MultiClassNMS",
        "nms_threshold": values.iou_threshold,
        "nms_top_k": values.top_k,
        "score_threshold": values.score_threshold,
    }
