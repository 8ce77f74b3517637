"""Drafts of entries: only the fields that a document states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.choices import Head, Precision, Target
from registry.readme_import.cells import Size
from registry.readme_import.links import DocumentLocation
from registry.readme_import.markdown import Issue, Page
from registry.schema.artifact import ArtifactKind, Container
from registry.schema.base import Model
from registry.schema.entry import Task
from registry.schema.source import Source


class DraftAccuracy(Model):
    """A stated accuracy; ``private`` if it was measured on unpublished data."""

    metric: Literal["AP", "mAP", "AP50"]
    value: float
    private: bool
    source: Source


class DraftLatency(Model):
    """A stated latency; conditions that the document does not state are None."""

    milliseconds: float
    device: str | None
    engine: str | None
    threads: int | None
    architecture: str | None
    precision: Precision | None
    persons: int | None
    scope: Literal["network", "pipeline"]
    source: Source


class DraftComplexity(Model):
    """Stated numbers of parameters and operations, in millions."""

    parameters: float | None
    flops: float | None
    source: Source


class DraftFile(Model):
    """A stated file.

    Attributes:
        kind: Format or role of the file.
        precision: Precision, if stated.
        target: Processor family, for Paddle-Lite files.
        container: Archive format.
        url: URL; a path in the repository if the revision of the document is unknown.
        head: Outputs of a detector's graph, if stated.
        source: Where it is stated.
    """

    kind: ArtifactKind
    precision: Precision | None
    target: Target | None
    container: Container
    url: str
    head: Head | None
    source: Source


class Draft(Model):
    """The fields of a model or pipeline that a document states.

    Attributes:
        kind: ``model`` or ``pipeline``.
        name: Name derived from its file; of a pipeline, from the names of its models.
        release: Release that the caller states.
        title: Title as printed.
        task: Task, derived from the columns of its table.
        height: Input height.
        width: Input width.
        detector: Of a pipeline, the name of the detector.
        pose: Of a pipeline, the name of the pose model.
        persons: Of a pipeline, the number of persons in the images of the measurement.
        accuracy: Stated accuracy.
        latency: Stated latency.
        complexity: Stated numbers of parameters and operations.
        artifacts: Stated files.
        line: Line of its row.
        further_lines: Lines of rows that continue it, in tables of deployment files.
        issues: Doubtful places in its rows, as text.
    """

    kind: Literal["model", "pipeline"] = "model"
    name: str
    release: str | None
    title: str
    task: Task | None
    height: int | None = None
    width: int | None = None
    detector: str | None = None
    pose: str | None = None
    persons: int | None = None
    accuracy: tuple[DraftAccuracy, ...] = ()
    latency: tuple[DraftLatency, ...] = ()
    complexity: tuple[DraftComplexity, ...] = ()
    artifacts: tuple[DraftFile, ...] = ()
    line: int
    further_lines: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[int, ...]:
        """All lines that the draft was read from."""
        return (self.line, *self.further_lines)

    @property
    def size(self) -> Size | None:
        """Input size."""
        return Size(self.height, self.width) if self.height and self.width else None


@dataclass(frozen=True)
class ImportedDocument:
    """Result of importing a document.

    Attributes:
        location: Location of the document.
        page: Text and tables.
        drafts: Models and pipelines, in the order of their rows.
        issues: Doubtful places, in the order of lines.
        skipped: Titles of rows without a linked file.
    """

    location: DocumentLocation
    page: Page
    drafts: tuple[Draft, ...]
    issues: tuple[Issue, ...]
    skipped: tuple[str, ...]
