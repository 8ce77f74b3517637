"""Protocols other than the published evaluation's, as values."""

from __future__ import annotations

from converters.inference.options import EVALUATION_NMS
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import (
    Crop,
    DetectionProtocol,
    HeatmapDecoder,
    KeypointProtocol,
    MulticlassNms,
    OksSuppression,
)
from registry.schema.source import Source
from zoo.datasets.categories import find_person

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


def default_keypoint_protocol(output: HeatmapOutput) -> KeypointProtocol:
    """The protocol of a pose network without a published figure: that of upstream's own evaluation.

    Args:
        output: Output of the network. The flip test needs its pairs of joints, and is omitted if they are
            not known.
    """
    return KeypointProtocol(
        dataset="coco",
        split="val2017",
        annotations="annotations/person_keypoints_val2017.json",
        boxes="ground_truth",
        crop=Crop(aspect="both", expand=1.25, border="black", udp=True),
        flip=output.flip_pairs is not None,
        decoder=HeatmapDecoder(method="dark", kernel=3, back_projection="affine"),
        suppression=OksSuppression(threshold=0.9, visibility=0.2),
        source=Source(
            document="configs/keypoint/tiny_pose/tinypose_*.yml",
            cell="the default protocol, since the catalog has no figure to measure",
            revision=_REVISION,
        ),
    )


def default_detection_protocol(output: DetectionOutput) -> DetectionProtocol:
    """The protocol of a detector without a published figure: that of upstream's own evaluation.

    Args:
        output: Output of the network; a network that knows only persons is scored on persons only.
    """
    return DetectionProtocol(
        dataset="coco",
        split="val2017",
        annotations="annotations/instances_val2017.json",
        category_scope="person" if len(output.classes) == 1 and find_person(output.classes) == 0 else "all",
        empty_images=None,
        nms=EVALUATION_NMS,
        source=Source(
            document="configs/picodet/_base_/picodet_esnet.yml",
            cell="the default protocol, since the catalog has no figure to measure",
            revision=_REVISION,
        ),
    )


def get_keypoint_protocol(entry: Entry) -> KeypointProtocol:
    """Return the protocol of an entry's first keypoint figure; it states how heatmaps are decoded.

    An entry without such a figure has the default protocol.

    Raises:
        UsageError: ``no-protocol``.
    """
    for figure in entry.accuracy:
        if isinstance(figure.protocol, KeypointProtocol):
            return figure.protocol
    if isinstance(entry.output, HeatmapOutput):
        return default_keypoint_protocol(entry.output)
    raise no_protocol_error(entry)


def get_detection_protocol(entry: Entry) -> DetectionProtocol:
    """Return the protocol of an entry's first detection figure; it states how boxes are suppressed.

    An entry without such a figure has the default protocol.

    Raises:
        UsageError: ``no-protocol``.
    """
    for figure in entry.accuracy:
        if isinstance(figure.protocol, DetectionProtocol):
            return figure.protocol
    if isinstance(entry.output, DetectionOutput):
        return default_detection_protocol(entry.output)
    raise no_protocol_error(entry)


def no_protocol_error(entry: Entry) -> UsageError:
    """Error for an entry without a figure that can be measured."""
    figures = ", ".join(f"{figure.metric} ({figure.protocol.kind})" for figure in entry.accuracy)
    return UsageError(
        "no-protocol",
        f"the catalog has no figure with an executable protocol for {entry.id}",
        found=figures or "no accuracy figure",
        hint=f"zoo show {entry.short_id}",
    )
