"""A folder laid out as COCO is: photos, and one JSON file that says what is in them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.runner.arrays import Doubles
from zoo.runner.results import PERSON

_MOST_PERSONS = {"all": None, "one_person": 1, "at_most_six_persons": 6}


@dataclass(frozen=True)
class CocoPhoto:
    """One photo of a data set.

    Attributes:
        id: COCO's image id.
        path: The file.
        width: Columns in pixels, as the annotation file says.
        height: Rows in pixels, as the annotation file says.
        annotations: COCO's annotation objects of this photo.
    """

    id: int
    path: Path
    width: int
    height: int
    annotations: tuple[Mapping[str, Any], ...]

    def persons_with_keypoints(self) -> Doubles:
        """``(N, 4)`` x1, y1, x2, y2 of the persons upstream's evaluation looks at.

        Neither crowds nor persons without a labelled joint. A box is clipped to the photo; its last pixel
        is width minus one away from its first, as upstream computes.
        """
        boxes = [
            self._clipped(*annotation["bbox"])
            for annotation in self.annotations
            if not annotation.get("iscrowd")
            and annotation.get("area", 1) > 0
            and max(annotation.get("keypoints", (0,))) > 0
        ]
        rows = [box for box in boxes if box[2] >= box[0] and box[3] >= box[1]]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def _clipped(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        left, top = max(0.0, x), max(0.0, y)
        right = min(self.width - 1.0, left + max(0.0, width - 1))
        bottom = min(self.height - 1.0, top + max(0.0, height - 1))
        return left, top, right, bottom


@dataclass(frozen=True)
class CocoSet:
    """The photos a figure is measured on.

    Attributes:
        annotations: The annotation file.
        document: Its content.
        photos: In the order of the file.
        categories: COCO category ids, ascending.
    """

    annotations: Path
    document: Mapping[str, Any]
    photos: tuple[CocoPhoto, ...]
    categories: tuple[int, ...]


def load_set(
    data: Path,
    protocol: KeypointProtocol | DetectionProtocol,
    *,
    annotations: Path | None = None,
    images: Path | None = None,
    limit: int | None = None,
) -> CocoSet:
    """Read the annotation file and choose the photos the protocol is about.

    Args:
        data: Folder that holds ``val2017/`` and ``annotations/``.
        protocol: Says which split and file, and which photos of it count.
        annotations: Annotation file, when it lies elsewhere.
        images: Folder of the photos, when it lies elsewhere.
        limit: Take only the first photos.

    Raises:
        NotFoundError: ``annotations-not-found`` or ``images-not-found``.
        UsageError: ``annotations-unreadable`` or ``no-photos``.
    """
    file = annotations or data / (protocol.annotations or "annotations.json")
    folder = images or data / protocol.split
    document = _read(file)
    if not folder.is_dir():
        raise NotFoundError(
            "images-not-found",
            f"there is no folder of photos at {folder}",
            expected=f"the photos of {file.name}",
            hint="name it with --images",
        )
    by_photo = defaultdict(list)
    for annotation in document["annotations"]:
        by_photo[annotation["image_id"]].append(annotation)
    photos = [
        CocoPhoto(
            image["id"],
            folder / image["file_name"],
            image["width"],
            image["height"],
            tuple(by_photo[image["id"]]),
        )
        for image in document["images"]
    ]
    chosen = tuple(photo for photo in photos if _counts(photo, protocol))[:limit]
    if not chosen:
        raise UsageError("no-photos", f"{file} names no photo the protocol is about")
    categories = tuple(sorted(category["id"] for category in document["categories"]))
    return CocoSet(file, document, chosen, categories)


def _counts(photo: CocoPhoto, protocol: KeypointProtocol | DetectionProtocol) -> bool:
    if isinstance(protocol, DetectionProtocol):
        return bool(photo.annotations) or protocol.empty_images is not False
    most = _MOST_PERSONS[protocol.images]
    persons = sum(annotation["category_id"] == PERSON for annotation in photo.annotations)
    return most is None or 0 < persons <= most


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            "annotations-not-found",
            f"there is no annotation file at {file}",
            hint="name it with --annotations",
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError("annotations-unreadable", f"{file} cannot be read", found=str(error)) from error
    sections = ("images", "annotations", "categories")
    if not isinstance(document, dict) or any(not isinstance(document.get(key), list) for key in sections):
        raise UsageError(
            "annotations-unreadable",
            f"{file} is no COCO annotation file",
            expected=f"a JSON object with the lists {', '.join(sections)}",
        )
    return document
