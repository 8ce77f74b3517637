"""A folder laid out as COCO is: images, and one JSON file that says what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.arrays import Doubles
from zoo.datasets.coco_annotations import AnnotationFile, labeled, read_annotations

PERSON = 1  # COCO's category id

_MOST_PERSONS = {"all": None, "one_person": 1, "at_most_six_persons": 6}


@dataclass(frozen=True)
class CocoImage:
    """One image of a data set.

    Attributes:
        id: COCO's image id; other makers of such files use texts as well.
        path: The file.
        width: Columns in pixels, as the annotation file says.
        height: Rows in pixels, as the annotation file says.
        annotations: COCO's annotation objects of this photo.
    """

    id: int | str
    path: Path
    width: int
    height: int
    annotations: tuple[Mapping[str, Any], ...]

    def persons_with_keypoints(self) -> Doubles:
        """``(N, 4)`` x1, y1, x2, y2 of the persons upstream's evaluation looks at.

        Neither crowds nor persons without a labeled joint. A box is clipped to the image; its last pixel
        is width minus one away from its first, as upstream computes.
        """
        boxes = [
            self._clipped(*annotation["bbox"])
            for annotation in self.annotations
            if not annotation.get("iscrowd") and annotation.get("area", 1) > 0 and labeled(annotation)
        ]
        rows = [box for box in boxes if box[2] >= box[0] and box[3] >= box[1]]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def holding(self, category: int) -> CocoImage:
        """The same image with the annotations of one category alone."""
        kept = [annotation for annotation in self.annotations if annotation["category_id"] == category]
        return replace(self, annotations=tuple(kept))

    def _clipped(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        left, top = max(0.0, x), max(0.0, y)
        right = min(self.width - 1.0, left + max(0.0, width - 1))
        bottom = min(self.height - 1.0, top + max(0.0, height - 1))
        return left, top, right, bottom


@dataclass(frozen=True)
class CocoSet:
    """The images a figure is measured on.

    Attributes:
        annotations: The annotation file.
        document: Its content.
        images: In the order of the file.
        categories: Category ids, ascending.
        missing: Images that were left out because they are not there.
    """

    annotations: Path
    document: Mapping[str, Any]
    images: tuple[CocoImage, ...]
    categories: tuple[int, ...]
    missing: int = 0

    @property
    def person(self) -> int:
        """Id of the persons' category: the one of that name, or the only one.

        COCO's is 1, but other makers of such files count from 0 or have classes before it.

        Raises:
            UsageError: ``no-person-category``.
        """
        categories = self.document["categories"]
        named = {each["id"] for each in categories if str(each.get("name")).casefold() == "person"}
        candidates = named or set(self.categories) or {PERSON}
        if len(candidates) == 1:
            return int(candidates.pop())
        raise UsageError(
            "no-person-category",
            f"{self.annotations} does not say which category is that of persons",
            expected="one category named person, or a single category",
            found=", ".join(f"{each['id']} {each.get('name')}" for each in categories)[:200],
            hint="name that category person in the file",
        )


def load_set(
    data: Path,
    protocol: KeypointProtocol | DetectionProtocol,
    *,
    annotations: Path | None = None,
    images: Path | None = None,
    limit: int | None = None,
    skip_missing: bool = False,
) -> CocoSet:
    """Read the annotation file and choose the images the protocol is about.

    An image is looked for under its name in the folder of images, then under its name in ``data`` (for names
    that begin with the folder); one whose name is an absolute path of another machine, by its last part.

    Args:
        data: Folder that holds ``val2017/`` and ``annotations/``.
        protocol: Says which split and file, and which images of it count.
        annotations: Annotation file, when it lies elsewhere.
        images: Folder of the images, when it lies elsewhere.
        limit: Take only the first photos.
        skip_missing: Leave out images that are not there.

    Raises:
        NotFoundError: ``annotations-not-found``, ``images-not-found`` or ``images-missing``.
        UsageError: ``dataset-empty``, ``no-person-category``, or as for ``read_annotations``.
    """
    file = annotations or data / (protocol.annotations or "annotations.json")
    folder = images or data / protocol.split
    pose = isinstance(protocol, KeypointProtocol)
    read = read_annotations(file, "keypoints" if pose else "bbox")
    if not folder.is_dir():
        raise NotFoundError(
            "images-not-found",
            f"there is no folder of images at {folder}",
            expected=f"the images of {file.name}",
            hint="name it with --images",
        )
    whole = CocoSet(file, read.document, (), tuple(sorted(category["id"] for category in read.categories)))
    photos = [_image(image, read, folder, data) for image in read.images]
    if isinstance(protocol, KeypointProtocol) or protocol.category_scope == "person":
        person = whole.person  # asked for also where boxes are of it alone: before anything is fetched
        photos = [photo.holding(person) for photo in photos] if pose else photos
    chosen = [photo for photo in photos if _counts(photo, protocol)]
    present = [photo for photo in chosen if photo.path.is_file()] if skip_missing else chosen
    wanted = tuple(present[:limit])
    if absent := [photo for photo in wanted if not photo.path.is_file()]:
        raise _missing(file, folder, absent, len(wanted))
    if not wanted:
        raise UsageError(
            "dataset-empty",
            f"{file} names no image the protocol is about",
            expected="images with annotated persons" if isinstance(protocol, KeypointProtocol) else "images",
            found=f"{len(photos)} images",
            hint="name other annotations with --annotations",
        )
    return replace(whole, images=wanted, missing=len(chosen) - len(present))


def _image(image: Mapping[str, Any], read: AnnotationFile, folder: Path, data: Path) -> CocoImage:
    path = _located(image["file_name"], folder, data)
    return CocoImage(
        image["id"], path, image["width"], image["height"], tuple(read.objects.get(image["id"], ()))
    )


def _located(name: str, folder: Path, data: Path) -> Path:
    first = folder / name
    if first.is_file():
        return first
    elsewhere = Path(name).is_absolute() or PureWindowsPath(name).is_absolute()
    second = folder / PureWindowsPath(name).name if elsewhere else data / name
    return second if second.is_file() else first


def _missing(file: Path, folder: Path, missing: Sequence[CocoImage], wanted: int) -> NotFoundError:
    return NotFoundError(
        "images-missing",
        f"{len(missing)} of {wanted} images that {file} names are not in {folder}",
        found=f"no {missing[0].path}",
        hint="name their folder with --images, or measure on those that are there with --skip-missing",
    )


def _counts(photo: CocoImage, protocol: KeypointProtocol | DetectionProtocol) -> bool:
    if isinstance(protocol, DetectionProtocol):
        return bool(photo.annotations) or protocol.empty_images is not False
    most = _MOST_PERSONS[protocol.images]
    return most is None or 0 < len(photo.annotations) <= most
