"""Data sets in COCO's layout: a folder of images and one JSON annotation file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.arrays import Doubles
from zoo.datasets.coco_annotations import AnnotationFile, has_labeled_joint, read_annotations

PERSON = 1  # COCO's category id

_MOST_PERSONS = {"all": None, "one_person": 1, "at_most_six_persons": 6}


@dataclass(frozen=True)
class CocoImage:
    """One image of a data set.

    Attributes:
        id: COCO's image id; files of other tools use strings as well.
        path: The file.
        width: Columns in pixels, as stated in the annotation file.
        height: Rows in pixels, as stated in the annotation file.
        annotations: COCO's annotation objects of this image.
    """

    id: int | str
    path: Path
    width: int
    height: int
    annotations: tuple[Mapping[str, Any], ...]

    def persons_with_keypoints(self) -> Doubles:
        """``(N, 4)`` x1, y1, x2, y2 of the persons that upstream's evaluation runs on.

        Crowds and persons without a labeled joint are left out. A box is clipped to the image; its last pixel
        is width minus one away from its first, as upstream computes.
        """
        boxes = [
            self._clipped(*annotation["bbox"])
            for annotation in self.annotations
            if not annotation.get("iscrowd")
            and annotation.get("area", 1) > 0
            and has_labeled_joint(annotation)
        ]
        rows = [box for box in boxes if box[2] >= box[0] and box[3] >= box[1]]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def with_category(self, category: int) -> CocoImage:
        """Return the image with the annotations of one category only."""
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
        annotations: Path of the annotation file.
        document: Content of the annotation file.
        images: Images in the order of the file.
        categories: Category ids, ascending.
        missing: Number of images left out because their files do not exist.
    """

    annotations: Path
    document: Mapping[str, Any]
    images: tuple[CocoImage, ...]
    categories: tuple[int, ...]
    missing: int = 0

    @property
    def person(self) -> int:
        """Id of the person category: the one named person, or the only one.

        COCO's id is 1, but files of other tools count from 0 or list other classes first.

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
            f"cannot tell which category in {self.annotations} is person",
            expected="one category named person, or a single category",
            found=", ".join(f"{each['id']} {each.get('name')}" for each in categories)[:200],
            hint="set the name of that category to person in the file",
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
    """Read the annotation file and select the images that the protocol covers.

    The file of an image is ``file_name`` in the image folder, or else in ``data`` (for names that begin with
    the folder). Of an absolute path from another machine only the last part is used.

    Args:
        data: Folder that contains ``val2017/`` and ``annotations/``.
        protocol: States the split, the annotation file, and which of its images count.
        annotations: Annotation file, if it is elsewhere.
        images: Image folder, if it is elsewhere.
        limit: Use only the first images.
        skip_missing: Leave out images whose files do not exist.

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
            f"the image folder {folder} does not exist",
            expected=f"the images of {file.name}",
            hint="pass the folder with --images",
        )
    whole = CocoSet(file, read.document, (), tuple(sorted(category["id"] for category in read.categories)))
    listed = [_image(image, read, folder, data) for image in read.images]
    if isinstance(protocol, KeypointProtocol) or protocol.category_scope == "person":
        person = whole.person  # also for box protocols, so that an error comes before anything is fetched
        listed = [image.with_category(person) for image in listed] if pose else listed
    covered = [image for image in listed if _is_covered(image, protocol)]
    present = [image for image in covered if image.path.is_file()] if skip_missing else covered
    selected = tuple(present[:limit])
    if absent := [image for image in selected if not image.path.is_file()]:
        raise _missing_images_error(file, folder, absent, len(selected))
    if not selected:
        raise UsageError(
            "dataset-empty",
            f"no image in {file} is covered by the protocol",
            expected="images with annotated persons" if isinstance(protocol, KeypointProtocol) else "images",
            found=f"{len(listed)} images",
            hint="pass other annotations with --annotations",
        )
    return replace(whole, images=selected, missing=len(covered) - len(present))


def _image(image: Mapping[str, Any], read: AnnotationFile, folder: Path, data: Path) -> CocoImage:
    path = _resolve_path(image["file_name"], folder, data)
    return CocoImage(
        image["id"], path, image["width"], image["height"], tuple(read.objects.get(image["id"], ()))
    )


def _resolve_path(name: str, folder: Path, data: Path) -> Path:
    first = folder / name
    if first.is_file():
        return first
    elsewhere = Path(name).is_absolute() or PureWindowsPath(name).is_absolute()
    second = folder / PureWindowsPath(name).name if elsewhere else data / name
    return second if second.is_file() else first


def _missing_images_error(
    file: Path, folder: Path, missing: Sequence[CocoImage], total: int
) -> NotFoundError:
    return NotFoundError(
        "images-missing",
        f"{len(missing)} of {total} images listed in {file} are not in {folder}",
        found=f"no {missing[0].path}",
        hint="pass their folder with --images, or use only existing images with --skip-missing",
    )


def _is_covered(image: CocoImage, protocol: KeypointProtocol | DetectionProtocol) -> bool:
    if isinstance(protocol, DetectionProtocol):
        return bool(image.annotations) or protocol.empty_images is not False
    most = _MOST_PERSONS[protocol.images]
    return most is None or 0 < len(image.annotations) <= most
