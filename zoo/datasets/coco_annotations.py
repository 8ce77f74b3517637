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

from converters.formats.bounded_io import is_regular_file
from registry.errors import NotFoundError, UsageError
from zoo.datasets.categories import find_person_category
from zoo.datasets.joints import COCO_JOINTS, JointMatch, match_joints, reorder

Kind = Literal["bbox", "keypoints"]

_MAX_ID = 1e300
_MAX_PIXELS = 1e10  # COCO's evaluation ignores larger areas
_TINY_IMAGE = 16  # pixels; in so small an image a box of one pixel is plausible
_SECTIONS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class AnnotationFile:
    """Content of an annotation file.

    Attributes:
        path: The file.
        document: The JSON document.
        images: COCO's image objects, in the order of the file.
        categories: COCO's category objects.
        objects: COCO's annotation objects by image id, with joints in the order of the network; those of
            images not in the file are left out.
        note: How joints were matched, if the reader should know; None otherwise.
    """

    path: Path
    document: Mapping[str, Any]
    images: tuple[Mapping[str, Any], ...]
    categories: tuple[Mapping[str, Any], ...]
    objects: Mapping[Any, Sequence[Mapping[str, Any]]]
    note: str | None = None


def read_annotations(path: Path, kind: Kind, joints: Sequence[str] = COCO_JOINTS) -> AnnotationFile:
    """Read and validate an annotation file.

    Args:
        path: The file.
        kind: Kind of figure: keypoints need more fields than boxes.
        joints: Joints of the network, for keypoints.

    Raises:
        NotFoundError: ``annotations-not-found``.
        UsageError: ``annotations-unreadable``, ``annotations-malformed`` for the first invalid object,
            ``no-person-category``, or ``joints-mismatch``.
    """
    document = _read(path)
    validator = _Validator(path)
    known = validator.check_images(document["images"])
    categories: list[Mapping[str, Any]] = document["categories"]
    validator.check_categories(categories)
    match = JointMatch(())
    person = None
    if kind == "keypoints":
        person = find_person_category(categories, path)
        names = next((each.get("keypoints") for each in categories if each["id"] == person), None)
        match = match_joints(names, joints, path)
    objects = defaultdict(list)
    for index, annotation in enumerate(document["annotations"]):
        if validator.has_known_image(index, annotation, known):
            validator.check_annotation(index, annotation)
            if annotation["category_id"] == person:
                validator.check_joints(index, annotation, len(joints))
                annotation = reorder(annotation, match.order)  # noqa: PLW2901  the same annotation
            objects[annotation["image_id"]].append(annotation)
    validator.check_references(document["annotations"], objects, known)
    validator.check_units(document["images"], objects, person)
    images = tuple(document["images"])
    return AnnotationFile(path, document, images, tuple(categories), objects, match.note)


def has_labeled_joint(annotation: Mapping[str, Any]) -> bool:
    """Whether any joint of a person is labeled; False if the field is missing or an empty list.

    Upstream tests the coordinates as well as the visibility, so a joint with coordinates counts.
    """
    return max(annotation.get("keypoints") or (0,)) > 0


def count_visible_joints(annotation: Mapping[str, Any]) -> int:
    """Number of joints with a visibility above 0, which ``num_keypoints`` only repeats."""
    return sum(value > 0 for value in (annotation.get("keypoints") or ())[2::3])


