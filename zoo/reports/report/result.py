"""Everything a report says, as values."""

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


class Machine(Model):
    """What everything was measured on.

    Attributes:
        system: Operating system.
        architecture: Processor family.
        processor: Processor, as the system calls it.
        processors: Processors this process may use.
        python: Version of the running interpreter.
        version: Version of paddle-zoo.
    """

    system: str
    architecture: str
    processor: str
    processors: int
    python: str
    version: str


class FileDigest(Model):
    """One file of an artifact.

    Attributes:
        name: File name.
        size: Bytes.
        sha256: Of its content.
    """

    name: str
    size: int
    sha256: str


class ArtifactReport(Model):
    """What an artifact is and how it was made.

    Attributes:
        origin: ``published``: upstream's file. ``built``: converted here.
        url: Where the published file it is, or is made from, came from.
        published_sha256: Digest of that published file, as it was served.
        size: Bytes of all its files.
        files: Its files.
        proof: What the bytes say: maker, target, precision.
        tools: Package to version, of all that took part in its conversion; empty where it is published.
        inputs: File name to digest, of what it was converted from.
        options: What the converter was told.
    """

    origin: Literal["published", "built"]
    url: str
    published_sha256: str
    size: int
    files: tuple[FileDigest, ...]
    proof: str
    tools: dict[str, str] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    options: dict[str, JsonValue] = Field(default_factory=dict)


class FormatReport(Model):
    """One format of an entry; what is missing has its reason in place of its value.

    Attributes:
        format: One of ``zoo.artifacts.formats.ROWS``.
        artifact: The file.
        no_artifact: Why there is none.
        validation: Accuracy.
        no_validation: Why it was not measured.
        network: Latency of the network alone.
        pipeline: Latency with pre- and post-processing.
        no_latency: Why it was not measured.
        parity: The comparison with the inference model; None for that itself.
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
        """Median of the network alone, in milliseconds."""
        return self.network.summary.p50 if self.network and self.network.summary else None


class SampleImage(Model):
    """An image with what was found drawn on it.

    Attributes:
        caption: Which image, what ran, where the boxes came from.
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
        entry: What the catalog says.
        complexity: Its network's size, computed from the network; None where that is not modeled.
        formats: One a format, in the order of ``zoo.artifacts.formats.ROWS``.
        reference: Engine that formats are compared with; None where nothing was compared.
        no_parity: Why nothing was compared.
        compared: Images that formats were compared on.
        found: Persons or boxes found in them.
        plan: How often latency was measured.
        published: Latencies published with the scope of the network alone. Other devices: for orientation,
            not for comparison.
        images: Annotated pictures.
        no_images: Why there are none.
    """

    entry: Entry
    complexity: Complexity | None
    formats: tuple[FormatReport, ...]
    reference: str | None = None
    no_parity: str | None = None
    compared: int = 0
    found: int = 0
    plan: Plan
    published: tuple[Latency, ...]
    images: tuple[SampleImage, ...]
    no_images: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no published figure fails, and no format differs or failed."""
        held = all(row.validation.verdict.met for row in self.formats if row.validation)
        return held and all(row.parity.holds for row in self.formats if row.parity)


class ReportResult(Model):
    """A report.

    Attributes:
        made: When, in UTC.
        command: What to type to get it again.
        machine: What everything was measured on.
        entries: One an entry.
    """

    made: datetime
    command: str
    machine: Machine
    entries: tuple[EntryReport, ...]

    @property
    def passed(self) -> bool:
        """Whether no published figure fails, and no format differs or failed."""
        return all(report.passed for report in self.entries)
