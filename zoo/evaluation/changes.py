"""The images and instances on which two models differ most."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry.schema.base import Model
from zoo._utils.arrays import Array
from zoo.datasets.coco import CocoSet
from zoo.evaluation.average_precision import Scores
from zoo.evaluation.per_image import ImageId, ImageMatches

_MOST_LEFT_OUT = 300  # images whose influence is computed: each takes a pass over all detections


class ImageChange(Model):
    """Influence of one image on the difference.

    Attributes:
        image_id: Id of the image.
        file: Name of its file.
        influence: Percentage points of the difference of AP that are due to this image: the difference with
            all images, minus the difference without this one.
    """

    image_id: ImageId
    file: str
    influence: float


class InstanceChange(Model):
    """An annotated instance that one of the models localizes better.

    Attributes:
        image_id: Id of the image.
        file: Name of its file.
        annotation_id: Id of the annotation; None if it has none.
        category_id: COCO category id.
        box: Annotated x, y, width, height in pixels.
        reference: Highest threshold of overlap or similarity at which the reference finds the instance; None
            if it does not find it.
        candidate: The same for the candidate.
    """

    image_id: ImageId
    file: str
    annotation_id: int | str | None
    category_id: int
    box: tuple[float, float, float, float]
    reference: float | None
    candidate: float | None


class Changes(Model):
    """What changed between two models on the same images.

    Attributes:
        changed_images: Number of images with other matches.
        changed_instances: Number of instances that are found at other thresholds.
        images: Images with the largest influence on the difference of AP, the largest first.
        instances: Instances with the largest change of the threshold, the largest first.
    """

    changed_images: int
    changed_instances: int
    images: tuple[ImageChange, ...]
    instances: tuple[InstanceChange, ...]


def find_changes(
    reference: ImageMatches, candidate: ImageMatches, data: CocoSet, *, limit: int = 10
) -> Changes:
    """Find the images and instances that changed most.

    Args:
        reference: Matches of the reference.
        candidate: Matches of the other model on the same images.
        data: The set, for the names of the files and the annotated boxes.
        limit: Maximum number of images and of instances to list.
    """
    by_id = {image.id: image for image in data.images}
    changed = changed_images(reference, candidate)
    instances = _instance_changes(reference, candidate)
    ranked = sorted(instances, key=lambda row: (-abs(row[2] - row[1]), row[0]))[:limit]
    influences = _influences(reference, candidate, changed[:_MOST_LEFT_OUT])
    order = np.argsort(-np.abs(influences), kind="stable")[:limit]
    return Changes(
        changed_images=len(changed),
        changed_instances=len(instances),
        images=tuple(
            ImageChange(
                image_id=(image := reference.images[changed[place]]),
                file=by_id[image].path.name,
                influence=float(influences[place]),
            )
            for place in order.tolist()
        ),
        instances=tuple(_describe(reference, row, by_id) for row in ranked),
    )


def changed_images(reference: ImageMatches, candidate: ImageMatches) -> list[int]:
    """Positions of the images with other matches, the most changed first."""
    images = len(reference.images)
    found = np.zeros(images)
    for row, before, after in _instance_changes(reference, candidate):
        found[reference.instance_image[row]] += abs(after - before)
    counts = [_count_flags(matches, images) for matches in (reference, candidate)]
    total = found + np.abs(counts[0] - counts[1]).sum(axis=1)
    order = np.argsort(-total, kind="stable")
    return [int(place) for place in order if total[place] > 0]


def _count_flags(matches: ImageMatches, images: int) -> Array:
    """``(I, 2T)`` correct and wrong detections of each image at each threshold."""
    counted = ~matches.ignored
    flags = np.concatenate([matches.correct & counted, ~matches.correct & counted], axis=1)
    counts = np.zeros((images, flags.shape[1]), np.int64)
    np.add.at(counts, matches.detection_image, flags)
    return counts


def _instance_changes(reference: ImageMatches, candidate: ImageMatches) -> list[tuple[int, int, int]]:
    """Row of each changed instance, and the number of thresholds at which either model finds it."""
    before, after = (matches.found.sum(axis=1) for matches in (reference, candidate))
    rows = np.flatnonzero((before != after) & ~reference.excluded)
    return [(int(row), int(before[row]), int(after[row])) for row in rows]


def _influences(reference: ImageMatches, candidate: ImageMatches, left_out: list[int]) -> Array:
    """``(L,)`` percentage points by which the difference of AP falls without each of these images."""
    weights = np.ones((1 + len(left_out), len(reference.images)), np.int64)
    weights[np.arange(1, len(weights)), left_out] = 0
    average = [Scores(matches).sample(weights)[:, 0] for matches in (reference, candidate)]
    difference: Array = 100 * np.nan_to_num(average[1] - average[0])
    influences: Array = difference[0] - difference[1:]
    return influences


def _describe(matches: ImageMatches, row: tuple[int, int, int], by_id: dict[ImageId, Any]) -> InstanceChange:
    place, before, after = row
    image = by_id[matches.images[matches.instance_image[place]]]
    annotation = image.annotations[matches.annotation[place]]
    x, y, width, height = (float(value) for value in annotation["bbox"])
    return InstanceChange(
        image_id=image.id,
        file=image.path.name,
        annotation_id=annotation.get("id"),
        category_id=matches.categories[matches.instance_category[place]],
        box=(x, y, width, height),
        reference=matches.thresholds[before - 1] if before else None,
        candidate=matches.thresholds[after - 1] if after else None,
    )
