"""Evaluation protocols, complete enough to run: an AP is meaningful only with its protocol."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from registry.schema.base import CatalogModel, Line, RelativePath, Text
from registry.schema.source import Source

UnitInterval = Annotated[float, Field(ge=0, le=1)]
ImageSubset = Literal["all", "one_person", "at_most_six_persons"]


class Crop(CatalogModel):
    """How a person's box becomes the region that is cropped.

    Attributes:
        aspect: ``both`` extends the shorter side to the aspect ratio of the input; ``width_only`` extends
            only the width, of boxes that are too tall.
        expand: Factor on both sides of the region, applied after ``aspect``.
        border: ``black`` fills the part of the region outside the image; ``clip`` crops it at the edge.
        udp: Whether the affine transform uses unbiased data processing (pixel centers, size minus one).
    """

    aspect: Literal["both", "width_only"] = "both"
    expand: PositiveFloat
    border: Literal["black", "clip"]
    udp: bool


class HeatmapDecoder(CatalogModel):
    """How heatmaps become coordinates.

    Attributes:
        method: ``argmax`` or ``dark`` (distribution-aware: one Newton step on the log of the blurred map).
        kernel: Side of the Gaussian blur kernel in cells, odd; for ``dark`` only.
        back_projection: Inverse transform from cells to image pixels, ``udp`` or ``affine``.
    """

    method: Literal["argmax", "dark"]
    kernel: PositiveInt = 3
    back_projection: Literal["affine", "udp"]


class OksSuppression(CatalogModel):
    """Suppression of duplicate poses by object keypoint similarity (OKS).

    Attributes:
        threshold: Similarity above which the pose with the lower score is removed.
        visibility: Joints with a score above this count towards the rescored person.
    """

    threshold: UnitInterval
    visibility: UnitInterval


class KeypointProtocol(CatalogModel):
    """Top-down keypoint evaluation.

    Attributes:
        kind: ``keypoints``.
        dataset: Name of the data set.
        split: Split of the data set.
        annotations: Path of the annotation file in the data folder.
        boxes: ``ground_truth``, or ``detector`` with the score threshold ``box_threshold``.
        box_threshold: Smallest score of a detector's box; None for ground-truth boxes.
        honor_exif: Whether images are rotated by their EXIF orientation when read.
        crop: How the region of a person is cropped.
        flip: Whether heatmaps of the mirrored region, shifted by one cell, are averaged in (flip test).
        decoder: How heatmaps become coordinates.
        suppression: Pose suppression and rescoring.
        images: Subset of the images: ``all``, ``one_person`` or ``at_most_six_persons``.
        max_detections: Detections per image that are scored.
        metric: Metric that is averaged.
        source: Where upstream states or implements the protocol.
    """

    kind: Literal["keypoints"] = "keypoints"
    dataset: Literal["coco", "procedural"]
    split: RelativePath
    annotations: RelativePath | None
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


class MulticlassNms(CatalogModel):
    """Class-wise non-maximum suppression.

    Attributes:
        score_threshold: Smallest class score of a candidate.
        iou_threshold: Intersection over union above which the box with the lower score is removed.
        top_k: Number of candidates before suppression.
        keep: Number of boxes after suppression.
    """

    score_threshold: UnitInterval
    iou_threshold: UnitInterval
    top_k: PositiveInt
    keep: PositiveInt


class DetectionProtocol(CatalogModel):
    """Box detection evaluation.

    Attributes:
        kind: ``detection``.
        dataset: Name of the data set.
        split: Split of the data set.
        annotations: Path of the annotation file in the data folder.
        category_scope: ``person`` scores only category 1; ``all`` averages over all categories. A
            person detector scored over 80 categories gets its AP divided by 80.
        empty_images: Whether images without ground truth are scored too; None if upstream does not state
            it: then all images are scored, as COCO does.
        honor_exif: Whether images are rotated by their EXIF orientation when read.
        nms: Suppression of overlapping boxes.
        max_detections: Detections per image that are scored.
        metric: Metric that is averaged.
        source: Where upstream states or implements the protocol.
    """

    kind: Literal["detection"] = "detection"
    dataset: Literal["coco", "publaynet"]
    split: RelativePath
    annotations: RelativePath | None
    category_scope: Literal["person", "all"]
    empty_images: bool | None
    honor_exif: bool = True
    nms: MulticlassNms
    max_detections: PositiveInt = 100
    metric: Literal["box_ap"] = "box_ap"
    source: Source


class PipelineProtocol(CatalogModel):
    """Keypoint evaluation on the boxes of the pipeline's detector, as far as upstream states it.

    Attributes:
        kind: ``pipeline``.
        dataset: Name of the data set.
        split: Split of the data set.
        annotations: Path of the annotation file in the data folder.
        box_threshold: Smallest score of a detector's box.
        flip: Whether heatmaps of the mirrored region are averaged in (flip test).
        images: Subset of the images: ``all``, ``one_person`` or ``at_most_six_persons``.
        metric: Metric that is averaged.
        source: Where upstream states the protocol; upstream does not state how regions are cropped.
    """

    kind: Literal["pipeline"] = "pipeline"
    dataset: Literal["coco"]
    split: RelativePath
    annotations: RelativePath
    box_threshold: UnitInterval
    flip: bool
    images: ImageSubset
    metric: Literal["oks_ap"] = "oks_ap"
    source: Source


class PrivateProtocol(CatalogModel):
    """A measurement on unpublished data: it cannot be reproduced or compared.

    Attributes:
        kind: ``private``.
        dataset: Upstream's name of the data.
        conditions: Conditions that upstream states.
        source: Where upstream states them.
    """

    kind: Literal["private"] = "private"
    dataset: Line
    conditions: Text
    source: Source


class StatedProtocol(CatalogModel):
    """A measurement on public data that upstream describes too incompletely to reproduce.

    Attributes:
        kind: ``stated``.
        dataset: Name of the data set.
        split: Split of the data set; None if upstream does not state it.
        conditions: Conditions that upstream states.
        source: Where upstream states them.
    """

    kind: Literal["stated"] = "stated"
    dataset: Line
    split: Line | None
    conditions: Text
    source: Source


Protocol = Annotated[
    KeypointProtocol | DetectionProtocol | PipelineProtocol | PrivateProtocol | StatedProtocol,
    Field(discriminator="kind"),
]


class Tolerance(CatalogModel):
    """Largest allowed differences between a format and the inference model.

    Attributes:
        precision: Precision of the format that the bounds apply to.
        max_abs: Largest absolute difference of a raw output value.
        pixels: Largest distance of a point or a box side, decoded (input pixels) or final (image pixels).
        scores: Largest difference of a final score.
        source: Measurement that the bounds are based on.
    """

    precision: Literal["fp32", "fp16"]
    max_abs: NonNegativeFloat
    pixels: NonNegativeFloat
    scores: NonNegativeFloat
    source: Source
