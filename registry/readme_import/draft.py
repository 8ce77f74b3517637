"""What a document states about a model: an entry with only the fields that stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.choices import Head, Precision, Target
from registry.readme_import.cells import Size
from registry.readme_import.links import Place
from registry.readme_import.markdown import Issue, Page
from registry.schema.artifact import ArtifactKind, Container
from registry.schema.base import Model
from registry.schema.entry import Task
from registry.schema.source import Source


class Figure(Model):
    """A stated accuracy; ``private`` says that its data is the publisher's own."""

    metric: Literal["AP", "mAP", "AP50"]
    value: float
    private: bool
    source: Source


class Time(Model):
    """A stated latency; what the document does not say is None."""

    milliseconds: float
    device: str | None
    engine: str | None
    threads: int | None
    architecture: str | None
    precision: Precision | None
    persons: int | None
    scope: Literal["network", "pipeline"]
    source: Source


class Amounts(Model):
    """Stated sizes, in millions."""

    parameters: float | None
    flops: float | None
    source: Source


class File(Model):
    """A stated file.

    Attributes:
        kind: What it is.
        precision: Arithmetic precision, where stated.
        target: Processor family, of Lite files.
        container: How it is packed.
        url: Where it is; a repository path where the document's own place is not known.
        head: What a detector's graph hands out, where stated.
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
    """What a document states about one model, or about one pair of models.

    Attributes:
        kind: ``model`` or ``pipeline``.
        name: From the name of its file; of a pair, from those of its models.
        release: As the caller says.
        title: As printed.
        task: What it does, by its table.
        height: Input rows.
        width: Input columns.
        detector: Of a pair, the name of the detector.
        pose: Of a pair, the name of the pose model.
        persons: Of a pair, how many people it was measured for.
        accuracy: Stated accuracy.
        latency: Stated latency.
        complexity: Stated sizes.
        artifacts: Stated files.
        line: Where its row stands.
        further_lines: Where rows stand that continue it, in tables of deployment files.
        doubts: What a person should look at, in words.
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
    accuracy: tuple[Figure, ...] = ()
    latency: tuple[Time, ...] = ()
    complexity: tuple[Amounts, ...] = ()
    artifacts: tuple[File, ...] = ()
    line: int
    further_lines: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[int, ...]:
        """Every line the draft was read from."""
        return (self.line, *self.further_lines)

    @property
    def size(self) -> Size | None:
        """Input size."""
        return Size(self.height, self.width) if self.height and self.width else None


@dataclass(frozen=True)
class ImportedDocument:
    """What a document came to.

    Attributes:
        place: Where it stands.
        page: Its text and tables.
        drafts: Models and pipelines, in the order of their rows.
        doubts: Everything doubtful, in the order of lines.
        left_out: Titles of rows that link no file.
    """

    place: Place
    page: Page
    drafts: tuple[Draft, ...]
    issues: tuple[Issue, ...]
    left_out: tuple[str, ...]
