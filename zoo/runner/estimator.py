"""Images and person boxes in, keypoints out."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from registry.errors import ConversionError
from registry.schema.io import HeatmapOutput, Input
from registry.schema.protocol import Crop, KeypointProtocol
from zoo._utils.arrays import Array, Doubles, Floats
from zoo.runner.geometry import map_from_heatmap
from zoo.runner.images import Image, ImageSource, as_image
from zoo.runner.postprocess.checks import check_finite, check_indices
from zoo.runner.postprocess.heatmaps import average_with_mirrored, decode_heatmaps
from zoo.runner.postprocess.poses import joint_sigmas, rescore_poses, suppress_poses
from zoo.runner.preprocess import Normalization, PoseInput, prepare_persons
from zoo.runner.results import Poses
from zoo.runner.sessions.session import Session

_LARGEST_BATCH = 16


class PoseEstimator:
    """A pose network as a callable: it locates the joints of persons whose boxes are known.

    ``prepare``, ``heatmaps`` and ``finish`` are public, so that an evaluation can fill batches across images.

    Args:
        session: The network; the caller closes it.
        spec: Input tensor for the image.
        output: Output contract of the network.
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
        # A model exported with a fixed batch extent takes that many persons per run.
        shape = session.inputs[0].shape
        self._batch = shape[0] if shape and shape[0] is not None else _LARGEST_BATCH

    def __call__(self, image: ImageSource, boxes: Array | None = None, scores: Array | None = None) -> Poses:
        """Locate joints in one image.

        Args:
            image: Path, RGB array, PIL image or :class:`Image`.
            boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels; the whole image when None.
            scores: ``(N,)`` scores of the boxes; 1 when None.

        Returns:
            A pose per box in the order of the boxes, scored by the mean of its joints. Under a protocol with
            suppression: the poses that remain, best first, scored by box and visible joints.

        Raises:
            ConversionError: The engine failed, or its outputs are invalid or of another network.
            NotFoundError: The file does not exist.
            UsageError: The image cannot be read, the boxes are invalid, or the protocol suppresses poses with
                joints that COCO does not have (``joint-sigma-unknown``).
        """
        loaded = as_image(image, honor_exif=self.protocol.honor_exif)
        if boxes is None:
            prepared = self._prepare_whole(loaded)
            boxes = np.array([[0, 0, loaded.width, loaded.height]])
        else:
            prepared = self.prepare(loaded, boxes)
        if scores is None:
            scores = np.ones(len(prepared.regions))
        return self.finish(self.heatmaps(prepared.tensor), prepared, boxes, scores)

    def prepare(self, image: Image, boxes: Array) -> PoseInput:
        """Crop the persons out of an image.

        Args:
            image: The image.
            boxes: ``(N, 4)`` x1, y1, x2, y2 in image pixels.
        """
        return prepare_persons(image, boxes, self._spec, self.protocol.crop, self._normalization)

    def _prepare_whole(self, image: Image) -> PoseInput:
        # The whole image is not a detector's box: it is neither enlarged nor clipped.
        whole = Crop(aspect="both", expand=1, border="black", udp=self.protocol.crop.udp)
        box = np.array([[0, 0, image.width, image.height]])
        return prepare_persons(image, box, self._spec, whole, self._normalization)

    def heatmaps(self, tensor: Floats) -> Floats:
        """Run the network, and average with the mirrored input if the protocol uses a flip test.

        Args:
            tensor: ``(N, 3, height, width)``, normalized.

        Returns:
            ``(N, J, rows, columns)``.
        """
        maps = self._run(tensor)
        if not self.protocol.flip:
            return maps
        mirrored = self._run(np.ascontiguousarray(tensor[..., ::-1]))
        return average_with_mirrored(maps, mirrored, self.output.flip_pairs or ())

    def finish(self, maps: Floats, prepared: PoseInput, boxes: Array, scores: Array) -> Poses:
        """Decode, project back to the image, score and suppress.

        Args:
            maps: Heat maps of the persons of one image.
            prepared: Result of :meth:`prepare` for these persons.
            boxes: ``(N, 4)`` boxes of the persons.
            scores: ``(N,)`` scores of the boxes.
        """
        peaks = decode_heatmaps(maps, self.protocol.decoder)
        cells = map_from_heatmap(prepared.regions, self.protocol.decoder, (maps.shape[3], maps.shape[2]))
        points = cells.apply(peaks.points)
        rule = self.protocol.suppression
        # Without suppression there is no rescoring either: upstream's deployment returns the mean.
        total = rescore_poses(scores, peaks.scores, rule.visibility) if rule else peaks.scores.mean(axis=1)
        keypoints = np.concatenate([points, peaks.scores[:, :, None]], axis=2)
        corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        poses = Poses(keypoints, total.astype(np.float64), corners, prepared.regions.areas)
        if not rule:
            return poses
        return poses.select(suppress_poses(points, total, poses.areas, rule, self._sigmas))

    @cached_property
    def _sigmas(self) -> Doubles:
        # Only suppression needs them: a network with joints that COCO does not have can run without it.
        return joint_sigmas(self.output.joints)

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
                "the network's first output does not have the shape of this entry's heat maps",
                expected=str(list(expected)),
                found=str(list(maps.shape)),
                hint="check that the file belongs to this entry: zoo inspect FILE",
            )
        check_finite([maps])
        if len(outputs) > 1:
            check_indices(outputs[1], (maps.shape[3], maps.shape[2]))
        return np.asarray(maps, dtype=np.float32)
