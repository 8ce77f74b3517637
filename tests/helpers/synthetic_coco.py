"""Random annotations and results in COCO's layout, with all that evaluators treat specially."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.coco import CocoImage, CocoSet
from zoo.datasets.coco_annotations import Kind

JOINTS = 17


@dataclass(frozen=True)
class SyntheticCoco:
    """A set and the results of a model.

    Attributes:
        document: Content of an annotation file.
        records: Results in COCO's layout.
    """

    document: dict[str, Any]
    records: list[dict[str, Any]]

    def coco_set(self) -> CocoSet:
        """The set as a data set of this project."""
        by_image: dict[int, list[dict[str, Any]]] = {}
        for item in self.document["annotations"]:
            by_image.setdefault(item["image_id"], []).append(item)
        images = tuple(
            CocoImage(
                image["id"],
                Path("x.jpg"),
                image["width"],
                image["height"],
                tuple(by_image.get(image["id"], ())),
            )
            for image in self.document["images"]
        )
        categories = tuple(category["id"] for category in self.document["categories"])
        return CocoSet(Path("x.json"), self.document, images, categories)


def make_synthetic(images: int, categories: int, *, kind: Kind = "bbox", seed: int = 0) -> SyntheticCoco:
    """Draw boxes or persons, and results that find some of them.

    There are crowds, images without annotations, images without results, results in wrong categories, more
    than one result for an instance, persons without visible joints, and many equal scores.

    Args:
        images: Number of images.
        categories: Number of categories.
        kind: Boxes, or persons with joints.
        seed: Seed of the random generator.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    annotations: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        for _ in range(0 if image % 17 == 0 else random.integers(9)):
            item = _draw_annotation(random, image, categories, kind) | {"id": len(annotations) + 1}
            annotations.append(item)
            for _ in range(0 if image % 13 == 0 else random.integers(4)):
                records.append(_draw_result(random, item, categories, kind))
        if image % 19 == 0:
            wrong = _draw_annotation(random, image, categories, kind)
            records.append(_draw_result(random, wrong, categories, kind))
    document = {
        "images": [{"id": image, "width": 640, "height": 480} for image in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": each, "name": f"category {each}"} for each in range(1, categories + 1)],
    }
    return SyntheticCoco(document, records)


def _draw_annotation(random: np.random.Generator, image: int, categories: int, kind: Kind) -> dict[str, Any]:
    x, y = random.uniform(0, 500), random.uniform(0, 380)
    width, height = random.uniform(5, 140), random.uniform(5, 100)
    item = {
        "image_id": image,
        "category_id": int(random.integers(1, categories + 1)),
        "bbox": [x, y, width, height],
        "area": width * height * random.uniform(0.5, 1),
        "iscrowd": int(random.random() < 0.04),
    }
    if kind == "bbox":
        return item
    seen = random.random() > 0.1
    joints = np.stack(
        [
            random.uniform(x, x + width, JOINTS),
            random.uniform(y, y + height, JOINTS),
            random.integers(0, 3, JOINTS) * seen,
        ],
        axis=1,
    )
    return item | {"keypoints": joints.ravel().tolist(), "num_keypoints": int((joints[:, 2] > 0).sum())}


def _draw_result(
    random: np.random.Generator, item: dict[str, Any], categories: int, kind: Kind
) -> dict[str, Any]:
    x, y, width, height = item["bbox"]
    size = (width + height) / 2
    moved = random.normal(0, 0.08 * size, 4)
    right = kind == "keypoints" or random.random() < 0.9
    record = {
        "image_id": item["image_id"],
        "category_id": item["category_id"] if right else int(random.integers(1, categories + 1)),
        "bbox": [x + moved[0], y + moved[1], max(1.0, width + moved[2]), max(1.0, height + moved[3])],
        "score": round(float(random.random()), 1),
    }
    if kind == "bbox":
        return record
    joints = np.array(item["keypoints"]).reshape(JOINTS, 3)
    joints[:, :2] += random.normal(0, 0.05 * size, (JOINTS, 2))
    return record | {"keypoints": joints.ravel().tolist()}
