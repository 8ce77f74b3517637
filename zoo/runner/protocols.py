"""Protocols other than the published evaluation's, as values."""

from __future__ import annotations

from registry.schema.protocol import Crop, KeypointProtocol, MulticlassNms
from registry.schema.source import Source

_REVISION = "666f597fd00d3157e84dd9fb2dd3f40bf9918ebc"

PYTHON_DEPLOYMENT_CROP = Crop(aspect="width_only", expand=1.3, border="clip", udp=False)
"""``expand_crop`` and ``TopDownEvalAffine`` of ``deploy/python``."""

PYTHON_DEPLOYMENT_NMS = MulticlassNms(score_threshold=0.4, iou_threshold=0.5, top_k=200, keep=100)
"""``PicoDetPostProcess`` of ``deploy/python`` with the IoU threshold of the published ``infer_cfg.yml``."""

PYTHON_DEPLOYMENT_BOX_THRESHOLD = 0.5
"""``det_threshold`` of ``det_keypoint_unite_infer.py``."""

EVALUATION_BOX_THRESHOLD = 0.5
"""``image_thre`` of the TinyPose configurations: a detector's boxes must score above it to be evaluated."""


def with_detector_boxes(protocol: KeypointProtocol, threshold: float) -> KeypointProtocol:
    """Return an evaluation protocol with boxes from a detector instead of annotated boxes.

    Args:
        protocol: The evaluation protocol of an entry.
        threshold: Boxes must score above this.
    """
    return protocol.model_copy(update={"boxes": "detector", "box_threshold": threshold})


def as_python_deployment(protocol: KeypointProtocol) -> KeypointProtocol:
    """Return the protocol as upstream's Python deployment executes it.

    It has another crop, no flip test and no suppression of poses; boxes come from a detector. The decoder is
    unchanged.

    Args:
        protocol: The evaluation protocol of an entry.
    """
    return protocol.model_copy(
        update={
            "boxes": "detector",
            "box_threshold": PYTHON_DEPLOYMENT_BOX_THRESHOLD,
            "honor_exif": True,
            "crop": PYTHON_DEPLOYMENT_CROP,
            "flip": False,
            "suppression": None,
            "source": Source(document="deploy/python", cell="keypoint_preprocess.py", revision=_REVISION),
        }
    )
