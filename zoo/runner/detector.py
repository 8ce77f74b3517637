"""Images in, boxes out."""

from __future__ import annotations

import numpy as np

from registry.schema.io import DetectionOutput, Input
from registry.schema.protocol import MulticlassNms
from zoo._utils.arrays import Array
from zoo.datasets.categories import find_person
from zoo.runner.images import ImageSource, as_image
from zoo.runner.postprocess.checks import check_finite
from zoo.runner.postprocess.heads import decode_detections
from zoo.runner.preprocess import Normalization, prepare_image
from zoo.runner.results import Detections
from zoo.runner.sessions.session import Session


class Detector:
    """A detection network as a callable.

    Args:
        session: The network; the caller closes it.
        spec: Input tensor for the image.
        output: Output contract of the network.
        nms: Suppression. Only its score threshold applies to a graph that contains NMS.
        normalization: Whether mean and deviation are applied here or inside the graph.
        honor_exif: Whether images read from files are rotated by their EXIF orientation.
    """

    def __init__(
        self,
        session: Session,
        spec: Input,
        output: DetectionOutput,
        nms: MulticlassNms,
        *,
        normalization: Normalization = "host",
        honor_exif: bool = True,
    ) -> None:
        self.session = session
        self.honor_exif = honor_exif
        self.output = output
        self._spec = spec
        self._nms = nms
        self._normalization = normalization

    @property
    def person(self) -> int | None:
        """Number of the person class; None when there is none."""
        return find_person(self.output.classes)

    def __call__(self, image: ImageSource) -> Detections:
        """Find boxes in one image.

        Args:
            image: Path, RGB array, PIL image or :class:`Image`.

        Raises:
            ConversionError: The engine failed, or its outputs are invalid or of another network.
            NotFoundError: The file does not exist.
            UsageError: The image cannot be read.
        """
        loaded = as_image(image, honor_exif=self.honor_exif)
        prepared = prepare_image(loaded, self._spec, self._normalization)
        feeds: dict[str, Array] = {self._spec.name: prepared.tensor}
        # Graphs that contain NMS scale boxes to image pixels first.
        extras = {
            "scale_factor": prepared.scale[None],
            "im_shape": np.array([prepared.tensor.shape[2:]], dtype=np.float32),
        }
        declared = {tensor.name for tensor in self.session.inputs}
        feeds |= {name: value for name, value in extras.items() if name in declared}
        outputs = list(self.session.run(feeds).values())
        check_finite(outputs)
        return decode_detections(outputs, self._spec, self.output, self._nms, prepared.scale)
