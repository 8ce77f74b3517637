"""Match results with annotations as COCO's evaluation does, image by image, with hotcoco."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from registry.errors import MissingToolError
from zoo._utils.arrays import Array
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.datasets.coco_annotations import Kind, count_visible_joints
from zoo.evaluation.average_precision import Metrics, compute_metrics
from zoo.evaluation.per_image import ImageMatches, empty_columns, order_of_id
from zoo.runner.postprocess.poses import joint_sigmas
from zoo.runner.results import DetectionRecord, PoseRecord

_THRESHOLDS: list[float] = np.linspace(0.5, 0.95, 10).tolist()  # not rounded, as in pycocotools
_LARGEST_AREA = 1e10  # square pixels; COCO's evaluation has the same limit


def _evaluator() -> Any:
    try:
        import hotcoco  # imported here: only scoring needs its native code
    except ImportError as error:
        raise MissingToolError(
            "evaluator-missing",
            "hotcoco is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    return hotcoco


class Scorer:
    """Matches results with annotations, group by group, and keeps only the matches.

    Images, annotations and categories are renumbered: the evaluator takes only integers as ids, and confuses
    annotations with equal ids.

    Args:
        data: The set; only its selected images count.
        kind: Match boxes by overlap, or keypoints by similarity.
        categories: COCO category ids to average over.
        max_detections: Maximum number of results per image, best first.

    Raises:
        MissingToolError: ``evaluator-missing``.
    """

    def __init__(
        self, data: CocoSet, kind: Kind, *, categories: tuple[int, ...], max_detections: int
    ) -> None:
        self._library = _evaluator()
        self._joints = len(data.joints)
        self._sigmas = joint_sigmas(data.joints).tolist() if kind == "keypoints" else None
        self._kind = kind
        self._categories = tuple(sorted(categories))
        self._number = {category: number for number, category in enumerate(self._categories)}
        self._max_detections = max_detections
        self._parts: list[ImageMatches] = []

    def add(self, images: Sequence[CocoImage], records: Sequence[DetectionRecord | PoseRecord]) -> None:
        """Match the results on some images; their annotations and results are not needed afterwards."""
        ordered = sorted(images, key=lambda image: order_of_id(image.id))
        self._parts.append(self._matches(ordered, records))

    def finish(self) -> ImageMatches:
        """Return the matches of all added images."""
        return ImageMatches.merge(self._parts or [self._matches((), ())])

    def _matches(
        self, images: Sequence[CocoImage], records: Sequence[DetectionRecord | PoseRecord]
    ) -> ImageMatches:
        place = {image.id: position for position, image in enumerate(images)}
        truth = [
            (position, index, self._complete(item))
            for position, image in enumerate(images)
            for index, item in enumerate(image.annotations)
            if item["category_id"] in self._number
        ]
        cells = self._evaluate(
            len(images),
            [{**item, "id": row, "image_id": position} for row, (position, _, item) in enumerate(truth)],
            [
                {
                    **record,
                    "image_id": place[record["image_id"]],
                    "category_id": self._number[record["category_id"]],
                }
                for record in records
                if record["category_id"] in self._number
            ],
        )
        columns = empty_columns(len(_THRESHOLDS))
        rows = list(_cell_columns(cells, [index for _, index, _ in truth]))
        if rows:
            columns = {
                name: np.concatenate([row[name] for row in rows], dtype=column.dtype, casting="unsafe")
                for name, column in columns.items()
            }
        return ImageMatches(
            kind=self._kind,
            images=tuple(image.id for image in images),
            categories=self._categories,
            thresholds=tuple(_THRESHOLDS),
            **columns,
        )

    def _evaluate(
        self, images: int, annotations: list[dict[str, Any]], records: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Run the evaluator; returns one object for each image and category with anything in it."""
        document = {
            "images": [{"id": position} for position in range(images)],
            "annotations": annotations,
            "categories": [
                {"id": number, "name": str(category)} for category, number in self._number.items()
            ],
        }
        truth = self._library.COCO(document)
        evaluation = self._library.COCOeval(truth, truth.load_res(records), self._kind)
        parameters = evaluation.params
        parameters.max_dets = [self._max_detections]
        parameters.iou_thrs = _THRESHOLDS
        # The ranges of small, medium and large objects are not reported but would take most of the time.
        parameters.area_rng, parameters.area_rng_lbl = [[0.0, _LARGEST_AREA]], ["all"]
        if self._sigmas is not None:
            parameters.kpt_oks_sigmas = self._sigmas
        evaluation.evaluate()
        cells = [cell for cell in evaluation.eval_imgs if cell is not None]
        return sorted(cells, key=lambda cell: (cell["category_id"], cell["image_id"]))

    def _complete(self, annotation: Mapping[str, Any]) -> dict[str, Any]:
        """An annotation with defaults for optional fields."""
        width, height = annotation["bbox"][2:]
        fields = {
            "category_id": self._number[annotation["category_id"]],
            "bbox": [float(value) for value in annotation["bbox"]],
            "area": float(annotation.get("area", width * height)),
            "iscrowd": int(bool(annotation.get("iscrowd"))),
        }
        if self._kind == "bbox":
            return fields
        joints = annotation.get("keypoints") or [0] * 3 * self._joints
        # Counted here: a wrong num_keypoints of 0 would make the evaluator ignore the person.
        return fields | {
            "keypoints": [float(value) for value in joints],
            "num_keypoints": count_visible_joints(annotation),
        }


def _cell_columns(
    cells: Sequence[Mapping[str, Any]], annotations: Sequence[int]
) -> Iterator[dict[str, Array]]:
    """Yield the columns of each image and category.

    Args:
        cells: The evaluator's objects.
        annotations: Position of each annotation in its image, by the evaluator's id.
    """
    for cell in cells:
        detections, instances = len(cell["dtScores"]), len(cell["gtIds"])
        yield {
            "detection_image": np.full(detections, cell["image_id"]),
            "detection_category": np.full(detections, cell["category_id"]),
            "score": np.asarray(cell["dtScores"], np.float64),
            "correct": _by_row(cell["dtMatched"], detections),
            "ignored": _by_row(cell["dtIgnore"], detections),
            "instance_image": np.full(instances, cell["image_id"]),
            "instance_category": np.full(instances, cell["category_id"]),
            "annotation": np.array([annotations[number] for number in cell["gtIds"]], np.int64),
            "excluded": np.asarray(cell["gtIgnore"], np.bool_),
            "found": _by_row(cell["gtMatched"], instances),
        }


def _by_row(flags: Sequence[Sequence[bool]], rows: int) -> Array:
    """Turn flags by threshold, then detection or instance, into ``(rows, T)``."""
    return np.asarray(flags, np.bool_).reshape(len(_THRESHOLDS), rows).T


def score(
    data: CocoSet,
    records: Sequence[DetectionRecord | PoseRecord],
    kind: Kind,
    *,
    categories: tuple[int, ...],
    max_detections: int,
) -> Metrics:
    """Score results on all images of a set; arguments and errors as for :class:`Scorer`."""
    scorer = Scorer(data, kind, categories=categories, max_detections=max_detections)
    scorer.add(data.images, records)
    return compute_metrics(scorer.finish())
