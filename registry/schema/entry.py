"""A zoo entry: one trained model with everything a user needs to decide, fetch and reproduce."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from registry.choices import Head, Precision, Target
from registry.schema.architecture import Architecture
from registry.schema.artifact import Artifact, ArtifactKind, Url
from registry.schema.base import Model
from registry.schema.conflict import Conflict
from registry.schema.figures import Accuracy, Complexity, Latency
from registry.schema.io import Input, Output
from registry.schema.protocol import PipelineProtocol, Tolerance
from registry.schema.source import Source

Task = Literal["keypoint_detection", "keypoint_detection_3d", "object_detection"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", max_length=80)]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", max_length=40)]
Release = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]


class TrainingSet(Model):
    """Data a model was trained on.

    Attributes:
        name: Data set.
        split: Part of it, where upstream says.
        url: Annotations as upstream trained on them, where they are published.
        source: Where upstream says so.
    """

    name: str
    split: str | None = None
    url: Url | None = None
    source: Source


class Entry(Model):
    """One model of the zoo.

    Attributes:
        kind: ``model``; may be left out in a file.
        name: Unique together with ``release``; what users type. The namespace of its catalog, where that
            has one, stands before it with a dot.
        release: Upstream's release the numbers and files belong to.
        default: Whether the bare name means this release.
        title: Upstream's display name.
        task: What the model does.
        family: Model family, for filters.
        architecture: Architecture; None where it is not modeled (the entry can be fetched, not rebuilt).
        input: Image tensor.
        output: What the model hands out.
        accuracy: Published accuracy figures.
        latency: Published latency figures.
        complexity: Published sizes.
        training: Training data.
        tolerances: Bounds for parity between formats.
        license: SPDX identifier.
        artifacts: Published files; empty for a recipe that upstream never released weights for.
        conflicts: Points in which upstream contradicts itself.
        notes: What a reader must know besides.
    """

    kind: Literal["model"] = "model"
    name: Name
    release: Release
    default: bool = True
    title: str
    task: Task
    family: Name
    architecture: Architecture | None
    input: Input
    output: Output
    accuracy: tuple[Accuracy, ...] = ()
    latency: tuple[Latency, ...] = ()
    complexity: tuple[Complexity, ...] = ()
    training: tuple[TrainingSet, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    license: str
    artifacts: tuple[Artifact, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct_artifacts(self) -> Entry:
        ids = [artifact.id for artifact in self.artifacts]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(
                f"artifacts must differ in kind, target, precision, head or variant: {', '.join(twice)}"
            )
        return self

    @model_validator(mode="after")
    def _known_successors(self) -> Entry:
        ids = {artifact.id for artifact in self.artifacts if artifact.status == "current"}
        for artifact in self.artifacts:
            if artifact.superseded_by not in {None, *ids}:
                raise ValueError(
                    f"{artifact.id} is superseded_by {artifact.superseded_by!r}, which is none of the "
                    f"current artifacts: {', '.join(sorted(ids))}"
                )
        return self

    @model_validator(mode="after")
    def _alone(self) -> Entry:
        if any(isinstance(figure.protocol, PipelineProtocol) for figure in self.accuracy):
            raise ValueError("a figure measured behind a detector belongs to an entry of kind pipeline")
        return self

    @property
    def id(self) -> str:
        """Name and release, unique in a catalog."""
        return f"{self.name}@{self.release}"

    @property
    def short_id(self) -> str:
        """The shortest name: without the release if the name alone means this release."""
        return self.name if self.default else self.id

    def artifact(
        self,
        kind: ArtifactKind,
        precision: Precision | None = None,
        target: Target | None = None,
        head: Head | None = None,
    ) -> Artifact | None:
        """The current artifact of that kind, or None when nothing of the kind was published.

        Args:
            kind: What it is.
            precision: Restricts to a precision; None takes any.
            target: Restricts to a target; None takes any.
            head: Restricts to what a detector's graph hands out; None takes any.
        """
        for artifact in self.artifacts:
            wanted = artifact.kind == kind and artifact.picked_by_default
            wanted = wanted and precision in (None, artifact.precision) and head in (None, artifact.head)
            if wanted and target in (None, artifact.target):
                return artifact
        return None
