"""A loaded model as a callable: images in, boxes and keypoints out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType

import numpy as np

from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import KeypointProtocol, MulticlassNms
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.categories import PERSON, find_person
from zoo.runner.detector import Detector
from zoo.runner.draw import draw_boxes, draw_poses
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.loading import LoadedModel
from zoo.runner.pipeline import Pipeline, require_persons
from zoo.runner.protocols import (
    PYTHON_DEPLOYMENT_BOX_THRESHOLD,
    PYTHON_DEPLOYMENT_NMS,
    as_python_deployment,
    get_keypoint_protocol,
)
from zoo.runner.results import DetectionRecord, Detections, ImageResult, PoseRecord, Poses

# Ids of COCO's 80 categories in its annotation files: 1 to 90 with gaps.
_COCO_80 = tuple(number for number in range(1, 91) if number not in {12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
_COCO_ENDS = ("person", "toothbrush")

Record = DetectionRecord | PoseRecord


class Runner:
    """A model, or a detector followed by a pose model, callable on images.

    It follows upstream's Python deployment: no flip test, and the deployment's crop rule. The published
    figures use another protocol; ``zoo.validate`` executes that one.

    Args:
        model: A pose model or a detector.
        detector: Finds the persons for a pose model. Without one the whole image is one person.
        box_threshold: Persons must score above this for the pose model to run on them, and boxes to be
            drawn. Default: as in the configuration of a detector on disk, else as in upstream's deployment.
        close: Frees the engines.

    Raises:
        UsageError: As for ``require_runnable``.
    """

    def __init__(
        self,
        model: LoadedModel,
        detector: LoadedModel | None = None,
        *,
        box_threshold: float | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.detector = detector
        self.box_threshold = (
            _default_box_threshold(detector, model) if box_threshold is None else box_threshold
        )
        self._close = close
        self._run = self._build()

    def __call__(self, image: ImageSource) -> ImageResult:
        """Run the model on one image.

        Args:
            image: Path, ``(height, width[, channels])`` uint8 RGB array, PIL image or :class:`Image`.

        Returns:
            Boxes and poses in image pixels; no boxes without a detector, no poses without a pose model.

        Raises:
            ConversionError: An engine failed, or its outputs are invalid or of another model.
            NotFoundError: The file does not exist.
            UsageError: The image cannot be read.
        """
        return self._run(image)

    def stream(self, images: Iterable[ImageSource], *, jobs: int = 1) -> Iterator[ImageResult]:
        """Run the model on many images, in order, with only a few in memory at a time.

        Args:
            images: An iterable that is consumed on demand.
            jobs: Images processed in parallel.
        """
        return map_ahead(self, images, threads=jobs, ahead=2 * jobs)

    def draw(self, image: Image, result: ImageResult) -> Image:
        """Draw a result on a copy of the image."""
        output = self.model.entry.output
        if isinstance(output, HeatmapOutput):
            return draw_poses(image, result.poses, output)
        if not isinstance(output, DetectionOutput):
            raise not_a_detector_error(self.model.entry)
        return draw_boxes(image, result.detections, output.classes, threshold=self.box_threshold)

    def records(self, result: ImageResult, image_id: int | str) -> Sequence[Record]:
        """Convert a result to COCO's layout: persons of a pose model, boxes of a detector."""
        output = self.model.entry.output
        if isinstance(output, HeatmapOutput):
            return result.poses.records(image_id)
        if not isinstance(output, DetectionOutput):
            raise not_a_detector_error(self.model.entry)
        return result.detections.records(image_id, coco_categories(output))

    def close(self) -> None:
        """Free the engines; later calls raise an error."""
        self._close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _build(self) -> Callable[[ImageSource], ImageResult]:
        if isinstance(self.model.entry.output, HeatmapOutput):
            protocol = as_python_deployment(get_keypoint_protocol(self.model.entry))
            estimator = make_estimator(self.model, protocol)
            if self.detector is None:
                return partial(_estimate_whole_image, estimator)
            detector = make_detector(self.detector, _deployment_nms(self.detector))
            return Pipeline(detector, estimator, box_threshold=self.box_threshold)
        return partial(_detect, make_detector(self.model, _deployment_nms(self.model)))


