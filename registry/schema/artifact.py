"""Files that belong to an entry: where they are, what they must be."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from registry.choices import Head, Precision, Target
from registry.schema.base import Model
from registry.schema.source import Source

ArtifactKind = Literal[
    "config", "weights", "inference", "lite", "onnx", "mnn", "openvino", "ncnn", "tflite", "log"
]
Container = Literal["file", "tar", "tar.gz", "zip"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("a catalog URL must be https and name a host")
    if parts.username or parts.password:
        raise ValueError("a catalog URL must not carry credentials")
    return url


Url = Annotated[str, AfterValidator(_https)]


def _relative(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise ValueError("a member is a relative path below the archive's root")
    return name


MemberName = Annotated[str, AfterValidator(_relative)]


class Digest(Model):
    """SHA-256 and size of one file.

    Attributes:
        sha256: Lower-case hexadecimal digest.
        size: Bytes.
    """

    sha256: Sha256
    size: NonNegativeInt


class Artifact(Model):
    """One published file or archive of an entry.

    Attributes:
        kind: What it is.
        precision: Arithmetic precision it was published as; None where it does not apply (configs, weights).
        target: Processor family, for Lite files.
        container: How it is packed.
        urls: Addresses in order of preference.
        digest: Digest of the packed file, when known. Upstream publishes none.
        members: Digests of single files inside the archive, by base name, when known.
        normalization: Whether ``(x * scale - mean) / std`` happens on the host or inside the graph;
            ``unknown`` where only the file itself can tell.
        head: For detectors, what the graph hands out.
        runtime: Version bound of the runtime that loads it, as published.
        variant: Name of a further build of the same thing, published elsewhere; never picked by default.
        status: ``current``, or ``superseded`` / ``suspect``: never picked by default.
        superseded_by: Id of the artifact of the same entry that took its place.
        source: Where upstream lists the address.
        note: What a reader must know besides.
    """

    kind: ArtifactKind
    precision: Precision | None = None
    target: Target | None = None
    container: Container = "file"
    urls: tuple[Url, ...] = Field(min_length=1)
    digest: Digest | None = None
    members: dict[MemberName, Digest] = Field(default_factory=dict)
    normalization: Literal["host", "in_graph", "unknown"] | None = None
    head: Head | None = None
    runtime: str | None = None
    variant: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None
    status: Literal["current", "superseded", "suspect"] = "current"
    superseded_by: str | None = None
    source: Source
    note: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Artifact:
        if self.kind == "lite" and (self.target is None or self.precision is None):
            raise ValueError("a lite artifact needs a target and a precision")
        if self.kind == "onnx" and self.precision is None:
            raise ValueError("an onnx artifact needs a precision")
        if self.kind != "lite" and self.target is not None:
            raise ValueError("only a lite artifact has a target")
        if self.kind in ("inference", "lite", "onnx") and self.normalization is None:
            raise ValueError(f"a {self.kind} artifact must say where normalization happens")
        return self

    @model_validator(mode="after")
    def _accountable(self) -> Artifact:
        if self.status == "superseded" and self.superseded_by is None:
            raise ValueError("a superseded artifact names what it is superseded_by")
        if self.status == "current" and self.superseded_by is not None:
            raise ValueError("only a superseded or suspect artifact has superseded_by")
        if self.status == "suspect" and self.note is None:
            raise ValueError("a suspect artifact says in its note why")
        return self

    @property
    def id(self) -> str:
        """Name of the artifact within its entry, for example ``lite-arm-fp16``."""
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
        """Whether it may answer a request that does not name it."""
        return self.status == "current" and self.variant is None
