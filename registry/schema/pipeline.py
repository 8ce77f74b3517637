"""A published pair of models, with figures that hold for the pair only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from registry.schema.base import Model
from registry.schema.conflict import Conflict
from registry.schema.entry import Entry, Name, Release
from registry.schema.figures import Accuracy, Latency
from registry.schema.protocol import PipelineProtocol, PrivateProtocol

EntryId = Annotated[
    str, Field(pattern=r"^(?:[a-z0-9_]+\.)?[a-z0-9]+(?:_[a-z0-9]+)*@[0-9A-Za-z][0-9A-Za-z.\-]*$")
]


class Pipeline(Model):
    """A detector and the pose model behind it.

    Attributes:
        kind: ``pipeline``.
        name: Unique together with ``release``, among models too.
        release: Upstream's release the figures belong to.
        default: Whether the bare name means this release.
        title: Upstream's display name.
        task: What the pair does.
        family: Model family of the pose model, for filters.
        detector: The entry that finds the persons, ``name@release``.
        pose: The entry that finds their joints, ``name@release``.
        persons: What the figures were measured for: images of one person, or of up to this many.
        accuracy: Published joint accuracy.
        latency: Published latency of both together, scope ``pipeline``.
        license: SPDX identifier.
        conflicts: Points in which upstream contradicts itself.
        notes: What a reader must know besides.
    """

    kind: Literal["pipeline"]
    name: Name
    release: Release
    default: bool = True
    title: str
    task: Literal["keypoint_detection"]
    family: Name
    detector: EntryId
    pose: EntryId
    persons: Annotated[int, Field(ge=1)]
    accuracy: tuple[Accuracy, ...] = ()
    latency: tuple[Latency, ...] = ()
    license: str
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _joint_figures(self) -> Pipeline:
        joint = (PipelineProtocol, PrivateProtocol)
        if not all(isinstance(figure.protocol, joint) for figure in self.accuracy):
            raise ValueError("the accuracy of a pipeline has a protocol of kind pipeline or private")
        if any(figure.scope != "pipeline" for figure in self.latency):
            raise ValueError("the latency of a pipeline has the scope pipeline")
        return self

    @property
    def id(self) -> str:
        """Name and release, unique in a catalog."""
        return f"{self.name}@{self.release}"


CatalogItem = Entry | Pipeline
"""An entry of a catalog: a model or a pipeline."""
