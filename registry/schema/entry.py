"""Schema of a model: everything needed to choose, download and reproduce it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from registry.choices import Head, Precision, Target
from registry.schema.architecture import Architecture
from registry.schema.artifact import Artifact, ArtifactKind, Url
from registry.schema.base import CatalogModel, Line, Text
from registry.schema.conflict import Conflict
from registry.schema.figures import Accuracy, Complexity, Latency
from registry.schema.io import Input, Output
from registry.schema.protocol import PipelineProtocol, Tolerance
from registry.schema.source import Source

Task = Literal["keypoint_detection", "keypoint_detection_3d", "object_detection"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", max_length=80)]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", max_length=40)]
Release = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]


class TrainingSet(CatalogModel):
    """A data set that a model was trained on.

    Attributes:
        name: Name of the data set.
        split: Split of it, if upstream states it.
        url: URL of the annotations upstream trained on, if published.
        source: Where upstream states it.
    """

    name: Line
    split: Line | None = None
    url: Url | None = None
    source: Source


class Entry(CatalogModel):
    """One model.

    Attributes:
        kind: ``model``; optional in a file.
        name: Name that users type, unique together with ``release``. If the catalog has a namespace, the
            name is prefixed with it and a dot.
        release: Upstream's release that the numbers and files belong to.
        default: Whether the name without a release refers to this release.
        title: Upstream's display name.
        task: Task of the model.
        family: Model family, for filters.
        architecture: Network architecture; None if it is not modeled: then the entry can be downloaded, but
            not rebuilt from weights.
        input: Input tensor and preprocessing.
        output: Outputs of the model.
        accuracy: Published accuracy figures.
        latency: Published latency figures.
        complexity: Published numbers of parameters and operations.
        training: Training data.
        tolerances: Largest allowed differences between the formats of the model.
        license: SPDX identifier.
        artifacts: Published files; empty for a training recipe whose weights upstream never released.
        conflicts: Subjects on which upstream contradicts itself.
        notes: Other information for users.
    """

    kind: Literal["model"] = "model"
    name: Name
    release: Release
    default: bool = True
    title: Line
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
    license: Line
    artifacts: tuple[Artifact, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check_artifact_ids(self) -> Entry:
        ids = [artifact.id for artifact in self.artifacts]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(
                f"artifacts must differ in kind, target, precision, head or variant: {', '.join(twice)}"
            )
        return self

    @model_validator(mode="after")
    def _check_successors(self) -> Entry:
        ids = {artifact.id for artifact in self.artifacts if artifact.status == "current"}
        for artifact in self.artifacts:
            if artifact.superseded_by not in {None, *ids}:
                raise ValueError(
                    f"superseded_by of {artifact.id} is {artifact.superseded_by!r}, which is none of the "
                    f"current artifacts: {', '.join(sorted(ids))}"
                )
        return self

    @model_validator(mode="after")
    def _check_protocols(self) -> Entry:
        if any(isinstance(figure.protocol, PipelineProtocol) for figure in self.accuracy):
            raise ValueError("a figure with a protocol of kind pipeline belongs to an entry of kind pipeline")
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
        """Return the default artifact of a kind, or None if none was published.

        Args:
            kind: Format or role of the file.
            precision: Required precision; None accepts any.
            target: Required target; None accepts any.
            head: Required outputs of a detector's graph; None accepts any.
        """
        for artifact in self.artifacts:
            matches = artifact.kind == kind and artifact.picked_by_default
            matches = matches and precision in (None, artifact.precision) and head in (None, artifact.head)
            if matches and target in (None, artifact.target):
                return artifact
        return None
