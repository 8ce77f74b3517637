"""Record what a network computes on each layer: raw outputs, decoded points or boxes, final results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from registry.schema.io import DetectionOutput
from zoo._utils.arrays import Array, Doubles
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.loading import LoadedModel, with_session
from zoo.runner.postprocess.boxes import decode_raw, select_candidates
from zoo.runner.postprocess.heads import identify_head
from zoo.runner.postprocess.heatmaps import decode_heatmaps
from zoo.runner.protocols import get_detection_protocol, get_keypoint_protocol
from zoo.runner.results import Detections
from zoo.runner.runner import make_detector, make_estimator
from zoo.runner.sessions.session import Arrays, Session


@dataclass(frozen=True, eq=False)
class Sample:
    """An image to compare on.

    Attributes:
        image: The image.
        boxes: ``(N, 4)`` x1, y1, x2, y2 of the persons in it, for pose models; None for the whole image.
    """

    image: ImageSource
    boxes: Doubles | None = None


@dataclass(frozen=True, eq=False)
class LayerOutputs:
    """Outputs of one format on each layer.

    Attributes:
        raw: Raw outputs of all images, concatenated; empty if the graph contains non-maximum suppression,
            which guarantees no order of its rows.
        decoded: ``(M, 2)`` points or ``(M, 4)`` boxes in network input pixels; None as for ``raw``.
        points: ``(M, 2)`` joints in image pixels; None for detectors.
        scores: ``(M,)`` scores of the joints; None for detectors.
        boxes: Final boxes of each image; empty for pose models.
    """

    raw: Arrays
    decoded: Doubles | None
    points: Doubles | None = None
    scores: Doubles | None = None
    boxes: tuple[Detections, ...] = ()

    @property
    def instances(self) -> int:
        """Number of persons or boxes."""
        if self.points is None:
            return sum(map(len, self.boxes))
        return int(next(iter(self.raw.values())).shape[0])


def record_layers(network: LoadedModel, samples: Sequence[Sample]) -> LayerOutputs:
    """Run a network on images and record the outputs of every layer.

    Args:
        network: The network.
        samples: The images.

    Raises:
        ZooError: As for ``PoseEstimator`` and ``Detector``.
    """
    recorder = _Recorder(network.session)
    recorded = with_session(network, recorder)
    if isinstance(network.entry.output, DetectionOutput):
        return _record_detector(recorded, recorder, network.entry.output, samples)
    return _record_pose(recorded, recorder, samples)


def without_argmax(layers: LayerOutputs) -> LayerOutputs:
    """Remove the arg-max output of a pose network, which follows from its heatmaps.

    Args:
        layers: Outputs of any network; those of a detector are returned unchanged.
    """
    return layers if layers.points is None else replace(layers, raw=dict([*layers.raw.items()][:1]))


def load_sample_image(sample: Sample) -> Image:
    """Decode the image of a sample once, so that every format gets the same pixels."""
    return as_image(sample.image, honor_exif=True)


class _Recorder:
    """A session that records its outputs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.inputs = session.inputs
        self.outputs = session.outputs
        self.engine = session.engine
        self.engine_version = session.engine_version
        self.threads = session.threads
        self.runs: list[Arrays] = []

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        outputs = self._session.run(feeds)
        self.runs.append(outputs)
        return outputs

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def concatenate(self) -> Arrays:
        """Concatenate each output over all runs."""
        return {name: np.concatenate([run[name] for run in self.runs]) for name in self.runs[0]}


def _record_pose(network: LoadedModel, recorder: _Recorder, samples: Sequence[Sample]) -> LayerOutputs:
    # One pass without suppression, so that the rows of all formats correspond.
    protocol = get_keypoint_protocol(network.entry).model_copy(update={"flip": False, "suppression": None})
    estimator = make_estimator(network, protocol)
    poses = [estimator(load_sample_image(sample), sample.boxes) for sample in samples]
    raw = recorder.concatenate()
    cells = decode_heatmaps(next(iter(raw.values())), protocol.decoder).points
    keypoints = np.concatenate([pose.keypoints for pose in poses]).reshape(-1, 3)
    decoded = cells.reshape(-1, 2) * estimator.output.stride
    return LayerOutputs(raw, decoded, keypoints[:, :2], keypoints[:, 2])


def _record_detector(
    network: LoadedModel, recorder: _Recorder, output: DetectionOutput, samples: Sequence[Sample]
) -> LayerOutputs:
    detector = make_detector(network, get_detection_protocol(network.entry).nms)
    boxes = tuple(detector(load_sample_image(sample)) for sample in samples)
    head = identify_head([value.shape for value in recorder.runs[0].values()], output)
    if head == "nms":
        return LayerOutputs({}, None, boxes=boxes)
    decoded = []
    for run in recorder.runs:
        values = list(run.values())
        # All boxes regardless of their score, so that the rows of all formats correspond.
        if head == "raw":
            decoded.append(decode_raw(values, network.entry.input, output, -np.inf).boxes)
        else:
            decoded.append(select_candidates(values[0], values[1], -np.inf).boxes)
    return LayerOutputs(recorder.concatenate(), np.concatenate(decoded).astype(np.float64), boxes=boxes)