class _Validator:
    """Validates the objects of one file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._categories: set[int] = set()

    def check_images(self, images: Sequence[Any]) -> Mapping[Any, None]:
        """Check the image objects, and return their ids in order."""
        known: dict[Any, None] = {}
        for index, image in enumerate(images):
            where = f"images[{index}]"
            self._check_object(where, image)
            number = image.get("id")
            if not (_is_number(number) or isinstance(number, str)):
                self._refuse(f"{where}.id", "a number or a string", number)
            if number in known:
                self._refuse(f"{where}.id", "a unique id", number)
            name = image.get("file_name")
            if not (isinstance(name, str) and name and "\0" not in name):
                self._refuse(f"{where}.file_name", "a file name", name)
            for side in ("width", "height"):
                if not (_is_measure(image.get(side)) and image[side] > 0):
                    self._refuse(f"{where}.{side}", "a number of pixels above 0", image.get(side))
            known[number] = None
        return known

    def check_categories(self, categories: Sequence[Any]) -> None:
        """Check the category objects."""
        for index, category in enumerate(categories):
            self._check_object(f"categories[{index}]", category)
            if not _is_integer(category.get("id")):
                self._refuse(f"categories[{index}].id", "an integer", category.get("id"))
            self._categories.add(category["id"])

    def has_known_image(self, index: int, annotation: Any, known: Mapping[Any, None]) -> bool:
        """Whether the image of an annotation is in this file; ids of another type are refused."""
        where = f"annotations[{index}]"
        self._check_object(where, annotation)
        number = annotation.get("image_id")
        if not (_is_number(number) or isinstance(number, str)):
            self._refuse(f"{where}.image_id", "the id of an image", number)
        if number in known:
            return True
        # Annotations of other images occur in parts of a data set; ids of another type are a mistake.
        if known and not any(isinstance(each, str) is isinstance(number, str) for each in known):
            self._refuse(f"{where}.image_id", f"an id like {_describe(next(iter(known)))}", number)
        return False

    def check_annotation(self, index: int, annotation: Mapping[str, Any]) -> None:
        """Check an annotation object without its joints."""
        where = f"annotations[{index}]"
        category = annotation.get("category_id")
        if not _is_integer(category):
            self._refuse(f"{where}.category_id", "an integer", category)
        if self._categories and category not in self._categories:
            self._refuse(f"{where}.category_id", "the id of a category in the file", category)
        if annotation.get("iscrowd") not in (None, 0, 1):
            self._refuse(f"{where}.iscrowd", "the number 0 or 1", annotation["iscrowd"])
        box = annotation.get("bbox")
        if not _are_numbers(box, 4):
            self._refuse(f"{where}.bbox", "four numbers: x, y, width, height", box)
        if min(annotation["bbox"][2:]) < 0:
            self._refuse(f"{where}.bbox", "x, y, width, height, with a size of at least 0", box)
        area = annotation.get("area", 0)
        if not _is_measure(area) or area < 0:
            self._refuse(f"{where}.area", "a number of square pixels", area)

    def check_joints(self, index: int, annotation: Mapping[str, Any], joints: int) -> None:
        """Check the joints of a person, and the area that their similarity depends on."""
        where = f"annotations[{index}]"
        values = annotation.get("keypoints")
        if not values:  # COCO too has boxes without joints in keypoint files
            return
        if not _are_numbers(values, 3 * joints):
            wrong_length = isinstance(values, list) and len(values) != 3 * joints
            found = f"{len(values)} values" if wrong_length else None
            expected = f"x, y, visibility of the {joints} joints of the network: {3 * joints} numbers"
            self._refuse(f"{where}.keypoints", expected, values, found=found)
        if not has_labeled_joint(annotation) or annotation.get("iscrowd"):
            return
        width, height = annotation["bbox"][2:]
        area = annotation.get("area")
        # An area of 0 with a box of some extent is a placeholder, and makes every similarity 0.
        if area is None or (area == 0 and width * height > 1):
            expected = "the area of the person above 0, which keypoint similarity depends on"
            self._refuse(f"{where}.area", expected, area)

    def check_references(
        self, annotations: Sequence[Any], objects: Mapping[Any, Sequence[Any]], known: Mapping[Any, None]
    ) -> None:
        """Check that some annotation belongs to an image of the file."""
        if annotations and known and not objects:
            expected = f"the id of an image, for example {_describe(next(iter(known)))}"
            self._refuse("annotations[0].image_id", expected, annotations[0]["image_id"])

    def check_units(
        self, images: Sequence[Any], objects: Mapping[Any, Sequence[Any]], person: int | None
    ) -> None:
        """Check that boxes, and joints of persons, are in pixels and not fractions of the image."""
        items = [item for group in objects.values() for item in group]
        if not items or max(max(image["width"], image["height"]) for image in images) <= _TINY_IMAGE:
            return
        if all(max(item["bbox"]) <= 1 for item in items):
            self._refuse("annotations[].bbox", "boxes in pixels", found="all boxes lie between 0 and 1")
        persons = [
            item["keypoints"]
            for item in items
            if item["category_id"] == person and count_visible_joints(item)
        ]
        if persons and all(max(*values[::3], *values[1::3]) <= 1 for values in persons):
            self._refuse(
                "annotations[].keypoints", "joints in pixels", found="all joints lie between 0 and 1"
            )

    def _check_object(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._refuse(where, "a JSON object", value)

    def _refuse(
        self, where: str, expected: str, value: object = None, *, found: str | None = None
    ) -> NoReturn:
        raise UsageError(
            "annotations-malformed",
            f"{self._path}: {where} does not follow COCO's format",
            expected=expected,
            found=found or _describe(value),
            hint="correct the file, or pass another with --annotations",
        )


def _describe(value: object) -> str:
    if isinstance(value, str):
        return f"the string {value[:80]!r}"
    return "nothing" if value is None else str(value)[:100]


def _is_number(value: object) -> bool:
    # The limit excludes NaN, infinities and integers beyond the range of floats, which Python's JSON accepts.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_ID


def _is_measure(value: object) -> bool:
    """Whether a value is a plausible length in pixels, or an area in square pixels."""
    return isinstance(value, int | float) and _is_number(value) and abs(value) <= _MAX_PIXELS


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _are_numbers(values: object, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(map(_is_measure, values))


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.exists() and not is_regular_file(file):  # opening a pipe would wait for a writer
            raise OSError("not a regular file")
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
