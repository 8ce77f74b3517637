"""Published files of an entry: their URLs, formats and digests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from registry.choices import Head, Precision, Target
from registry.schema.base import CatalogModel, Line, RelativePath, Text
from registry.schema.source import Source
from registry.url_check import check_https_url

ArtifactKind = Literal[
    "config", "weights", "inference", "lite", "onnx", "mnn", "openvino", "ncnn", "tflite", "log"
]
Container = Literal["file", "tar", "tar.gz", "zip"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


Url = Annotated[str, AfterValidator(check_https_url)]


class Digest(CatalogModel):
    """SHA-256 and size of one file.

    Attributes:
        sha256: Lower-case hexadecimal digest.
        size: Bytes.
    """

    sha256: Sha256
    size: NonNegativeInt


class Artifact(CatalogModel):
    """One published file or archive of an entry.

    Attributes:
        kind: Format or role of the file.
        precision: Precision it was published with; None for formats without one (configs, weights).
        target: Processor family; only for Paddle-Lite files.
        container: Archive format, or ``file`` for a file that is not archived.
        urls: URLs in order of preference; all must be https.
        digest: SHA-256 and size of the published file (the archive, if it is one), if known. Upstream
            publishes none.
        members: SHA-256 and size of files inside the archive, by base name, if known.
        normalization: Where ``(x * scale - mean) / std`` is computed: on the ``host`` or ``in_graph``;
            ``unknown`` if only the file can tell.
        head: Outputs of a detector's graph: ``raw`` levels, decoded ``boxes``, or boxes after ``nms``.
        runtime: Version requirement of the runtime that loads it, as published.
        variant: Name of another build of the same artifact, published elsewhere; never selected by default.
        status: ``current``; or ``superseded`` or ``suspect``, which are never selected by default.
        superseded_by: Id of the artifact of the same entry that replaces it.
        source: Where upstream lists the URL.
        note: Other information for users.
    """

    kind: ArtifactKind
    precision: Precision | None = None
    target: Target | None = None
    container: Container = "file"
    urls: tuple[Url, ...] = Field(min_length=1)
    digest: Digest | None = None
    members: dict[RelativePath, Digest] = Field(default_factory=dict)
    normalization: Literal["host", "in_graph", "unknown"] | None = None
    head: Head | None = None
    runtime: Line | None = None
    variant: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None
    status: Literal["current", "superseded", "suspect"] = "current"
    superseded_by: Line | None = None
    source: Source
    note: Text | None = None

    @model_validator(mode="after")
    def _check_fields_of_kind(self) -> Artifact:
        if self.kind == "lite" and (self.target is None or self.precision is None):
            raise ValueError("a lite artifact needs a target and a precision")
        if self.kind == "onnx" and self.precision is None:
            raise ValueError("an onnx artifact needs a precision")
        if self.kind != "lite" and self.target is not None:
            raise ValueError("only a lite artifact may have a target")
        if self.kind in ("inference", "lite", "onnx") and self.normalization is None:
            raise ValueError(f"a {self.kind} artifact needs the field normalization")
        return self

    @model_validator(mode="after")
    def _check_status(self) -> Artifact:
        if self.status == "superseded" and self.superseded_by is None:
            raise ValueError("a superseded artifact needs the field superseded_by")
        if self.status == "current" and self.superseded_by is not None:
            raise ValueError("only a superseded or suspect artifact may have the field superseded_by")
        if self.status == "suspect" and self.note is None:
            raise ValueError("a suspect artifact needs a note with the reason")
        return self

    @property
    def id(self) -> str:
        """Id of the artifact within its entry, for example ``lite-arm-fp16``."""
        precision = self.precision if self.kind != "inference" else None
        parts: list[str | None] = [self.kind, self.target, precision]
        if self.kind in ("inference", "onnx", "lite") and self.head not in (None, "raw"):
            parts.append(self.head)
        parts.append(self.variant)
        if self.status != "current":
            parts.append(self.status)
        return "-".join(part for part in parts if part)

    @property
    def picked_by_default(self) -> bool:
        """Whether a request that does not name the artifact may select it."""
        return self.status == "current" and self.variant is None
