"""Evaluation protocols, complete enough to execute: without them an AP is not a fact."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from registry.schema.base import Model
from registry.schema.source import Source

UnitInterval = Annotated[float, Field(ge=0, le=1)]
ImageSubset = Literal["all", "one_person", "at_most_six_persons"]


class Crop(Model):
    """How a person's box becomes the region that is cut out.

    Attributes:
        aspect: ``both`` widens whichever side is short to the input's aspect; ``width_only`` widens only
            the width of boxes that are too tall.
        expand: Factor on both sides of the region after the aspect is right.
        border: ``black`` keeps the region whole and fills outside the image; ``clip`` cuts it at the edge.
        udp: Whether the affine map uses unbiased data processing (pixel centers, size minus one).
    """

    aspect: Literal["both", "width_only"] = "both"
    expand: PositiveFloat
    border: Literal["black", "clip"]
    udp: bool


class HeatmapDecoder(Model):
    """How heat maps become coordinates.

    Attributes:
        method: ``argmax`` or ``dark`` (distribution-aware: one Newton step on the log of the blurred map).
        kernel: Side of the Gaussian blur in cells, odd; for ``dark`` only.
        back_projection: ``udp`` or ``affine``: which inverse map takes cells to image pixels.
    """

    method: Literal["argmax", "dark"]
    kernel: PositiveInt = 3
    back_projection: Literal["affine", "udp"]


class OksSuppression(Model):
    """Suppression of near-equal poses by object keypoint similarity.

    Attributes:
        threshold: Poses more similar than this are dropped.
        visibility: Joints scored above this count towards the rescored person.
    """

    threshold: UnitInterval
    visibility: UnitInterval


class KeypointProtocol(Model):
    """Top-down keypoint evaluation.

    Attributes:
        dataset: Name of the image set.
        split: Part of it.
        annotations: Annotation file inside the data folder.
        boxes: ``ground_truth``, or ``detector`` with the score threshold ``box_threshold``.
        box_threshold: Least score of a detector's box; None for ground-truth boxes.
        honor_exif: Whether images are turned by their EXIF orientation when read.
        crop: Region rule.
        flip: Whether heat maps of the mirrored region are averaged in, shifted by one cell.
        decoder: Heat maps to coordinates.
        suppression: Pose suppression and rescoring.
        images: Restriction of the image set, in words an evaluator implements (``all``, ``one_person``,
            ``at_most_six_persons``).
        max_detections: Detections per image that the scorer keeps.
        metric: What is averaged.
        source: Where upstream states or implements the protocol.
    """

    kind: Literal["keypoints"] = "keypoints"
    dataset: Literal["coco", "procedural"]
    split: str
    annotations: str | None
    boxes: Literal["ground_truth", "detector"]
    box_threshold: UnitInterval | None = None
    honor_exif: bool = False
    crop: Crop
    flip: bool
    decoder: HeatmapDecoder
    suppression: OksSuppression | None
    images: ImageSubset = "all"
    max_detections: PositiveInt = 20
    metric: Literal["oks_ap"] = "oks_ap"
    source: Source


class MulticlassNms(Model):
    """Class-wise non-maximum suppression.

    Attributes:
        score_threshold: Least class score of a candidate.
        iou_threshold: Overlap above which the weaker box is dropped.
        top_k: Candidates kept before suppression.
        keep: Boxes kept after it.
    """

    score_threshold: UnitInterval
    iou_threshold: UnitInterval
    top_k: PositiveInt
    keep: PositiveInt


class DetectionProtocol(Model):
    """Box detection evaluation.

    Attributes:
        dataset: Name of the image set.
        split: Part of it.
        annotations: Annotation file inside the data folder.
        category_scope: ``person`` scores category 1 alone; ``all`` averages over every category. A
            person-only detector scored over 80 categories shows its AP divided by 80.
        empty_images: Whether images without ground truth are scored too; None where upstream does not say,
            which scores all images, as COCO does.
        honor_exif: Whether images are turned by their EXIF orientation when read.
        nms: Suppression.
        max_detections: Detections per image that the scorer keeps.
        metric: What is averaged.
        source: Where upstream states or implements the protocol.
    """

    kind: Literal["detection"] = "detection"
    dataset: Literal["coco", "publaynet"]
    split: str
    annotations: str | None
    category_scope: Literal["person", "all"]
    empty_images: bool | None
    honor_exif: bool = True
    nms: MulticlassNms
    max_detections: PositiveInt = 100
    metric: Literal["box_ap"] = "box_ap"
    source: Source


class PipelineProtocol(Model):
    """Keypoint evaluation behind a detector of ours, as far as upstream states it.

    Attributes:
        dataset: Name of the image set.
        split: Part of it.
        annotations: Annotation file inside the data folder.
        box_threshold: Least score of a detector's box.
        flip: Whether heat maps of the mirrored region are averaged in.
        images: Restriction of the image set.
        metric: What is averaged.
        source: Where upstream states the protocol; how regions are cut is not stated there.
    """

    kind: Literal["pipeline"] = "pipeline"
    dataset: Literal["coco"]
    split: str
    annotations: str
    box_threshold: UnitInterval
    flip: bool
    images: ImageSubset
    metric: Literal["oks_ap"] = "oks_ap"
    source: Source


class PrivateProtocol(Model):
    """A figure on data that only its publisher has: it can be told, never repeated, never compared.

    Attributes:
        dataset: What upstream calls the data.
        conditions: What upstream says about the measurement.
        source: Where upstream says so.
    """

    kind: Literal["private"] = "private"
    dataset: str
    conditions: str
    source: Source


class StatedProtocol(Model):
    """A measurement on public data that upstream describes, but not completely enough to be repeated.

    Attributes:
        dataset: Name of the data.
        split: Part of it; None where upstream does not say.
        conditions: What upstream says about the measurement.
        source: Where upstream says so.
    """

    kind: Literal["stated"] = "stated"
    dataset: str
    split: str | None
    conditions: str
    source: Source


Protocol = Annotated[
    KeypointProtocol | DetectionProtocol | PipelineProtocol | PrivateProtocol | StatedProtocol,
    Field(discriminator="kind"),
]


class Tolerance(Model):
    """How far what a format computes may lie from what the inference model computes, layer by layer.

    Attributes:
        precision: Arithmetic precision the bounds are for.
        max_abs: Largest absolute difference of any raw output value.
        pixels: Largest distance of a point or a box's side, decoded (input pixels) or final (image pixels).
        scores: Largest difference of a final score.
        source: The measurement the bounds come from.
    """

    precision: Literal["fp32", "fp16"]
    max_abs: NonNegativeFloat
    pixels: NonNegativeFloat
    scores: NonNegativeFloat
    source: Source
