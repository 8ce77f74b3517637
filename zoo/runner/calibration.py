"""Calibration inputs: images, preprocessed under the protocol of an entry."""

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
from registry.errors import NotFoundError, UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from zoo._utils.extras import requires_extra

if TYPE_CHECKING:
    from zoo._utils.arrays import Array

MAX_INPUTS = 64
"""Number of calibration inputs: more did not change the ranges, and each takes time and memory."""

DRAWN = "drawn figures"
"""Name of the images that stand in for a folder of the caller."""

_DRAWN_IMAGES = 32  # one to three figures each

Inputs = dict[str, "Array"]


@requires_extra("run")
def require_image_packages() -> None:
    """Import the packages that preprocess images, before any conversion whose result needs them."""
    import numpy  # noqa: F401, I001  OpenCV prints a message if numpy is missing, and does not only raise
    import cv2  # noqa: F401  heavy, and in another extra than the conversions


def calibration_unused() -> UsageError:
    """Error for calibration images of a model whose activations are not integers."""
    return UsageError(
        "option-not-applicable",
        "--calibration applies only to a model with integer activations",
        hint="add --precision int8, or leave out --calibration",
    )


@dataclass(frozen=True)
class ImageCalibrator:
    """Prepares calibration inputs from images.

    Attributes:
        folder: The images, in COCO's layout or directly in the folder; None for drawn figures, whose ranges
            are an approximation.
    """

    folder: Path | None = None

    @property
    def source(self) -> str:
        """Name of the images in results and notes."""
        return DRAWN if self.folder is None else str(self.folder)

    def require_folder(self) -> None:
        """Check that the folder exists, before the conversions whose result needs it.

        Raises:
            NotFoundError: ``images-not-found``.
        """
        if self.folder is not None and not self.folder.is_dir():
            raise NotFoundError(
                "images-not-found",
                f"the folder of calibration images {self.folder} does not exist",
                expected="a folder of images similar to the inputs of the model in use",
                hint="--calibration DIR",
            )

    @property
    def note(self) -> str:
        """Sentence for the notes of a result."""
        advice = "; name images like those in use with --calibration DIR" if self.folder is None else ""
        return f"the ranges of the int8 model come from {self.source}{advice}"

    @contextmanager
    def prepare(self, entry: Entry, normalization: Normalization, *, work: Path) -> Iterator[Calibration]:
        """Write the inputs to a file that exists as long as the context is open.

        Args:
            entry: The entry, which defines the preprocessing.
            normalization: Whether pixel values are normalized on the host or in the graph.
            work: Folder for temporary files.

        Raises:
            ZooError: As for :func:`calibration`.
        """
        if self.folder is not None:
            with calibration(entry, self.folder, normalization, work=work) as inputs:
                yield inputs
            return
        from zoo.sample.figures import write_coco  # draws with NumPy, which planning must not load

        with work_directory(work) as drawn:
            write_coco(drawn, _DRAWN_IMAGES)
            # Pose models take the persons of the annotation file; detectors take whole images.
            pose = isinstance(entry.output, HeatmapOutput)
            folder = drawn if pose else drawn / "val2017"
            with calibration(entry, folder, normalization, work=work) as inputs:
                yield inputs


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
    from zoo.runner.protocols import get_detection_protocol, get_keypoint_protocol

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
    from zoo.runner.protocols import get_keypoint_protocol

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
