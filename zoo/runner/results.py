"""Result types of the runner, and their conversion to COCO's result layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from zoo._utils.arrays import Array, Doubles, Floats, Integers
from zoo.datasets.categories import PERSON


class DetectionRecord(TypedDict):
    """One box in COCO's result layout: ``bbox`` is x, y, width, height."""

    image_id: int | str
    category_id: int
    bbox: list[float]
    score: float


class PoseRecord(DetectionRecord):
    """One person in COCO's result layout: ``keypoints`` is a flat list of x, y, score per joint."""

    keypoints: list[float]


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes found in one image, best first.

    Attributes:
        boxes: ``(M, 4)`` x1, y1, x2, y2 in image pixels; may extend slightly beyond the image.
        scores: ``(M,)`` from 0 to 1.
        labels: ``(M,)`` class numbers of the network, from 0.
    """

    boxes: Floats
    scores: Floats
    labels: Integers

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float, label: int | None = None) -> Detections:
        """Select boxes that score above a threshold, optionally of one class."""
        selected = self.scores > threshold
        if label is not None:
            selected &= self.labels == label
        return Detections(self.boxes[selected], self.scores[selected], self.labels[selected])

    def records(self, image_id: int | str, categories: Sequence[int | None]) -> list[DetectionRecord]:
        """Convert to COCO's result layout.

        Args:
            image_id: Id of the image.
            categories: COCO category id of each class of the network; None leaves out boxes of that class.
        """
        rows = zip(as_xywh(self.boxes).tolist(), self.scores.tolist(), self.labels.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": category, "bbox": box, "score": score}
            for box, score, label in rows
            if (category := categories[label]) is not None
        ]


@dataclass(frozen=True, eq=False)
class Poses:
    """Persons found in one image.

    Attributes:
        keypoints: ``(N, J, 3)`` x, y in image pixels and score from 0 to 1 of each joint.
        scores: ``(N,)`` score of the person.
        boxes: ``(N, 4)`` x1, y1, x2, y2: the person boxes the network ran on.
        areas: ``(N,)`` areas of the crop regions in square pixels.
    """

    keypoints: Doubles
    scores: Doubles
    boxes: Doubles
    areas: Doubles

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: Array) -> Poses:
        """Select persons by position, in the given order."""
        return Poses(self.keypoints[index], self.scores[index], self.boxes[index], self.areas[index])

    def records(self, image_id: int | str, category: int = PERSON) -> list[PoseRecord]:
        """Convert to COCO's result layout.

        Args:
            image_id: Id of the image.
            category: Id of the person category in the annotation file.
        """
        flat = [pose.ravel().tolist() for pose in self.keypoints]
        rows = zip(flat, as_xywh(self.boxes).tolist(), self.scores.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": category, "bbox": box, "score": score, "keypoints": points}
            for points, box, score in rows
        ]


@dataclass(frozen=True, eq=False)
class ImageResult:
    """Result of a runner on one image.

    Attributes:
        path: File of the image; None for an image in memory.
        size: Width and height of the image in pixels, after its EXIF orientation if that was applied.
        detections: All boxes that the detector returned.
        poses: Poses of the persons that scored above the threshold.
    """

    path: Path | None
    size: tuple[int, int]
    detections: Detections
    poses: Poses


def as_xywh(boxes: Array) -> Doubles:
    """Convert ``(N, 4)`` corners to x, y, width, height; COCO adds no pixel."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
