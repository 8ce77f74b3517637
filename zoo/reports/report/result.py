"""The contents of a report as values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from converters.networks.measured import Complexity
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.figures import Latency
from zoo.evaluation.accuracy import Validation
from zoo.evaluation.latency import Plan, Timing
from zoo.evaluation.parity import FormatParity
from zoo.measurements.machine import Machine


class FileDigest(Model):
    """One file of an artifact.

    Attributes:
        name: File name.
        size: Bytes.
        sha256: SHA-256 of its content.
    """

    name: str
    size: int
    sha256: str


class ArtifactReport(Model):
    """Description and provenance of an artifact.

    Attributes:
        origin: ``published``: upstream's file. ``built``: converted locally. ``local``: on disk.
        url: URL of the published file, or of the published file it was converted from.
        published_sha256: SHA-256 of that published file as served.
        size: Size of all its files in bytes.
        files: Its files.
        contents: Tool, target and precision that the inspection found.
        tools: Package name to version of the tools that converted it; empty if it is published.
        inputs: File name to SHA-256 of the files it was converted from.
        options: Options of the conversion.
    """

    origin: Literal["published", "built", "local"]
    url: str
    published_sha256: str
    size: int
    files: tuple[FileDigest, ...]
    contents: str
    tools: dict[str, str] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    options: dict[str, JsonValue] = Field(default_factory=dict)


class FormatReport(Model):
    """One format of an entry; a missing value has a reason.

    Attributes:
        format: One of ``zoo.artifacts.formats.ROWS``.
        artifact: The artifact.
        no_artifact: Reason why there is none.
        validation: Accuracy.
        no_validation: Reason why it was not measured.
        network: Latency of the network only.
        pipeline: Latency with preprocessing and postprocessing.
        no_latency: Reason why it was not measured.
        parity: Comparison with the inference model; None for the inference model itself.
    """

    format: str
    artifact: ArtifactReport | None = None
    no_artifact: str | None = None
    validation: Validation | None = None
    no_validation: str | None = None
    network: Timing | None = None
    pipeline: Timing | None = None
    no_latency: str | None = None
    parity: FormatParity | None = None

    @property
    def latency(self) -> float | None:
        """Median latency of the network only, in milliseconds."""
        return self.network.summary.p50 if self.network and self.network.summary else None


class SampleImage(Model):
    """An image with the results drawn on it.

    Attributes:
        caption: Name of the image, the engine, and the source of the boxes.
        width: Columns in pixels.
        height: Rows in pixels.
        jpeg: The image, in base64.
    """

    caption: str
    width: int
    height: int
    jpeg: str


class EntryReport(Model):
    """One entry.

    Attributes:
        entry: The catalog entry.
        complexity: Size of its network, computed from the architecture; None if that is not modeled.
        formats: One per format, in the order of ``zoo.artifacts.formats.ROWS``.
        reference: Engine of the inference model; None if nothing was compared.
        no_parity: Reason why nothing was compared.
        compared_images: Number of images of the comparison.
        instances: Number of persons or boxes that the reference found in them.
        plan: Scope and number of runs of the latency measurement.
        published: Published latencies of the network only, on other devices: for orientation only.
        images: Annotated images.
        no_images: Reason why there are none.
    """

    entry: Entry
    complexity: Complexity | None
    formats: tuple[FormatReport, ...]
    reference: str | None = None
    no_parity: str | None = None
    compared_images: int = 0
    instances: int = 0
    plan: Plan
    published: tuple[Latency, ...]
    images: tuple[SampleImage, ...]
    no_images: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no accuracy contradicts a published figure and no format differs or failed."""
        accuracy = all(row.validation.verdict.passed for row in self.formats if row.validation)
        return accuracy and all(row.parity.passed for row in self.formats if row.parity)


class ReportResult(Model):
    """A report.

    Attributes:
        created: Time of the report, in UTC.
        command: Command that creates it again.
        machine: The machine of the measurements.
        entries: One per entry.
    """

    created: datetime
    command: str
    machine: Machine
    entries: tuple[EntryReport, ...]

    @property
    def passed(self) -> bool:
        """Whether no accuracy contradicts a published figure and no format differs or failed."""
        return all(report.passed for report in self.entries)
