"""A detector and a pose estimator in a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from registry.errors import UsageError
from registry.schema.io import DetectionOutput
from zoo._utils.ordered_map import map_ahead
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.results import ImageResult

_IMAGES_AHEAD = 4


def require_persons(output: DetectionOutput) -> None:
    """Pass only when a detector knows persons.

    Raises:
        UsageError: ``no-person-class``.
    """
    if "person" not in output.classes:
        raise UsageError(
            "no-person-class",
            "this detector does not find persons",
            found=", ".join(output.classes),
            hint="zoo list --task object_detection",
        )


class Pipeline:
    """Finds persons and their joints.

    Args:
        detector: Finds persons. Images are read by its EXIF rule.
        estimator: Finds their joints.
        box_threshold: Boxes must score above this to be looked at.

    Raises:
        UsageError: ``no-person-class`` for a detector that does not know persons.
    """

    def __init__(self, detector: Detector, estimator: PoseEstimator, *, box_threshold: float = 0.5) -> None:
        require_persons(detector.output)
        self._detector = detector
        self._estimator = estimator
        self._box_threshold = box_threshold

    def __call__(self, image: ImageSource) -> ImageResult:
        """Look at one picture.

        Args:
            image: Path, RGB array, PIL image or photo.

        Raises:
            ConversionError: An engine failed, or its outputs are garbage or another network's.
            NotFoundError: There is no such file.
            UsageError: The image cannot be read.
        """
        photo = as_image(image, honor_exif=self._detector.honor_exif)
        detections = self._detector(photo)
        persons = detections.above(self._box_threshold, self._detector.person)
        poses = self._estimator(photo, persons.boxes, persons.scores)
        return ImageResult(photo.path, (photo.width, photo.height), detections, poses)

    def stream(self, images: Iterable[ImageSource], *, jobs: int = 1) -> Iterator[ImageResult]:
        """Look at many images, in order.

        The next images are read meanwhile, and memory stays flat: a few are held, however many there are.

        Args:
            images: Taken one by one, as they are needed.
            jobs: Images looked at together. Sessions in this process compute side by side; those in a
                child take turns, each with the other model's.
        """
        if jobs > 1:
            yield from map_ahead(self, images, threads=jobs, ahead=2 * jobs)
            return
        for photo in read_ahead(images, honor_exif=self._detector.honor_exif):
            yield self(photo)


def read_ahead(images: Iterable[ImageSource], *, honor_exif: bool) -> Iterator[Image]:
    """Read images on another thread, in order.

    Args:
        images: Taken one by one, as they are needed.
        honor_exif: Whether images are turned by their EXIF orientation.
    """
    return map_ahead(partial(as_image, honor_exif=honor_exif), images, threads=1, ahead=_IMAGES_AHEAD)
