"""Schema of a pipeline: two models with figures that apply to their combination."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from registry.schema.base import CatalogModel, Line, Text
from registry.schema.conflict import Conflict
from registry.schema.entry import Entry, Name, Release
from registry.schema.figures import Accuracy, Latency
from registry.schema.protocol import PipelineProtocol, PrivateProtocol

EntryId = Annotated[
    str, Field(pattern=r"^(?:[a-z0-9_]+\.)?[a-z0-9]+(?:_[a-z0-9]+)*@[0-9A-Za-z][0-9A-Za-z.\-]*$")
]


class Pipeline(CatalogModel):
    """A detector and the pose model that runs on its boxes.

    Attributes:
        kind: ``pipeline``.
        name: Name that users type, unique together with ``release`` among pipelines and models.
        release: Upstream's release that the figures belong to.
        default: Whether the name without a release refers to this release.
        title: Upstream's display name.
        task: Task of the pipeline.
        family: Model family of the pose model, for filters.
        detector: Entry that detects the persons, ``name@release``.
        pose: Entry that detects their joints, ``name@release``.
        persons: Number of persons in the images of the measurement: 1, or up to this many.
        accuracy: Published accuracy of both models together.
        latency: Published latency of both models together, with scope ``pipeline``.
        license: SPDX identifier.
        conflicts: Subjects on which upstream contradicts itself.
        notes: Other information for users.
    """

    kind: Literal["pipeline"]
    name: Name
    release: Release
    default: bool = True
    title: Line
    task: Literal["keypoint_detection"]
    family: Name
    detector: EntryId
    pose: EntryId
    persons: Annotated[int, Field(ge=1)]
    accuracy: tuple[Accuracy, ...] = ()
    latency: tuple[Latency, ...] = ()
    license: Line
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check_figures(self) -> Pipeline:
        allowed = (PipelineProtocol, PrivateProtocol)
        if not all(isinstance(figure.protocol, allowed) for figure in self.accuracy):
            raise ValueError("the accuracy of a pipeline needs a protocol of kind pipeline or private")
        if any(figure.scope != "pipeline" for figure in self.latency):
            raise ValueError("the latency of a pipeline needs the scope pipeline")
        return self

    @property
    def id(self) -> str:
        """Name and release, unique in a catalog."""
        return f"{self.name}@{self.release}"


CatalogItem = Entry | Pipeline
"""An entry of a catalog: a model or a pipeline."""
