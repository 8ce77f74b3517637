"""Matches of results with annotations, image by image: the values that every figure is computed from.

They are plain columns, so that shards of a set can be measured in different processes, merged, kept on disk
and scored again, alone or against another model.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from registry.errors import IntegrityError, UsageError
from zoo._utils.arrays import Array
from zoo.datasets.coco_annotations import Kind

ImageId = int | str

_VERSION = 1
_DIGEST_SIZE = hashlib.sha256().digest_size
_HEAD = "head"
DETECTION_COLUMNS = ("detection_image", "detection_category", "score", "correct", "ignored")
INSTANCE_COLUMNS = ("instance_image", "instance_category", "annotation", "excluded", "found")
_TYPES = {
    **dict.fromkeys(("detection_image", "instance_image", "annotation"), np.dtype(np.int32)),
    **dict.fromkeys(("detection_category", "instance_category"), np.dtype(np.int32)),
    "score": np.dtype(np.float64),
    **dict.fromkeys(("correct", "ignored", "excluded", "found"), np.dtype(np.bool_)),
}


@dataclass(frozen=True, eq=False)
class ImageMatches:
    """Matches of the detections and the annotated instances of each image.

    A detection is a box or a person that a model found; an instance is an annotated one. Images are ordered
    by id; detections and instances by category, then image; within an image detections by falling score, and
    instances as annotated, excluded ones last.

    Attributes:
        kind: Whether boxes or key points were matched.
        images: Ids of all images, including those without detections or instances.
        categories: COCO category ids, ascending.
        thresholds: Thresholds of overlap or similarity, ascending.
        detection_image: ``(D,)`` position in ``images``.
        detection_category: ``(D,)`` position in ``categories``.
        score: ``(D,)`` score.
        correct: ``(D, T)`` whether the detection matches an instance at a threshold.
        ignored: ``(D, T)`` whether it counts neither as correct nor as wrong, for example inside a crowd.
        instance_image: ``(N,)`` position in ``images``.
        instance_category: ``(N,)`` position in ``categories``.
        annotation: ``(N,)`` position among the annotations of its image.
        excluded: ``(N,)`` whether the instance need not be found, for example a crowd.
        found: ``(N, T)`` whether a detection matches it at a threshold.
    """

    kind: Kind
    images: tuple[ImageId, ...]
    categories: tuple[int, ...]
    thresholds: tuple[float, ...]
    detection_image: Array
    detection_category: Array
    score: Array
    correct: Array
    ignored: Array
    instance_image: Array
    instance_category: Array
    annotation: Array
    excluded: Array
    found: Array

    def to_bytes(self) -> bytes:
        """Serialize; equal matches give equal bytes."""
        head = {
            "version": _VERSION,
            "kind": self.kind,
            "images": self.images,
            "categories": self.categories,
            "thresholds": self.thresholds,
        }
        text = np.frombuffer(json.dumps(head, ensure_ascii=True).encode(), np.uint8)
        buffer = io.BytesIO()
        arrays = {name: getattr(self, name) for name in _TYPES}
        np.savez_compressed(buffer, allow_pickle=False, **{_HEAD: text}, **arrays)
        payload = buffer.getvalue()
        return hashlib.sha256(payload).digest() + payload

    @classmethod
    def from_bytes(cls, data: bytes) -> ImageMatches:
        """Restore matches from :meth:`to_bytes`.

        Raises:
            IntegrityError: ``matches-unreadable`` for damaged bytes and those of another version.
        """
        try:
            digest, payload = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
            # The archive's readers raise many kinds of errors on damaged bytes, so they never see any.
            if hashlib.sha256(payload).digest() != digest:
                raise ValueError("other bytes than were written")
            with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
                head = json.loads(stored[_HEAD].tobytes())
                if head["version"] != _VERSION:
                    raise ValueError(f"version {head['version']}")
                arrays = {name: stored[name].astype(dtype, casting="safe") for name, dtype in _TYPES.items()}
            matches = cls(
                kind=head["kind"],
                images=tuple(head["images"]),
                categories=tuple(head["categories"]),
                thresholds=tuple(head["thresholds"]),
                **arrays,
            )
            matches._check()
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "matches-unreadable",
                "the kept matches of a measurement cannot be read",
                expected=f"columns of version {_VERSION}",
                found=str(error),
                hint="measure again",
            ) from error
        return matches

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageMatches):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, each.name), getattr(other, each.name)) for each in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def _check(self) -> None:
        """Raise ValueError where the columns contradict each other."""
        levels = len(self.thresholds)
        for names, rows in ((DETECTION_COLUMNS, len(self.score)), (INSTANCE_COLUMNS, len(self.annotation))):
            for name in names:
                shape = (rows, levels) if name in ("correct", "ignored", "found") else (rows,)
                if getattr(self, name).shape != shape:
                    raise ValueError(f"shape of {name}")
        for prefix in ("detection", "instance"):
            for name, values in (("image", self.images), ("category", self.categories)):
                column = getattr(self, f"{prefix}_{name}")
                if column.size and not (column.min() >= 0 and column.max() < len(values)):
                    raise ValueError(f"range of {prefix}_{name}")

    @classmethod
    def merge(cls, parts: Sequence[ImageMatches]) -> ImageMatches:
        """Join the matches of disjoint shards of a set; the order of the shards does not matter.

        Args:
            parts: One for each shard, all of the same kind, categories and thresholds.

        Raises:
            UsageError: ``shards-mismatch``: they differ in these, or share an image.
        """
        first = parts[0]
        ids = [image for part in parts for image in part.images]
        settings = {(part.kind, part.categories, part.thresholds) for part in parts}
        if len(settings) > 1 or len(set(ids)) < len(ids):
            raise UsageError(
                "shards-mismatch",
                "these measurements are not shards of one measurement",
                expected="equal categories and thresholds, and different images",
                found="other settings" if len(settings) > 1 else "an image in two shards",
            )
        images = tuple(sorted(ids, key=order_of_id))
        place = {image: position for position, image in enumerate(images)}
        moved = []
        for part in parts:
            new = np.array([place[image] for image in part.images], np.int32)
            moved.append(
                replace(
                    part,
                    detection_image=new[part.detection_image],
                    instance_image=new[part.instance_image],
                )
            )
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in moved]) for name in _TYPES
        }
        return replace(first, images=images, **columns)._sorted()

    def _sorted(self) -> ImageMatches:
        """Order the rows by category and image; rows of one image keep their order."""
        columns: dict[str, Any] = {}
        for prefix, names in (("detection", DETECTION_COLUMNS), ("instance", INSTANCE_COLUMNS)):
            image, category = getattr(self, f"{prefix}_image"), getattr(self, f"{prefix}_category")
            order = np.lexsort((image, category))  # a stable sort
            columns |= {name: getattr(self, name)[order] for name in names}
        return replace(self, **columns)


def order_of_id(image: ImageId) -> tuple[bool, ImageId]:
    """Sort key of image ids: numbers first, then texts."""
    return isinstance(image, str), image


def empty_columns(levels: int) -> dict[str, Any]:
    """Columns without rows.

    Args:
        levels: Number of thresholds.
    """
    wide = ("correct", "ignored", "found")
    return {name: np.empty((0, levels) if name in wide else 0, dtype) for name, dtype in _TYPES.items()}
