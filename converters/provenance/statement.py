"""Provenance of a converted artifact as an in-toto statement, and the cache key of a conversion.

Both are pure functions of inputs and outputs, without time, host or path, so that equal conversions give
equal bytes. Layouts: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.0/provenance.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from converters.fs.atomic import canonical_json, publish_bytes
from converters.provenance.revisions import REVISIONS, ConversionKind
from registry.errors import IntegrityError, NotFoundError
from registry.schema.base import Model

SUFFIX = ".provenance.json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://slsa.dev/provenance/v1"
_BUILDER = "pkg:pypi/paddle-zoo"


class _Layout(Model):
    """Base class: frozen, with the camel-case field names of the two specifications in the file."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Digest(_Layout):
    """SHA-256 of a file, hexadecimal."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Subject(_Layout):
    """An artifact that the statement describes: file name and digest."""

    name: str
    digest: Digest


class Dependency(_Layout):
    """An input of the conversion, or a tool that took part.

    Attributes:
        name: File name of an input, or package name of a tool.
        uri: Package URL of a tool, for example ``pkg:pypi/paddlelite@2.13rc0``; None for a file.
        digest: Digest of an input; None for a tool.
    """

    name: str
    uri: str | None = None
    digest: Digest | None = None


class InternalParameters(_Layout):
    """The part of this project's own code in a conversion.

    Attributes:
        revision: Revision of the code, from ``REVISIONS``; None in statements of versions without one.
        changes: Edit made to the model before the tool read it, to the number of operators it applies to.
    """

    revision: int | None = None
    changes: dict[str, int] = Field(default_factory=dict)


class BuildDefinition(_Layout):
    """Kind of conversion, options, inputs and tools.

    Attributes:
        build_type: Kind of conversion.
        external_parameters: The requested options.
        internal_parameters: Revision and edits of this project's own code.
        resolved_dependencies: Inputs and tools.
    """

    build_type: str
    external_parameters: dict[str, JsonValue]
    internal_parameters: InternalParameters = InternalParameters()
    resolved_dependencies: tuple[Dependency, ...]


class Builder(_Layout):
    """This project and its version."""

    id: str
    version: dict[str, str]


class RunDetails(_Layout):
    """The builder that ran the conversion."""

    builder: Builder


class Predicate(_Layout):
    """SLSA provenance, version 1."""

    build_definition: BuildDefinition
    run_details: RunDetails


class Provenance(_Layout):
    """In-toto statement, version 1, for one converted artifact."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=_STATEMENT, alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["https://slsa.dev/provenance/v1"] = _PREDICATE
    predicate: Predicate

    def to_bytes(self) -> bytes:
        """Return the content of the file: canonical JSON and a newline."""
        return canonical_json(self.model_dump(mode="json", by_alias=True, exclude_none=True)) + b"\n"

    @property
    def conversion(self) -> str:
        """Kind of conversion, for example ``lite``."""
        return self.predicate.build_definition.build_type.rpartition("/")[2]

    @property
    def superseded(self) -> bool:
        """Whether the conversion has another revision than the current one, so that no key matches it."""
        revision = self.predicate.build_definition.internal_parameters.revision
        return (self.conversion, revision) not in REVISIONS.items()

    def is_about(self, sha256: str) -> bool:
        """Tell whether the artifact with this digest is a subject."""
        return any(subject.digest.sha256 == sha256 for subject in self.subject)

    def about(self, digests: Mapping[str, str]) -> Provenance:
        """Return the statement with several subjects, given by name and SHA-256."""
        subjects = tuple(
            Subject(name=_as_text(name), digest=Digest(sha256=each)) for name, each in digests.items()
        )
        return self.model_copy(update={"subject": subjects})


def conversion_key(
    kind: ConversionKind,
    *,
    inputs: Mapping[str, str],
    tools: Mapping[str, str],
    options: Mapping[str, JsonValue],
) -> str:
    """Compute the cache key of a conversion: equal keys give equal bytes.

    Args:
        kind: Kind of conversion.
        inputs: Role of each input (``program``, ``params``, …) to its SHA-256. Roles and not file names,
            because a renamed input is the same input.
        tools: Package to version, for the packages that affect the output.
        options: All options, defaults included.

    Returns:
        64 hexadecimal digits.
    """
    content: dict[str, JsonValue] = {
        "kind": kind,
        "revision": REVISIONS[kind],
        "inputs": dict(inputs),
        "tools": dict(tools),
        "options": dict(options),
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def provenance(
    kind: ConversionKind,
    *,
    name: str,
    sha256: str,
    inputs: Mapping[str, str],
    tools: Mapping[str, str],
    options: Mapping[str, JsonValue],
    changes: Mapping[str, int] | None = None,
) -> Provenance:
    """Create the provenance of an artifact.

    Args:
        kind: As for ``conversion_key``.
        name: File name of the artifact.
        sha256: Digest of the artifact.
        inputs: File name of each input to its SHA-256.
        tools: Package to version, of all packages that took part; ``cpython`` is the interpreter.
        options: All options, defaults included.
        changes: Edit made to the model before the tool read it, to the number of operators it applies to.
    """
    own = InternalParameters(revision=REVISIONS[kind], changes=dict(changes or {}))
    files = [
        Dependency(name=_as_text(file), digest=Digest(sha256=value)) for file, value in sorted(inputs.items())
    ]
    packages = [
        Dependency(name=tool, uri=_package_url(tool, version)) for tool, version in sorted(tools.items())
    ]
    return Provenance(
        subject=(Subject(name=_as_text(name), digest=Digest(sha256=sha256)),),
        predicate=Predicate(
            build_definition=BuildDefinition(
                build_type=f"{_BUILDER}#conversion/{kind}",
                external_parameters=dict(options),
                internal_parameters=own,
                resolved_dependencies=(*files, *packages),
            ),
            run_details=RunDetails(
                builder=Builder(id=_BUILDER, version={"paddle-zoo": importlib.metadata.version("paddle-zoo")})
            ),
        ),
    )


def provenance_path(artifact: Path) -> Path:
    """Return the path of the provenance of an artifact, in the same folder."""
    return artifact.with_name(artifact.name + SUFFIX)


def write_provenance(artifact: Path, statement: Provenance) -> Path:
    """Write the provenance of an artifact and return its path."""
    return publish_bytes(statement.to_bytes(), provenance_path(artifact))


def read_provenance(artifact: Path) -> Provenance:
    """Read the provenance of an artifact.

    Raises:
        NotFoundError: ``provenance-not-found``.
        IntegrityError: ``provenance-unreadable``.
    """
    path = provenance_path(artifact)
    try:
        return Provenance.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            "provenance-not-found",
            f"{artifact} has no provenance",
            expected=str(path),
            hint="convert the artifact again, which writes it: zoo convert --help",
        ) from error
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            "provenance-unreadable",
            f"{path} is not a provenance file of this project",
            found=str(error).splitlines()[0],
            done="nothing was changed",
            hint="convert the artifact again, which replaces it: zoo convert --help",
        ) from error


def _as_text(name: str) -> str:
    # A file name may hold bytes that are not UTF-8, which Python represents as surrogates and JSON cannot.
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _package_url(package: str, version: str) -> str:
    # https://github.com/package-url/purl-spec has no type for interpreters.
    kind = "generic" if package == "cpython" else "pypi"
    return f"pkg:{kind}/{package}@{version}"
