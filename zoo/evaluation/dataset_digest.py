"""Digest of the images and annotations that a figure is measured on."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

from converters.fs.atomic import sha256_of
from zoo.datasets.coco import CocoImage, CocoSet

_SCORED = ("category_id", "bbox", "area", "iscrowd", "keypoints", "num_keypoints")
"""Fields of an annotation that a figure depends on."""

_READERS = 4


def dataset_digest(data: CocoSet) -> str:
    """SHA-256 of a set: ids, files and annotations of its images, in order, and its categories and joints.

    Neither paths nor other fields of the annotation file count, so equal sets of two machines are equal.

    Args:
        data: The set.
    """
    # Hashing releases the interpreter lock.
    with ThreadPoolExecutor(_READERS) as pool:
        files = list(pool.map(_digest_file, data.images))
    state = hashlib.sha256()
    head = [data.document["categories"], data.categories, data.joints]
    state.update(json.dumps(head, sort_keys=True).encode())
    for image, file in zip(data.images, files, strict=True):
        state.update(json.dumps([file, *_describe(image)], sort_keys=True).encode())
    return state.hexdigest()


def _digest_file(image: CocoImage) -> str:
    try:
        return sha256_of(image.path)
    except OSError:
        return ""  # decoding it raises an error that names the file


def _describe(image: CocoImage) -> list[object]:
    kept = [{name: item[name] for name in _SCORED if name in item} for item in image.annotations]
    return [image.id, image.width, image.height, image.honor_exif, kept]