def _deployment_nms(model: LoadedModel) -> MulticlassNms:
    """Suppression of deployment: that of the configuration next to a model on disk, else upstream's."""
    if model.local is None:
        return PYTHON_DEPLOYMENT_NMS
    return model.local.options.override(model.local.nms or PYTHON_DEPLOYMENT_NMS)


def _default_box_threshold(*models: LoadedModel | None) -> float:
    stated = [model.local.box_threshold for model in models if model and model.local]
    return next((value for value in stated if value is not None), PYTHON_DEPLOYMENT_BOX_THRESHOLD)


def require_runnable(entry: Entry, detector: Entry | None = None) -> None:
    """Check that an entry can run, with the detector in front of it if one is given.

    Raises:
        UsageError: ``no-keypoints`` for a detector behind a detector, ``not-a-detector``,
            ``no-person-class``, or ``no-protocol``.
    """
    if isinstance(entry.output, HeatmapOutput):
        get_keypoint_protocol(entry)
    elif not isinstance(entry.output, DetectionOutput):
        raise not_a_detector_error(entry)
    elif detector is not None:
        raise UsageError(
            "no-keypoints",
            f"{entry.id} is a detector; --detector applies to pose models only",
            hint="zoo list --task keypoint_detection",
        )
    if detector is not None:
        if not isinstance(detector.output, DetectionOutput):
            raise not_a_detector_error(detector)
        require_persons(detector.output)


def _estimate_whole_image(estimator: PoseEstimator, source: ImageSource) -> ImageResult:
    """Run a pose model without a detector: the whole image is one person."""
    image = as_image(source, honor_exif=estimator.protocol.honor_exif)
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, dtype=np.int64))
    return ImageResult(image.path, (image.width, image.height), none, estimator(image))


def _detect(detector: Detector, source: ImageSource) -> ImageResult:
    """Run a detector without a pose model."""
    image = as_image(source, honor_exif=detector.honor_exif)
    none = Poses(np.zeros((0, 0, 3)), np.zeros(0), np.zeros((0, 4)), np.zeros(0))
    return ImageResult(image.path, (image.width, image.height), detector(image), none)


def make_estimator(model: LoadedModel, protocol: KeypointProtocol) -> PoseEstimator:
    """Build a pose estimator that executes a protocol.

    Raises:
        UsageError: ``not-a-pose-model``.
    """
    output = model.entry.output
    if not isinstance(output, HeatmapOutput):
        raise UsageError(
            "not-a-pose-model",
            f"{model.entry.id} outputs {_describe_output(model.entry)}, not keypoints of an image",
            hint="zoo list --task keypoint_detection",
        )
    return PoseEstimator(
        model.session, model.entry.input, output, protocol, normalization=model.normalization
    )


def make_detector(model: LoadedModel, nms: MulticlassNms, *, honor_exif: bool = True) -> Detector:
    """Build a detector with a suppression rule.

    Raises:
        UsageError: ``not-a-detector``.
    """
    output = model.entry.output
    if not isinstance(output, DetectionOutput):
        raise not_a_detector_error(model.entry)
    return Detector(
        model.session,
        model.entry.input,
        output,
        nms,
        normalization=model.normalization,
        honor_exif=honor_exif,
    )


def not_a_detector_error(entry: Entry) -> UsageError:
    """Error for an entry whose output is not boxes."""
    return UsageError(
        "not-a-detector",
        f"{entry.id} outputs {_describe_output(entry)}, not boxes",
        hint="zoo list --task object_detection",
    )


def _describe_output(entry: Entry) -> str:
    return {"heatmap": "keypoints", "detection": "boxes", "coordinates": "joints in space"}[entry.output.kind]


def coco_categories(output: DetectionOutput) -> tuple[int, ...]:
    """COCO category id of each class: COCO's own for COCO's 80 classes, else counted from 1."""
    if len(output.classes) == 1 and find_person(output.classes) == 0:
        return (PERSON,)
    ends = (output.classes[0], output.classes[-1])
    if len(output.classes) == len(_COCO_80) and ends == _COCO_ENDS:
        return _COCO_80
    return tuple(range(1, len(output.classes) + 1))
