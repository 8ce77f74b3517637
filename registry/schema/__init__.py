"""The typed schema of the registry."""

from registry.schema.artifact import Artifact, ArtifactKind, Container, Digest, Precision, Target
from registry.schema.base import Model
from registry.schema.entry import Entry, Task, TrainingSet
from registry.schema.figures import Accuracy, Complexity, Latency
from registry.schema.io import DetectionOutput, HeatmapOutput, Input, Output
from registry.schema.network import ESNet, LCNet, LiteHRNet, Network, PicoDet
from registry.schema.protocol import (
    Crop,
    DetectionProtocol,
    HeatmapDecoder,
    KeypointProtocol,
    MulticlassNms,
    OksSuppression,
    Protocol,
    Tolerance,
)
from registry.schema.source import Source

__all__ = [
    "Accuracy",
    "Artifact",
    "ArtifactKind",
    "Complexity",
    "Container",
    "Crop",
    "DetectionOutput",
    "DetectionProtocol",
    "Digest",
    "ESNet",
    "Entry",
    "HeatmapDecoder",
    "HeatmapOutput",
    "Input",
    "KeypointProtocol",
    "LCNet",
    "Latency",
    "LiteHRNet",
    "Model",
    "MulticlassNms",
    "Network",
    "OksSuppression",
    "Output",
    "PicoDet",
    "Precision",
    "Protocol",
    "Source",
    "Target",
    "Task",
    "Tolerance",
    "TrainingSet",
]
