"""A model ready to run: images in, boxes and key points out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

import numpy as np

from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import DetectionProtocol, KeypointProtocol, MulticlassNms
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.coco import PERSON
from zoo.runner.detector import Detector
from zoo.runner.draw import draw_boxes, draw_poses
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.loading import LoadedModel
from zoo.runner.pipeline import Pipeline, require_persons
from zoo.runner.protocols import PYTHON_DEPLOYMENT_BOX_THRESHOLD, PYTHON_DEPLOYMENT_NMS, python_deployment
from zoo.runner.results import DetectionRecord, Detections, ImageResult, PoseRecord, Poses

# Ids of COCO's 80 categories: 1 to 90 with gaps, as its annotation files have them.
_COCO_80 = tuple(number for number in range(1, 91) if number not in {12, 26, 29, 30, 45, 66, 68, 69, 71, 83})

Record = DetectionRecord | PoseRecord


class Runner:
    """A model, or a detector and a pose model in a row, callable on pictures.

    It works as upstream's Python deployment does: without a flip test, regions cut as deployment cuts them.
    The protocol of published figures is another one; ``zoo.validate`` executes that.

    Args:
        network: A pose model or a detector.
        detector: Finds the persons a pose model looks at. Without one the whole image is the person.
        box_threshold: Persons must score above this to be looked at, or drawn.
        close: Frees the networks.

    Raises:
        UsageError: As for ``require_fit``.
    """

    def __init__(
        self,
        network: LoadedModel,
        detector: LoadedModel | None = None,
        *,
        box_threshold: float = PYTHON_DEPLOYMENT_BOX_THRESHOLD,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.network = network
        self.detector = detector
        self.box_threshold = box_threshold
        self._close = close
        self._look = self._looker()

    def __call__(self, image: ImageSource) -> ImageResult:
        """Look at one picture.

        Args:
            image: Path, ``(height, width[, channels])`` uint8 RGB array, PIL image or photo.

        Returns:
            Boxes and poses in image pixels; no boxes where no detector ran, no poses where no pose model
            did.

        Raises:
            ConversionError: An engine failed, or its outputs are garbage or another network's.
            NotFoundError: There is no such file.
            UsageError: The image cannot be read.
        """
        return self._look(image)

    def stream(self, images: Iterable[ImageSource], *, jobs: int = 1) -> Iterator[ImageResult]:
        """Look at many images, in order, with a few in memory however many there are.

        Args:
            images: Taken one by one, as they are needed.
            jobs: Images looked at together.
        """
        return map_ahead(self, images, threads=jobs, ahead=2 * jobs)

    def draw(self, photo: Image, result: ImageResult) -> Image:
        """What was found, on a copy of the photo."""
        output = self.network.entry.output
        if isinstance(output, HeatmapOutput):
            return draw_poses(photo, result.poses, output.joints)
        if not isinstance(output, DetectionOutput):
            raise not_a_detector(self.network.entry)
        return draw_boxes(photo, result.detections, output.classes, threshold=self.box_threshold)

    def records(self, result: ImageResult, image_id: int | str) -> Sequence[Record]:
        """What was found, in COCO's result layout: persons of a pose model, boxes of a detector."""
        output = self.network.entry.output
        if isinstance(output, HeatmapOutput):
            return result.poses.records(image_id)
        if not isinstance(output, DetectionOutput):
            raise not_a_detector(self.network.entry)
        return result.detections.records(image_id, categories_of(output))

    def close(self) -> None:
        """Free the engines; further calls are refused."""
        self._close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _looker(self) -> Callable[[ImageSource], ImageResult]:
        if isinstance(self.network.entry.output, HeatmapOutput):
            estimator = estimator_of(self.network, python_deployment(keypoint_protocol(self.network.entry)))
            if self.detector is None:
                return _WholeImage(estimator)
            detector = detector_of(self.detector, PYTHON_DEPLOYMENT_NMS)
            return Pipeline(detector, estimator, box_threshold=self.box_threshold)
        return _BoxesAlone(detector_of(self.network, PYTHON_DEPLOYMENT_NMS))


