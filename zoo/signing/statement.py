"""The signed statement: digests of all files, when it was signed, and until when it is valid.

Its predicate is that of OpenSSF Model Signing, so that other verifiers accept it; they ignore the validity,
which is in a field of its own. A provenance file is an in-toto statement already and is signed as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from converters.fs.atomic import sha256_of
from registry.errors import UsageError
from registry.schema.base import Model
from zoo.signing.envelope import invalid

PREDICATE: Final = "https://model_signing/signature/v1.0"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
ITSELF = "."
"""Name of the only resource of a signed file."""

IGNORED = (".git", ".gitattributes", ".github", ".gitignore")
"""Names below a signed folder that Model Signing leaves out by default."""


class _Layout(Model):
    """Base class: fields of other implementations are ignored."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Resource(_Layout):
    """A signed file.

    Attributes:
        name: Path below the folder; ``.`` for a single file.
        algorithm: Hash algorithm.
        digest: Digest, hexadecimal.
    """

    name: str
    algorithm: Literal["sha256"] = "sha256"
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class Validity(_Layout):
    """When a statement was signed, and until when it is valid.

    Attributes:
        signed: Time of the signature; a later one replaces an earlier one.
        expires: End of the validity; None for no end.
    """

    signed: AwareDatetime
    expires: AwareDatetime | None = None


class _Predicate(_Layout):
    """Predicate of OpenSSF Model Signing, version 1, with the validity."""

    serialization: Mapping[str, object]
    resources: tuple[Resource, ...]
    validity: Validity | None = Field(default=None, alias="paddle_zoo")


class _Subject(_Layout):
    """Name and digest of the whole."""

    name: str
    digest: Mapping[str, str]


class Statement(_Layout):
    """An in-toto statement about a file or a folder.

    Attributes:
        type: Kind and version of the statement.
        subject: Name and digest of the whole.
        predicate_type: Kind of the predicate.
        predicate: Files and validity.
    """

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT, alias="_type")
    subject: tuple[_Subject, ...] = Field(min_length=1, max_length=1)
    predicate_type: Literal["https://model_signing/signature/v1.0"] = Field(
        default=PREDICATE, alias="predicateType"
    )
    predicate: _Predicate

    @property
    def digests(self) -> dict[str, str]:
        """Name of each resource to its SHA-256."""
        return {resource.name: resource.digest for resource in self.predicate.resources}

    @property
    def validity(self) -> Validity | None:
        """The validity; None in a statement of another program."""
        return self.predicate.validity

    def to_bytes(self) -> bytes:
        """The statement in JSON."""
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(data, indent=2, sort_keys=True).encode()


def describe_path(path: Path, *, signed: datetime, expires: datetime | None) -> Statement:
    """The statement about a file or a folder.

    Args:
        path: The file or folder.
        signed: Time of the signature.
        expires: End of the validity.

    Raises:
        UsageError: ``not-signable``: the folder is empty, or contains a link or a special file.
    """
    digests = digests_of(path)
    resources = tuple(Resource(name=name, digest=digest) for name, digest in sorted(digests.items()))
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": list(IGNORED),
    }
    return Statement(
        subject=(_Subject(name=path.resolve().name, digest={"sha256": _root_digest(resources)}),),
        predicate=_Predicate(
            serialization=serialization,
            resources=resources,
            validity=Validity(signed=signed, expires=expires),
        ),
    )


def parse_statement(payload: bytes, path: Path | str) -> Statement:
    """Parse a verified statement.

    Args:
        payload: The statement.
        path: The signature file, for messages.

    Raises:
        IntegrityError: ``signature-invalid``: another kind of statement, or an inconsistent one.
    """
    try:
        statement = Statement.model_validate_json(payload)
    except ValidationError:
        raise invalid(path, "its statement is not one of OpenSSF Model Signing") from None
    resources = statement.predicate.resources
    consistent = statement.subject[0].digest.get("sha256") == _root_digest(resources)
    if not consistent or not resources or len(statement.digests) != len(resources):
        raise invalid(path, "its statement contradicts itself")
    return statement


def digests_of(path: Path) -> dict[str, str]:
    """Name of each signed file to its SHA-256.

    Args:
        path: A file, or a folder.

    Raises:
        UsageError: As for :func:`describe_path`.
    """
    if path.is_file():
        return {ITSELF: sha256_of(path)}
    found = {}
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not _ignored(Path(folder) / name, path)]
        for name in (*folders, *names):
            each = Path(folder) / name
            if each.is_symlink() or not (each.is_dir() or each.is_file()):
                raise _not_signable(path, f"{each.relative_to(path).as_posix()} is a link or a special file")
        for name in names:
            each = Path(folder) / name
            if not _ignored(each, path):
                found[each.relative_to(path).as_posix()] = sha256_of(each)
    if not found:
        raise _not_signable(path, "it contains no file")
    return found


def _ignored(path: Path, root: Path) -> bool:
    return path.parent == root and path.name in IGNORED


def _root_digest(resources: tuple[Resource, ...]) -> str:
    whole = hashlib.sha256()
    for resource in resources:
        whole.update(bytes.fromhex(resource.digest))
    return whole.hexdigest()


def now() -> datetime:
    """The present time, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def _not_signable(path: Path, reason: str) -> UsageError:
    return UsageError(
        "not-signable",
        f"{path} cannot be signed: {reason}",
        expected="a file, or a folder of plain files",
        hint=f"ls -la {path}",
    )
