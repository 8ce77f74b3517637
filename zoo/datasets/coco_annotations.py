"""A COCO annotation file, looked through before anything is computed from it.

Evaluators index into these files without a question: a missing field ends them somewhere deep, and some
mistakes only lower the figure. Each fault is told of here, by file, list, position and field.
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

_BEYOND_MEANING = 1e300
_SECTIONS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class AnnotationFile:
    """What an annotation file says.

    Attributes:
        path: The file.
        document: Its content.
        images: COCO's image objects, in the order of the file.
        categories: COCO's category objects.
        objects: COCO's annotation objects by the id of their image; those of unknown images are left out.
    """

    path: Path
    document: Mapping[str, Any]
    images: tuple[Mapping[str, Any], ...]
    categories: tuple[Mapping[str, Any], ...]
    objects: Mapping[Any, Sequence[Mapping[str, Any]]]


def read_annotations(path: Path, kind: Kind) -> AnnotationFile:
    """Reads and checks an annotation file.

    Args:
        path: The file.
        kind: What it is needed for: key points take more fields than boxes.

    Raises:
        NotFoundError: ``annotations-not-found``.
        UsageError: ``annotations-unreadable``, or ``annotations-malformed`` for one object that is wrong.
    """
    document = _read(path)
    check = _Check(path, kind)
    known: set[Any] = set()
    for place, image in enumerate(document["images"]):
        check.image(place, image, known)
        known.add(image["id"])
    for place, category in enumerate(document["categories"]):
        check.category(place, category)
    objects = defaultdict(list)
    for place, annotation in enumerate(document["annotations"]):
        if check.belongs(place, annotation, known):
            check.annotation(place, annotation)
            objects[annotation["image_id"]].append(annotation)
    return AnnotationFile(path, document, tuple(document["images"]), tuple(document["categories"]), objects)


def labeled(annotation: Mapping[str, Any]) -> bool:
    """Whether any joint of a person is labeled; also where the field is missing or an empty list."""
    return max(annotation.get("keypoints") or (0,)) > 0


class _Check:
    """Looks at the objects of one file.

    Args:
        path: The file.
        kind: What it is needed for.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind

    def image(self, place: int, image: Any, known: set[Any]) -> None:
        """Passes an image object whose id is new."""
        where = f"images[{place}]"
        self._object(where, image)
        number = image.get("id")
        if not (_is_number(number) or isinstance(number, str)):
            self._refuse(f"{where}.id", "a number or a text", number)
        if number in known:
            self._refuse(f"{where}.id", "an id that no other image has", number)
        name = image.get("file_name")
        if not (isinstance(name, str) and name):
            self._refuse(f"{where}.file_name", "the name of a file", name)
        for side in ("width", "height"):
            if not (_is_number(image.get(side)) and image[side] > 0):
                self._refuse(f"{where}.{side}", "pixels, above 0", image.get(side))

    def category(self, place: int, category: Any) -> None:
        """Passes a category object."""
        self._object(f"categories[{place}]", category)
        if not _is_whole(category.get("id")):
            self._refuse(f"categories[{place}].id", "a whole number", category.get("id"))

    def belongs(self, place: int, annotation: Any, known: set[Any]) -> bool:
        """Whether an annotation is of an image of this file."""
        where = f"annotations[{place}]"
        self._object(where, annotation)
        number = annotation.get("image_id")
        if not (_is_number(number) or isinstance(number, str)):
            self._refuse(f"{where}.image_id", "the id of an image", number)
        return number in known

    def annotation(self, place: int, annotation: Mapping[str, Any]) -> None:
        """Passes an annotation object."""
        where = f"annotations[{place}]"
        if not _is_whole(annotation.get("category_id")):
            self._refuse(f"{where}.category_id", "a whole number", annotation.get("category_id"))
        box = annotation.get("bbox")
        if not _are_numbers(box, 4):
            self._refuse(f"{where}.bbox", "four numbers: x, y, width, height", box)
        area = annotation.get("area")
        if "area" in annotation and not _is_number(area):
            self._refuse(f"{where}.area", "a number of square pixels", area)
        if self._kind == "keypoints":
            self._joints(where, annotation)

    def _joints(self, where: str, annotation: Mapping[str, Any]) -> None:
        joints = annotation.get("keypoints")
        if not joints:  # a box without joints beside persons with them: COCO has those too
            return
        if not _are_numbers(joints, JOINT_VALUES):
            found = f"{len(joints)} values" if isinstance(joints, list) else joints
            self._refuse(f"{where}.keypoints", "x, y, visibility of COCO's 17 joints: 51 numbers", found)
        if labeled(annotation) and "area" not in annotation:
            self._refuse(
                f"{where}.area", "the area of the person, which similarity of joints is measured by", None
            )

    def _object(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._refuse(where, "a JSON object", value)

    def _refuse(self, where: str, expected: str, found: object) -> NoReturn:
        raise UsageError(
            "annotations-malformed",
            f"{self._path}: {where} is not what COCO's format asks for",
            expected=expected,
            found="nothing" if found is None else str(found)[:100],
            hint="correct it in the file, or name another with --annotations",
        )


def _is_number(value: object) -> bool:
    # The limit leaves out NaN, infinities and whole numbers that no float holds: Python reads all of them.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _BEYOND_MEANING


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _are_numbers(values: object, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(map(_is_number, values))


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            "annotations-not-found",
            f"there is no annotation file at {file}",
            hint="name it with --annotations",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            "annotations-unreadable",
            f"{file} cannot be read",
            expected="a JSON file",
            found=str(error),
            hint="get it again, or name another with --annotations",
        ) from error
    if not isinstance(document, dict) or any(not isinstance(document.get(key), list) for key in _SECTIONS):
        raise UsageError(
            "annotations-unreadable",
            f"{file} is no COCO annotation file",
            expected=f"a JSON object with the lists {', '.join(_SECTIONS)}",
            hint="name the ground truth, not a file of results, with --annotations",
        )
    return document
