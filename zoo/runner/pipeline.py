"""A detector followed by a pose estimator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from registry.errors import UsageError
from registry.schema.io import DetectionOutput
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.categories import find_person
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.results import ImageResult

_IMAGES_AHEAD = 4


def require_persons(output: DetectionOutput) -> None:
    """Check that a detector has a person class.

    Raises:
        UsageError: ``no-person-class``.
    """
    if find_person(output.classes) is None:
        raise UsageError(
            "no-person-class",
            "the detector has no person class",
            expected="a class named person or pedestrian",
            found=", ".join(output.classes)[:200],
            hint="zoo list --task object_detection",
        )


class Pipeline:
    """Find persons and their joints.

    Args:
        detector: Finds persons. Images are read with its EXIF rule.
        estimator: Locates their joints.
        box_threshold: Persons must score above this for the pose model to run on them.

    Raises:
        UsageError: ``no-person-class`` for a detector without a person class.
    """

    def __init__(self, detector: Detector, estimator: PoseEstimator, *, box_threshold: float = 0.5) -> None:
        require_persons(detector.output)
        self._detector = detector
        self._estimator = estimator
        self._box_threshold = box_threshold

    def __call__(self, image: ImageSource) -> ImageResult:
        """Run both models on one image.

        Args:
            image: Path, RGB array, PIL image or :class:`Image`.

        Raises:
            ConversionError: An engine failed, or its outputs are invalid or of another network.
            NotFoundError: The file does not exist.
            UsageError: The image cannot be read.
        """
        loaded = as_image(image, honor_exif=self._detector.honor_exif)
        detections = self._detector(loaded)
        persons = detections.above(self._box_threshold, self._detector.person)
        poses = self._estimator(loaded, persons.boxes, persons.scores)
        return ImageResult(loaded.path, (loaded.width, loaded.height), detections, poses)

    def stream(self, images: Iterable[ImageSource], *, jobs: int = 1) -> Iterator[ImageResult]:
        """Run both models on many images, in order.

        The next images are read in the background. Only a few are in memory at a time.

        Args:
            images: An iterable that is consumed on demand.
            jobs: Images processed in parallel. Sessions in this process run concurrently; a session in a
                child process runs one image at a time.
        """
        if jobs > 1:
            yield from map_ahead(self, images, threads=jobs, ahead=2 * jobs)
            return
        for image in read_ahead(images, honor_exif=self._detector.honor_exif):
            yield self(image)


def read_ahead(images: Iterable[ImageSource], *, honor_exif: bool) -> Iterator[Image]:
    """Read images on another thread, in order.

    Args:
        images: An iterable that is consumed on demand.
        honor_exif: Whether images are rotated by their EXIF orientation.
    """
    return map_ahead(partial(as_image, honor_exif=honor_exif), images, threads=1, ahead=_IMAGES_AHEAD)
