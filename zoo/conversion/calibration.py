"""Calibration inputs: images of a folder, preprocessed under the protocol of an entry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import sha256_of
from converters.fs.workdir import work_directory
from converters.onnx import Calibration
from registry.choices import Normalization
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput

if TYPE_CHECKING:
    from zoo._utils.arrays import Array

MAX_INPUTS = 64
"""Number of calibration inputs: more did not change the ranges, and each takes time and memory."""

Inputs = dict[str, "Array"]


@dataclass(frozen=True)
class _Sample:
    """An image, and the persons to crop from it; None for the whole image.

    Attributes:
        path: The file.
        boxes: Boxes of the persons.
        honor_exif: Whether the boxes refer to the rotated image; None for the rule of the protocol.
    """

    path: Path
    boxes: Array | None = None
    honor_exif: bool | None = None


@contextmanager
def calibration(
    entry: Entry, folder: Path, normalization: Normalization, *, work: Path
) -> Iterator[Calibration]:
    """Prepare calibration inputs in a file that exists as long as the context is open.

    With a folder in COCO's layout, a pose model gets the annotated persons; otherwise whole images are used.
    If there are more than :data:`MAX_INPUTS`, this number is selected at even distances.

    Args:
        entry: The entry, which defines the preprocessing.
        folder: The images.
        normalization: Whether pixel values are normalized on the host or in the graph.
        work: Folder for temporary files.

    Raises:
        NotFoundError: ``image-not-found``, ``images-not-found``, or as for ``load_set``.
        UsageError: ``not-calibratable``: the entry does not define how images are preprocessed. An image
            cannot be read.
    """
    import numpy as np  # heavy: planning a conversion must not load it

    samples = _select_evenly(_find_samples(entry, folder))
    rows = [row for sample in samples for row in _preprocess(entry, sample, normalization)][:MAX_INPUTS]
    arrays = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    with work_directory(work) as directory:
        tensors = directory / "calibration.npz"
        np.savez(tensors, **arrays)  # type: ignore[arg-type]  # numpy's stub takes a flag for one of the names
        images = {sample.path.name: sha256_of(sample.path) for sample in samples}
        yield Calibration(sha256=digest.hexdigest(), inputs=len(rows), images=images, tensors=tensors)


def _find_samples(entry: Entry, folder: Path) -> list[_Sample]:
    from zoo.datasets.coco import load_set
    from zoo.runner.media import find_images
    from zoo.runner.runner import get_detection_protocol, get_keypoint_protocol

    if not isinstance(entry.output, (HeatmapOutput, DetectionOutput)):
        raise UsageError(
            "not-calibratable",
            f"{entry.id} does not take images, and calibration needs images",
            hint="--weight-only int8",
        )
    pose = isinstance(entry.output, HeatmapOutput)
    protocol = get_keypoint_protocol(entry) if pose else get_detection_protocol(entry)
    if not (folder / (protocol.annotations or "annotations.json")).is_file():
        return [_Sample(path) for path in find_images([str(folder)])]
    joints = entry.output.joints if isinstance(entry.output, HeatmapOutput) else ()
    images = load_set(folder, protocol, joints=joints).images
    if not pose:
        return [_Sample(image.path) for image in images]
    return [
        _Sample(image.path, box[None], image.honor_exif)
        for image in images
        for box in image.persons_with_keypoints()
    ]


def _select_evenly(samples: Sequence[_Sample]) -> list[_Sample]:
    if len(samples) <= MAX_INPUTS:
        return list(samples)
    return [samples[index * len(samples) // MAX_INPUTS] for index in range(MAX_INPUTS)]


def _preprocess(entry: Entry, sample: _Sample, normalization: Normalization) -> list[Inputs]:
    import numpy as np

    from zoo.runner.images import read_image
    from zoo.runner.preprocess import prepare_image, prepare_persons
    from zoo.runner.runner import get_keypoint_protocol

    # Annotated boxes refer to the image with or without its EXIF rotation, as the data set states.
    rotate = sample.boxes is None or get_keypoint_protocol(entry).honor_exif
    rotate = rotate if sample.honor_exif is None else sample.honor_exif
    image = read_image(sample.path, honor_exif=rotate)
    if isinstance(entry.output, DetectionOutput):
        prepared = prepare_image(image, entry.input, normalization)
        return [{entry.input.name: prepared.tensor, "scale_factor": prepared.scale[None]}]
    crop = get_keypoint_protocol(entry).crop
    boxes = np.array([[0, 0, image.width, image.height]]) if sample.boxes is None else sample.boxes
    return [{entry.input.name: prepare_persons(image, boxes, entry.input, crop, normalization).tensor}]
