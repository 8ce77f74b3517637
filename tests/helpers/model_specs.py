"""Specs of the shipped catalog for the two models that the tests run, and variations of them."""

from __future__ import annotations

import registry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import DetectionProtocol, KeypointProtocol

_CATALOG = registry.load()
_POSE = _CATALOG.get("tinypose_128x96")
_DETECTOR = _CATALOG.get("picodet_s_192_pedestrian")
assert isinstance(_POSE.output, HeatmapOutput)
assert isinstance(_DETECTOR.output, DetectionOutput)
assert isinstance(_POSE.accuracy[0].protocol, KeypointProtocol)
assert isinstance(_DETECTOR.accuracy[0].protocol, DetectionProtocol)

POSE_INPUT = _POSE.input
HEATMAPS = _POSE.output
JOINTS = HEATMAPS.joints
PAIRS = HEATMAPS.flip_pairs
MEAN, STD = POSE_INPUT.mean, POSE_INPUT.std

DETECTOR_INPUT = _DETECTOR.input
RAW_BOXES = _DETECTOR.output

POSE_PROTOCOL = _POSE.accuracy[0].protocol
EVALUATION_CROP = POSE_PROTOCOL.crop
DARK = POSE_PROTOCOL.decoder
ARGMAX = DARK.model_copy(update={"method": "argmax"})

# The reference figures of the tests include the images without persons.
DETECTION_PROTOCOL = _DETECTOR.accuracy[0].protocol.model_copy(update={"empty_images": True})
EVALUATION_NMS = DETECTION_PROTOCOL.nms
