"""Images and person boxes in, key points out."""

from __future__ import annotations

import numpy as np

from registry.errors import ConversionError
from registry.schema.io import HeatmapOutput, Input
from registry.schema.protocol import Crop, KeypointProtocol
from zoo._utils.arrays import Array, Floats
from zoo.runner.geometry import from_heatmap
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.postprocess.checks import check_finite, check_indices
from zoo.runner.postprocess.heatmaps import average_with_mirrored, decode
from zoo.runner.postprocess.poses import rescored, suppressed
from zoo.runner.preprocess import Normalization, PoseInput, prepare_persons
from zoo.runner.results import Poses
from zoo.runner.sessions.session import Session

_LARGEST_BATCH = 16


class PoseEstimator:
    """Finds the joints of persons whose boxes are known.

    The three steps are public on their own, so that an evaluation can fill batches across photos.

    Args:
        session: The network; closing it stays with the caller.
        spec: Its image tensor.
        output: What it hands out.
        protocol: Crop, flip, decoder and suppression to execute.
        normalization: Whether mean and deviation are applied here or inside the graph.
    """

    def __init__(
        self,
        session: Session,
        spec: Input,
        output: HeatmapOutput,
        protocol: KeypointProtocol,
        *,
        normalization: Normalization = "host",
    ) -> None:
        self.session = session
        self.output = output
        self.protocol = protocol
        self._spec = spec
        self._normalization = normalization
        # An export without an open batch extent takes persons one by one.
        shape = session.inputs[0].shape
        self._batch = shape[0] if shape and shape[0] is not None else _LARGEST_BATCH

    def __call__(self, image: ImageSource, boxes: Array | None = None, scores: Array | None = None) -> Poses:
        """Find joints in one picture.

        Args:
            image: Path, RGB array, PIL image or photo.
            boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels; the whole image when None.
            scores: ``(N,)`` scores of the boxes; 1 when None.

        Returns:
            A pose per box in the order of the boxes, scored by the mean of its joints. Where the protocol
            suppresses, the poses that stay, best first, scored by box and visible joints.

        Raises:
            ConversionError: The engine failed, or its outputs are garbage or another network's.
            NotFoundError: There is no such file.
            UsageError: The image cannot be read, or the boxes make no sense.
        """
        photo = as_image(image, honor_exif=self.protocol.honor_exif)
        if boxes is None:
            prepared = self._prepare_whole(photo)
            boxes = np.array([[0, 0, photo.width, photo.height]])
        else:
            prepared = self.prepare(photo, boxes)
        if scores is None:
            scores = np.ones(len(prepared.regions))
        return self.finish(self.heatmaps(prepared.tensor), prepared, boxes, scores)

    def prepare(self, photo: Image, boxes: Array) -> PoseInput:
        """Cut the persons out of a photo.

        Args:
            photo: The photo.
            boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels.
        """
        return prepare_persons(photo, boxes, self._spec, self.protocol.crop, self._normalization)

    def _prepare_whole(self, photo: Image) -> PoseInput:
        # An image is no detector's box: there is nothing to enlarge and nothing beyond it.
        whole = Crop(aspect="both", expand=1, border="black", udp=self.protocol.crop.udp)
        box = np.array([[0, 0, photo.width, photo.height]])
        return prepare_persons(photo, box, self._spec, whole, self._normalization)

    def heatmaps(self, tensor: Floats) -> Floats:
        """Run the network; where the protocol says so, on the mirrored input too.

        Args:
            tensor: ``(N, 3, height, width)``, normalized.

        Returns:
            ``(N, J, rows, columns)``.
        """
        maps = self._run(tensor)
        if not self.protocol.flip:
            return maps
        mirrored = self._run(np.ascontiguousarray(tensor[..., ::-1]))
        return average_with_mirrored(maps, mirrored, self.output.flip_pairs)

    def finish(self, maps: Floats, prepared: PoseInput, boxes: Array, scores: Array) -> Poses:
        """Decode, project back to the image, score and suppress.

        Args:
            maps: Heat maps of the persons of one photo.
            prepared: What :meth:`prepare` returned for them.
            boxes: ``(N, 4)`` their boxes.
            scores: ``(N,)`` scores of the boxes.
        """
        peaks = decode(maps, self.protocol.decoder)
        cells = from_heatmap(prepared.regions, self.protocol.decoder, (maps.shape[3], maps.shape[2]))
        points = cells.apply(peaks.points)
        rule = self.protocol.suppression
        # Where nothing is suppressed nothing is rescored either: upstream's deployment hands out the mean.
        total = rescored(scores, peaks.scores, rule.visibility) if rule else peaks.scores.mean(axis=1)
        keypoints = np.concatenate([points, peaks.scores[:, :, None]], axis=2)
        corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        poses = Poses(keypoints, total.astype(np.float64), corners, prepared.regions.areas)
        return poses.chosen(suppressed(points, total, poses.areas, rule)) if rule else poses

    def _run(self, tensor: Floats) -> Floats:
        parts = [
            self._run_batch(tensor[start : start + self._batch])
            for start in range(0, len(tensor), self._batch)
        ]
        stride = self.output.stride
        shape = (0, len(self.output.joints), self._spec.height // stride, self._spec.width // stride)
        return np.concatenate(parts) if parts else np.zeros(shape, dtype=np.float32)

    def _run_batch(self, tensor: Floats) -> Floats:
        outputs = list(self.session.run({self._spec.name: tensor}).values())
        maps = outputs[0]
        stride = self.output.stride
        expected = (
            len(tensor),
            len(self.output.joints),
            tensor.shape[2] // stride,
            tensor.shape[3] // stride,
        )
        if maps.shape != expected:
            raise ConversionError(
                "output-shape",
                "the network's first output is not the heat maps of this entry",
                expected=str(list(expected)),
                found=str(list(maps.shape)),
                hint="check that the file belongs to this entry: zoo inspect FILE",
            )
        check_finite([maps])
        if len(outputs) > 1:
            check_indices(outputs[1], (maps.shape[3], maps.shape[2]))
        return np.asarray(maps, dtype=np.float32)
