"""Network inputs to calibrate on: images of a folder, prepared as the entry's protocol says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from converters.fs.atomic import sha256_of
from converters.fs.workdir import work_directory
from converters.onnx import Calibration
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import KeypointProtocol

if TYPE_CHECKING:
    from zoo._utils.arrays import Array

MOST_INPUTS = 64
"""Network inputs that are looked at: more moved no range that was kept, and each costs time and memory."""

Inputs = dict[str, "Array"]


@dataclass(frozen=True)
class _Shot:
    """An image, and the persons in it to cut out; None for the whole picture."""

    path: Path
    boxes: Array | None = None


@contextmanager
def calibration(
    entry: Entry, folder: Path, normalization: Literal["host", "in_graph"], *, work: Path
) -> Iterator[Calibration]:
    """Inputs of an entry's network, in a file that is there as long as the context is.

    A folder laid out as COCO is gives a pose model its annotated persons; of any other, whole images are
    taken. Of more than :data:`MOST_INPUTS`, as many are chosen at even distances.

    Args:
        entry: Whose network it is.
        folder: The pictures.
        normalization: Whether mean and deviation are applied here or inside the graph.
        work: Folder for work in progress.

    Raises:
        NotFoundError: ``image-not-found``, ``images-not-found``, or as for ``load_set``.
        UsageError: ``not-calibratable``: no rule says how this entry's images are prepared. An image
            cannot be read.
    """
    import numpy as np  # heavy: planning a conversion must not load it

    shots = _evenly(_shots(entry, folder))
    rows = [row for shot in shots for row in _prepared(entry, shot, normalization)][:MOST_INPUTS]
    arrays = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    with work_directory(work) as place:
        tensors = place / "calibration.npz"
        np.savez(tensors, **arrays)  # type: ignore[arg-type]  # numpy's stub takes a flag for one of the names
        pictures = {shot.path.name: sha256_of(shot.path) for shot in shots}
        yield Calibration(sha256=digest.hexdigest(), inputs=len(rows), images=pictures, tensors=tensors)


def _shots(entry: Entry, folder: Path) -> list[_Shot]:
    from zoo.datasets.coco import load_set
    from zoo.runner.media import find_images
    from zoo.runner.runner import get_detection_protocol, get_keypoint_protocol

    if not isinstance(entry.output, (HeatmapOutput, DetectionOutput)):
        raise UsageError(
            "not-calibratable",
            f"{entry.id} takes no images, and nothing else is calibrated on",
            hint="--weight-only int8",
        )
    pose = isinstance(entry.output, HeatmapOutput)
    protocol = get_keypoint_protocol(entry) if pose else get_detection_protocol(entry)
    if not (folder / (protocol.annotations or "annotations.json")).is_file():
        return [_Shot(path) for path in find_images([str(folder)])]
    photos = load_set(folder, protocol).images
    if not pose:
        return [_Shot(image.path) for image in photos]
    return [_Shot(image.path, box[None]) for image in photos for box in image.persons_with_keypoints()]


def _evenly(shots: Sequence[_Shot]) -> list[_Shot]:
    if len(shots) <= MOST_INPUTS:
        return list(shots)
    return [shots[index * len(shots) // MOST_INPUTS] for index in range(MOST_INPUTS)]


def _prepared(entry: Entry, shot: _Shot, normalization: Literal["host", "in_graph"]) -> list[Inputs]:
    import numpy as np

    from zoo.runner.images import read_image
    from zoo.runner.preprocess import prepare_image, prepare_persons
    from zoo.runner.runner import get_keypoint_protocol

    # Annotated boxes belong to the image as the protocol reads it, which may be before it is turned.
    turned = shot.boxes is None or get_keypoint_protocol(entry).honor_exif
    image = read_image(shot.path, honor_exif=turned)
    if isinstance(entry.output, DetectionOutput):
        prepared = prepare_image(image, entry.input, normalization)
        return [{entry.input.name: prepared.tensor, "scale_factor": prepared.scale[None]}]
    protocol: KeypointProtocol = get_keypoint_protocol(entry)
    boxes = np.array([[0, 0, image.width, image.height]]) if shot.boxes is None else shot.boxes
    return [
        {entry.input.name: prepare_persons(image, boxes, entry.input, protocol.crop, normalization).tensor}
    ]
