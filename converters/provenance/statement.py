"""Where a converted artifact came from, as an in-toto statement, and the key that names a conversion.

Both are pure functions of what went in and came out: no time, no host, no path, so that equal conversions
give equal bytes. Layouts: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
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
    """Frozen as all values; spelled in camel case in the file, as the two specifications do."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Digest(_Layout):
    """SHA-256 of a file, hexadecimal."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Subject(_Layout):
    """The artifact the statement is about: file name and digest."""

    name: str
    digest: Digest


class Dependency(_Layout):
    """Something that went into the artifact.

    Attributes:
        name: File name of an input, or package name of a tool.
        uri: Package URL of a tool, for example ``pkg:pypi/paddlelite@2.13rc0``; None for a file.
        digest: Digest of an input; None for a tool.
    """

    name: str
    uri: str | None = None
    digest: Digest | None = None


class Recipe(_Layout):
    """This project's own part in a conversion.

    Attributes:
        recipe: Its revision; None in statements of versions that did not number it.
        changes: What was changed in the model before the tool read it, to the number of places.
    """

    recipe: int | None = None
    changes: dict[str, int] = Field(default_factory=dict)


class BuildDefinition(_Layout):
    """What was done: kind of conversion, options, and everything that went in.

    Attributes:
        build_type: Kind of conversion.
        external_parameters: What was asked for.
        internal_parameters: What this project did on its own account.
        resolved_dependencies: Inputs and tools.
    """

    build_type: str
    external_parameters: dict[str, JsonValue]
    internal_parameters: Recipe = Recipe()
    resolved_dependencies: tuple[Dependency, ...]


class Builder(_Layout):
    """This project, in the version that ran."""

    id: str
    version: dict[str, str]


class RunDetails(_Layout):
    """Who did it."""

    builder: Builder


class Predicate(_Layout):
    """SLSA provenance, version 1."""

    build_definition: BuildDefinition
    run_details: RunDetails


class Provenance(_Layout):
    """In-toto statement, version 1, about one converted artifact."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=_STATEMENT, alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["https://slsa.dev/provenance/v1"] = _PREDICATE
    predicate: Predicate

    def to_bytes(self) -> bytes:
        """The file: canonical JSON and a line end."""
        return canonical_json(self.model_dump(mode="json", by_alias=True, exclude_none=True)) + b"\n"

    @property
    def conversion(self) -> str:
        """Kind of conversion, for example ``lite``."""
        return self.predicate.build_definition.build_type.rpartition("/")[2]

    @property
    def superseded(self) -> bool:
        """Whether it was made by another recipe than today's, so that no key leads to it any more."""
        recipe = self.predicate.build_definition.internal_parameters.recipe
        return (self.conversion, recipe) not in REVISIONS.items()

    def is_about(self, sha256: str) -> bool:
        """Whether the artifact with this digest is a subject."""
        return any(subject.digest.sha256 == sha256 for subject in self.subject)

    def about(self, digests: Mapping[str, str]) -> Provenance:
        """The same statement about several files, by name and SHA-256, that were made together."""
        subjects = tuple(Subject(name=name, digest=Digest(sha256=each)) for name, each in digests.items())
        return self.model_copy(update={"subject": subjects})


def conversion_key(
    kind: ConversionKind,
    *,
    inputs: Mapping[str, str],
    tools: Mapping[str, str],
    options: Mapping[str, JsonValue],
) -> str:
    """Name of a conversion: equal keys give equal bytes.

    Args:
        kind: Kind of conversion, by whose recipe it is made.
        inputs: Role of each input (``program``, ``params``, …) to its SHA-256. Roles, not file names: a
            renamed input is the same input.
        tools: Package to version, of those that shape the result.
        options: Everything that was asked for, defaults included.

    Returns:
        64 hexadecimal digits.
    """
    content: dict[str, JsonValue] = {
        "kind": kind,
        "recipe": REVISIONS[kind],
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
    """State how an artifact was made.

    Args:
        kind: As for ``conversion_key``.
        name: File name of the artifact.
        sha256: Its digest.
        inputs: File name of each input to its SHA-256.
        tools: Package to version, of all that took part; ``cpython`` is the interpreter.
        options: Everything that was asked for, defaults included.
        changes: What was changed in the model before the tool read it, to the number of places.
    """
    own = Recipe(recipe=REVISIONS[kind], changes=dict(changes or {}))
    files = [Dependency(name=file, digest=Digest(sha256=value)) for file, value in sorted(inputs.items())]
    packages = [
        Dependency(name=tool, uri=_package_url(tool, version)) for tool, version in sorted(tools.items())
    ]
    return Provenance(
        subject=(Subject(name=name, digest=Digest(sha256=sha256)),),
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
    """Where the provenance of an artifact lies: beside it."""
    return artifact.with_name(artifact.name + SUFFIX)


def write_provenance(artifact: Path, statement: Provenance) -> Path:
    """Write the provenance beside an artifact; the path of what was written."""
    return publish_bytes(statement.to_bytes(), provenance_path(artifact))


def read_provenance(artifact: Path) -> Provenance:
    """The provenance beside an artifact.

    Raises:
        NotFoundError: There is none.
        IntegrityError: It cannot be understood.
    """
    path = provenance_path(artifact)
    try:
        return Provenance.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            "provenance-not-found",
            f"{artifact} has no provenance",
            expected=str(path),
            hint="convert it again to get one: zoo convert --help",
        ) from error
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            "provenance-unreadable",
            f"{path} is no provenance this project writes",
            found=str(error).splitlines()[0],
            done="nothing was changed",
            hint="convert the artifact again, which writes a new one: zoo convert --help",
        ) from error


def _package_url(package: str, version: str) -> str:
    # https://github.com/package-url/purl-spec: interpreters have no type of their own.
    kind = "generic" if package == "cpython" else "pypi"
    return f"pkg:{kind}/{package}@{version}"