def require_fit(entry: Entry, detector: Entry | None = None) -> None:
    """Pass only when an entry can run, behind that detector if one is named.

    Raises:
        UsageError: ``no-keypoints`` for a detector behind a detector, ``not-a-detector``,
            ``no-person-class``, or ``no-protocol``.
    """
    if isinstance(entry.output, HeatmapOutput):
        keypoint_protocol(entry)
    elif not isinstance(entry.output, DetectionOutput):
        raise not_a_detector(entry)
    elif detector is not None:
        raise UsageError(
            "no-keypoints",
            f"{entry.id} finds boxes itself: a detector in front of it has no use",
            hint="zoo list --task keypoint_detection",
        )
    if detector is not None:
        if not isinstance(detector.output, DetectionOutput):
            raise not_a_detector(detector)
        require_persons(detector.output)


class _WholeImage:
    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def __call__(self, image: ImageSource) -> ImageResult:
        photo = as_image(image, honor_exif=self._estimator.protocol.honor_exif)
        none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, dtype=np.int64))
        return ImageResult(photo.path, (photo.width, photo.height), none, self._estimator(photo))


class _BoxesAlone:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, image: ImageSource) -> ImageResult:
        photo = as_image(image, honor_exif=self._detector.honor_exif)
        none = Poses(np.zeros((0, 0, 3)), np.zeros(0), np.zeros((0, 4)), np.zeros(0))
        return ImageResult(photo.path, (photo.width, photo.height), self._detector(photo), none)


def estimator_of(network: LoadedModel, protocol: KeypointProtocol) -> PoseEstimator:
    """A pose network under a protocol.

    Raises:
        UsageError: ``not-a-pose-model``.
    """
    output = network.entry.output
    if not isinstance(output, HeatmapOutput):
        raise UsageError(
            "not-a-pose-model",
            f"{network.entry.id} finds {_finds(network.entry)}, not key points of an image",
            hint="zoo list --task keypoint_detection",
        )
    return PoseEstimator(
        network.session, network.entry.input, output, protocol, normalization=network.normalization
    )


def detector_of(network: LoadedModel, nms: MulticlassNms, *, honor_exif: bool = True) -> Detector:
    """A detector with a suppression rule.

    Raises:
        UsageError: ``not-a-detector``.
    """
    output = network.entry.output
    if not isinstance(output, DetectionOutput):
        raise not_a_detector(network.entry)
    return Detector(
        network.session,
        network.entry.input,
        output,
        nms,
        normalization=network.normalization,
        honor_exif=honor_exif,
    )


def not_a_detector(entry: Entry) -> UsageError:
    """Refusal of an entry that finds no boxes."""
    return UsageError(
        "not-a-detector",
        f"{entry.id} finds {_finds(entry)}, not boxes",
        hint="zoo list --task object_detection",
    )


def _finds(entry: Entry) -> str:
    return {"heatmap": "key points", "detection": "boxes", "coordinates": "joints in space"}[
        entry.output.kind
    ]


def keypoint_protocol(entry: Entry) -> KeypointProtocol:
    """The protocol of an entry's first figure, which says how heat maps are decoded.

    Raises:
        UsageError: ``no-protocol``.
    """
    for figure in entry.accuracy:
        if isinstance(figure.protocol, KeypointProtocol):
            return figure.protocol
    raise no_protocol(entry)


def detection_protocol(entry: Entry) -> DetectionProtocol:
    """The protocol of an entry's first figure, which says how boxes are suppressed.

    Raises:
        UsageError: ``no-protocol``.
    """
    for figure in entry.accuracy:
        if isinstance(figure.protocol, DetectionProtocol):
            return figure.protocol
    raise no_protocol(entry)


def no_protocol(entry: Entry) -> UsageError:
    """Refusal of an entry without a figure that can be measured."""
    figures = ", ".join(f"{figure.metric} ({figure.protocol.kind})" for figure in entry.accuracy)
    return UsageError(
        "no-protocol",
        f"the catalog has no figure for {entry.id} that can be measured here, and no protocol to execute",
        found=figures or "no accuracy figure",
        hint=f"zoo show {entry.typed}",
    )


def categories_of(output: DetectionOutput) -> tuple[int, ...]:
    """COCO category id of each class: COCO's own where the classes are COCO's, else counted from 1."""
    if output.classes == ("person",):
        return (PERSON,)
    return _COCO_80 if len(output.classes) == len(_COCO_80) else tuple(range(1, len(output.classes) + 1))
