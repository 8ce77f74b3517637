"""``infer_cfg.yml``, the file beside an inference model that tells deployment code how to feed and read it.

Keys, order and spelling are those of the files upstream publishes, so that existing code can read ours.
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
"""OpenCV's numbers."""

DRAW_THRESHOLD = 0.5
TENSORRT_MIN_SUBGRAPH = 3


def infer_cfg(entry: Entry, options: InferenceOptions) -> str:
    """The text of the file.

    Args:
        entry: Whose model it is.
        options: How it was exported. With normalization in the graph there is no ``NormalizeImage`` step.
    """
    return yaml.safe_dump(_content(entry, options), sort_keys=False)


def labels(entry: Entry) -> tuple[str, ...]:
    """Class names; upstream's one label of every pose model is ``keypoint``."""
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
    """The name by which deployment code picks its post-processing."""
    if options.head is None:
        return "HRNet"
    # Code for PicoDet decodes raw levels itself; graphs that decode go by the name of the detector whose
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
