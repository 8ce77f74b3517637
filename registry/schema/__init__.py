"""The typed schema of the registry."""

from registry.choices import Head, Precision, Target
from registry.schema.architecture import (
    Architecture,
    ESNet,
    LCNet,
    LiteHRNet,
    MobileNetV3Large,
    PicoDet,
    ResNet18Vd,
    ShuffleNetV2,
)
from registry.schema.artifact import Artifact, ArtifactKind, Container, Digest
from registry.schema.base import Model
from registry.schema.conflict import Claim, Conflict
from registry.schema.entry import Entry, Task, TrainingSet
from registry.schema.figures import Accuracy, Complexity, Latency
from registry.schema.io import CoordinatesOutput, DetectionOutput, HeatmapOutput, Input, Output
from registry.schema.pipeline import CatalogItem, Pipeline
from registry.schema.protocol import (
    Crop,
    DetectionProtocol,
    HeatmapDecoder,
    KeypointProtocol,
    MulticlassNms,
    OksSuppression,
    PipelineProtocol,
    PrivateProtocol,
    Protocol,
    StatedProtocol,
    Tolerance,
)
from registry.schema.source import Source

__all__ = [
    "Accuracy",
    "Architecture",
    "Artifact",
    "ArtifactKind",
    "CatalogItem",
    "Claim",
    "Complexity",
    "Conflict",
    "Container",
    "CoordinatesOutput",
    "Crop",
    "DetectionOutput",
    "DetectionProtocol",
    "Digest",
    "ESNet",
    "Entry",
    "Head",
    "HeatmapDecoder",
    "HeatmapOutput",
    "Input",
    "KeypointProtocol",
    "LCNet",
    "Latency",
    "LiteHRNet",
    "MobileNetV3Large",
    "Model",
    "MulticlassNms",
    "OksSuppression",
    "Output",
    "PicoDet",
    "Pipeline",
    "PipelineProtocol",
    "Precision",
    "PrivateProtocol",
    "Protocol",
    "ResNet18Vd",
    "ShuffleNetV2",
    "Source",
    "StatedProtocol",
    "Target",
    "Task",
    "Tolerance",
    "TrainingSet",
]
