"""Read and validate COCO annotation files before anything is computed from them.

Evaluators index into these files without checks: a missing field raises an error deep inside them, and some
mistakes only lower the figure. Every fault is reported here by file, list, position and field.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from registry.errors import NotFoundError, UsageError

Kind = Literal["bbox", "keypoints"]

JOINT_VALUES = 51  # x, y, visibility of COCO's 17 joints

_MAX_NUMBER = 1e300
_SECTIONS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class AnnotationFile:
    """Content of an annotation file.

    Attributes:
        path: The file.
        document: The JSON document.
        images: COCO's image objects, in the order of the file.
        categories: COCO's category objects.
        objects: COCO's annotation objects by image id; those of images not in the file are left out.
    """

    path: Path
    document: Mapping[str, Any]
    images: tuple[Mapping[str, Any], ...]
    categories: tuple[Mapping[str, Any], ...]
    objects: Mapping[Any, Sequence[Mapping[str, Any]]]


def read_annotations(path: Path, kind: Kind) -> AnnotationFile:
    """Read and validate an annotation file.

    Args:
        path: The file.
        kind: Kind of figure: keypoints need more fields than boxes.

    Raises:
        NotFoundError: ``annotations-not-found``.
        UsageError: ``annotations-unreadable``, or ``annotations-malformed`` for the first invalid object.
    """
    document = _read(path)
    validator = _Validator(path, kind)
    known: set[Any] = set()
    for index, image in enumerate(document["images"]):
        validator.check_image(index, image, known)
        known.add(image["id"])
    for index, category in enumerate(document["categories"]):
        validator.check_category(index, category)
    objects = defaultdict(list)
    for index, annotation in enumerate(document["annotations"]):
        if validator.has_known_image(index, annotation, known):
            validator.check_annotation(index, annotation)
            objects[annotation["image_id"]].append(annotation)
    return AnnotationFile(path, document, tuple(document["images"]), tuple(document["categories"]), objects)


def has_labeled_joint(annotation: Mapping[str, Any]) -> bool:
    """Whether any joint of a person is labeled; False if the field is missing or an empty list."""
    return max(annotation.get("keypoints") or (0,)) > 0


class _Validator:
    """Validates the objects of one file.

    Args:
        path: The file.
        kind: Kind of figure.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind

    def check_image(self, index: int, image: Any, known: set[Any]) -> None:
        """Check an image object, and that its id is new."""
        where = f"images[{index}]"
        self._check_object(where, image)
        number = image.get("id")
        if not (_is_number(number) or isinstance(number, str)):
            self._refuse(f"{where}.id", "a number or a string", number)
        if number in known:
            self._refuse(f"{where}.id", "a unique id", number)
        name = image.get("file_name")
        if not (isinstance(name, str) and name):
            self._refuse(f"{where}.file_name", "a file name", name)
        for side in ("width", "height"):
            if not (_is_number(image.get(side)) and image[side] > 0):
                self._refuse(f"{where}.{side}", "a number of pixels above 0", image.get(side))

    def check_category(self, index: int, category: Any) -> None:
        """Check a category object."""
        self._check_object(f"categories[{index}]", category)
        if not _is_integer(category.get("id")):
            self._refuse(f"categories[{index}].id", "an integer", category.get("id"))

    def has_known_image(self, index: int, annotation: Any, known: set[Any]) -> bool:
        """Whether the image of an annotation is in this file."""
        where = f"annotations[{index}]"
        self._check_object(where, annotation)
        number = annotation.get("image_id")
        if not (_is_number(number) or isinstance(number, str)):
            self._refuse(f"{where}.image_id", "the id of an image", number)
        return number in known

    def check_annotation(self, index: int, annotation: Mapping[str, Any]) -> None:
        """Check an annotation object."""
        where = f"annotations[{index}]"
        if not _is_integer(annotation.get("category_id")):
            self._refuse(f"{where}.category_id", "an integer", annotation.get("category_id"))
        box = annotation.get("bbox")
        if not _are_numbers(box, 4):
            self._refuse(f"{where}.bbox", "four numbers: x, y, width, height", box)
        area = annotation.get("area")
        if "area" in annotation and not _is_number(area):
            self._refuse(f"{where}.area", "a number of square pixels", area)
        if self._kind == "keypoints":
            self._check_joints(where, annotation)

    def _check_joints(self, where: str, annotation: Mapping[str, Any]) -> None:
        joints = annotation.get("keypoints")
        if not joints:  # COCO too has boxes without joints in keypoint files
            return
        if not _are_numbers(joints, JOINT_VALUES):
            found = f"{len(joints)} values" if isinstance(joints, list) else joints
            self._refuse(f"{where}.keypoints", "x, y, visibility of COCO's 17 joints: 51 numbers", found)
        if has_labeled_joint(annotation) and "area" not in annotation:
            self._refuse(
                f"{where}.area", "the area of the person, which keypoint similarity depends on", None
            )

    def _check_object(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._refuse(where, "a JSON object", value)

    def _refuse(self, where: str, expected: str, found: object) -> NoReturn:
        raise UsageError(
            "annotations-malformed",
            f"{self._path}: {where} does not follow COCO's format",
            expected=expected,
            found="nothing" if found is None else str(found)[:100],
            hint="correct the file, or pass another with --annotations",
        )


def _is_number(value: object) -> bool:
    # The limit excludes NaN, infinities and integers beyond the range of floats, which Python's JSON accepts.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _are_numbers(values: object, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(map(_is_number, values))


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            "annotations-not-found",
            f"the annotation file {file} does not exist",
            hint="pass the file with --annotations",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            "annotations-unreadable",
            f"cannot read the annotation file {file}",
            expected="a JSON file",
            found=str(error),
            hint="download it again, or pass another with --annotations",
        ) from error
    if not isinstance(document, dict) or any(not isinstance(document.get(key), list) for key in _SECTIONS):
        raise UsageError(
            "annotations-unreadable",
            f"{file} is not a COCO annotation file",
            expected=f"a JSON object with the lists {', '.join(_SECTIONS)}",
            hint="pass the ground truth, not a result file, with --annotations",
        )
    return document
