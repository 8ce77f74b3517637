"""Data sets in COCO's layout: a folder of images and one JSON annotation file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from registry.errors import NotFoundError, UsageError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo._utils.arrays import Doubles
from zoo._utils.choices import Exif
from zoo.datasets.categories import ClassMatch, find_person_category, match_classes
from zoo.datasets.coco_annotations import (
    AnnotationFile,
    Kind,
    count_visible_joints,
    has_labeled_joint,
    read_annotations,
)
from zoo.datasets.joints import COCO_JOINTS
from zoo.datasets.orientation import AnnotatedSize, decide_orientation

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
        honor_exif: Whether the EXIF orientation applies to this image; None for the rule of the protocol.
    """

    id: int | str
    path: Path
    width: int
    height: int
    annotations: tuple[Mapping[str, Any], ...]
    honor_exif: bool | None = None

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
        joints: Joints of the annotated persons, in the order of their values.
        notes: Sentences about decisions that affect the figures.
    """

    annotations: Path
    document: Mapping[str, Any]
    images: tuple[CocoImage, ...]
    categories: tuple[int, ...]
    missing: int = 0
    joints: tuple[str, ...] = COCO_JOINTS
    notes: tuple[str, ...] = ()

    @property
    def person(self) -> int:
        """Id of the person category; errors as for ``find_person_category``."""
        return find_person_category(self.document["categories"], self.annotations)

    def match_classes(self, classes: Sequence[str], *, persons_only: bool) -> ClassMatch:
        """Match the classes of a network with the categories.

        Args:
            classes: Names of the classes in the network's order.
            persons_only: Whether only the person category is scored.

        Raises:
            UsageError: ``classes-mismatch`` or ``no-person-category``.
        """
        used = {item["category_id"] for image in self.images for item in image.annotations}
        if persons_only:
            if len(classes) == 1:
                return ClassMatch((self.person,))
            used &= {self.person}
        return match_classes(self.document["categories"], used, classes, self.annotations)

    def require_truth(self, kind: Kind) -> None:
        """Check that some annotation can be scored: otherwise every figure is undefined.

        Args:
            kind: Kind of figure.

        Raises:
            UsageError: ``dataset-empty``.
        """
        items = [item for image in self.images for item in image.annotations]
        pose = kind == "keypoints"
        if any(not item.get("iscrowd") and (not pose or count_visible_joints(item)) for item in items):
            return
        crowds = sum(bool(item.get("iscrowd")) for item in items)
        others = f", {len(items) - crowds} persons without a visible joint" if pose else ""
        raise UsageError(
            "dataset-empty",
            f"no annotation of the selected images in {self.annotations} can be scored",
            expected="persons with visible joints" if pose else "boxes that are not crowds",
            found=f"{len(self.images)} images with {len(items)} annotations: {crowds} crowds{others}",
            hint="use more images, or pass other annotations with --annotations",
        )


def load_set(
    data: Path,
    protocol: KeypointProtocol | DetectionProtocol,
    *,
    annotations: Path | None = None,
    images: Path | None = None,
    limit: int | None = None,
    skip_missing: bool = False,
    joints: Sequence[str] = COCO_JOINTS,
    exif: Exif | None = None,
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
        joints: Joints of the network, for keypoints.
        exif: Whether EXIF orientations apply; decided by the annotated image sizes if None.

    Raises:
        NotFoundError: ``annotations-not-found``, ``images-not-found`` or ``images-missing``.
        UsageError: ``dataset-empty``, ``no-person-category``, or as for ``read_annotations``.
    """
    file = annotations or data / (protocol.annotations or "annotations.json")
    folder = images or data / protocol.split
    pose = isinstance(protocol, KeypointProtocol)
    read = read_annotations(file, "keypoints" if pose else "bbox", joints)
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
    present = [image for image in covered if _is_file(image.path)] if skip_missing else covered
    selected = tuple(present[:limit])
    if absent := [image for image in selected if not _is_file(image.path)]:
        raise _missing_images_error(file, folder, absent, len(selected))
    if not selected:
        raise UsageError(
            "dataset-empty",
            f"no image in {file} is covered by the protocol",
            expected="images with annotated persons" if isinstance(protocol, KeypointProtocol) else "images",
            found=f"{len(listed)} images",
            hint="pass other annotations with --annotations",
        )
    sizes = [AnnotatedSize(image.path, image.width, image.height) for image in selected]
    honored, note = decide_orientation(sizes, default=protocol.honor_exif, choice=exif)
    oriented = tuple(replace(image, honor_exif=each) for image, each in zip(selected, honored, strict=True))
    notes = tuple(sentence for sentence in (read.note, note, _note_outside(selected)) if sentence)
    missing = len(covered) - len(present)
    return replace(whole, images=oriented, missing=missing, joints=tuple(joints), notes=notes)


def _image(image: Mapping[str, Any], read: AnnotationFile, folder: Path, data: Path) -> CocoImage:
    path = _resolve_path(image["file_name"], folder, data)
    if path is None:
        raise UsageError(
            "annotations-malformed",
            f"{read.path}: file_name of image {image['id']} leaves the image folder",
            expected=f"a path in {folder}",
            found=image["file_name"],
            hint="correct the file, or pass the folder of all images with --images",
        )
    return CocoImage(
        image["id"], path, image["width"], image["height"], tuple(read.objects.get(image["id"], ()))
    )


def _resolve_path(name: str, folder: Path, data: Path) -> Path | None:
    """Return the path of an image in ``folder`` or ``data``; None for a name that leads out of both."""
    bases = [os.path.normpath(base.absolute()) for base in (folder, data)]
    candidates = [
        base / spelling
        for spelling in dict.fromkeys((name, name.replace("\\", "/")))
        for base in (folder, data)
    ]
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute() or "://" in name:
        candidates.append(folder / PureWindowsPath(name).name)  # a path or address of another machine
    first = None
    for path in candidates:
        if _is_inside(path, bases):
            if _is_file(path):
                return path
            first = first or path
    return first


def _is_inside(path: Path, bases: Sequence[str]) -> bool:
    """Whether a path stays in one of the folders; symbolic links in a data set are the owner's choice."""
    normalized = Path(os.path.normpath(path.absolute()))
    return any(normalized.is_relative_to(base) for base in bases)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # for example a name that is too long
        return False


def _note_outside(images: Sequence[CocoImage]) -> str | None:
    """Return a note if many boxes extend beyond their image, as with boxes of another format."""
    total = outside = 0
    for image in images:
        for x, y, width, height in (item["bbox"] for item in image.annotations):
            total += 1
            outside += x + width > 1.02 * image.width + 2 or y + height > 1.02 * image.height + 2
    if 10 * outside <= total:
        return None
    return (
        f"{outside} of {total} boxes extend beyond their image: COCO's bbox is x, y, width, height in the "
        "pixels of the image"
    )


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
