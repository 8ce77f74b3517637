"""What the runner hands out, and the same in COCO's result layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from zoo._utils.arrays import Array, Doubles, Floats, Integers
from zoo.datasets.coco import PERSON


class DetectionRecord(TypedDict):
    """One box, as COCO's evaluation reads it: ``bbox`` is x, y, width, height."""

    image_id: int | str
    category_id: int
    bbox: list[float]
    score: float


class PoseRecord(DetectionRecord):
    """One person, as COCO's evaluation reads it: ``keypoints`` is x, y, score per joint, flat."""

    keypoints: list[float]


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes found in one image, best first.

    Attributes:
        boxes: ``(M, 4)`` x1, y1, x2, y2 in image pixels; may reach a little beyond the photo.
        scores: ``(M,)`` from 0 to 1.
        labels: ``(M,)`` class numbers of the network, from 0.
    """

    boxes: Floats
    scores: Floats
    labels: Integers

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float, label: int | None = None) -> Detections:
        """Those that score above a threshold, of one class if one is named."""
        chosen = self.scores > threshold
        if label is not None:
            chosen &= self.labels == label
        return Detections(self.boxes[chosen], self.scores[chosen], self.labels[chosen])

    def records(self, image_id: int | str, categories: tuple[int, ...]) -> list[DetectionRecord]:
        """COCO's result layout.

        Args:
            image_id: Of the photo.
            categories: COCO category id of each class of the network.
        """
        rows = zip(as_xywh(self.boxes).tolist(), self.scores.tolist(), self.labels.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": categories[label], "bbox": box, "score": score}
            for box, score, label in rows
        ]


@dataclass(frozen=True, eq=False)
class Poses:
    """Persons of one photo.

    Attributes:
        keypoints: ``(N, J, 3)`` x, y in image pixels and score from 0 to 1, as the network rates the joint.
        scores: ``(N,)`` score of the person.
        boxes: ``(N, 4)`` x1, y1, x2, y2: the boxes the persons were looked for in.
        areas: ``(N,)`` square pixels of the regions that were cut out.
    """

    keypoints: Doubles
    scores: Doubles
    boxes: Doubles
    areas: Doubles

    def __len__(self) -> int:
        return len(self.scores)

    def chosen(self, index: Array) -> Poses:
        """Those at the given positions, in the given order."""
        return Poses(self.keypoints[index], self.scores[index], self.boxes[index], self.areas[index])

    def records(self, image_id: int | str, category: int = PERSON) -> list[PoseRecord]:
        """COCO's result layout.

        Args:
            image_id: Of the photo.
            category: Id of the persons' category in the annotation file.
        """
        flat = [pose.ravel().tolist() for pose in self.keypoints]
        rows = zip(flat, as_xywh(self.boxes).tolist(), self.scores.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": category, "bbox": box, "score": score, "keypoints": points}
            for points, box, score in rows
        ]


@dataclass(frozen=True, eq=False)
class ImageResult:
    """What a pipeline found in one photo.

    Attributes:
        path: File of the image; None when it came from memory.
        size: Width and height of the image in pixels, after its EXIF orientation where that was honored.
        detections: All boxes the detector reported.
        poses: The persons among them that were looked at.
    """

    path: Path | None
    size: tuple[int, int]
    detections: Detections
    poses: Poses


def as_xywh(boxes: Array) -> Doubles:
    """``(N, 4)`` corners as x, y, width, height; COCO adds no pixel."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
