"""Contents of a published folder, recorded in a file in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import ValidationError, field_validator

from registry.errors import IntegrityError
from registry.schema import Container, Digest
from registry.schema.base import Model
from zoo._utils.cache_names import MANIFEST


class Origin(Model):
    """Source of a fetched artifact.

    Attributes:
        artifact: Entry, release and artifact, for example ``tinypose_128x96@2021/lite-arm-fp16``.
        canonical: Its first address in the catalog.
        url: The address it was downloaded from, redacted.
        container: Archive format.
        packed: Digest of the file as it was served.
        etag: The server's entity tag at that time.
        last_modified: The server's date of the file.
    """

    artifact: str
    canonical: str
    url: str
    container: Container
    packed: Digest
    etag: str | None = None
    last_modified: str | None = None


class Manifest(Model):
    """Content of a published folder.

    Attributes:
        version: Version of this format.
        origin: Source of a fetched artifact; None for a conversion.
        members: File below ``files/``, with forward slashes, to its digest.
        published: Time of publication, in UTC.
    """

    version: Literal[1] = 1
    origin: Origin | None
    members: dict[str, Digest]
    published: datetime

    @field_validator("members")
    @classmethod
    def _check_names(cls, members: Mapping[str, Digest]) -> Mapping[str, Digest]:
        for name in members:
            _check_name(name)
        return members

    def write(self, folder: Path) -> None:
        """Write it into a folder that is not published yet, and sync it."""
        with (folder / MANIFEST).open("x", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1, exclude_none=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _check_name(name: str) -> None:
    """Refuse a name that could lead out of the folder.

    Raises:
        ValueError: It is absolute, has a step up, or is not in its plain form.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or name == "." or "\0" in name:
        raise ValueError(f"{name!r} is not a path below the folder")
    if os.name == "nt" and any(character in name for character in "\\:"):
        raise ValueError(f"{name!r} is not a path below the folder")


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a published folder; None when the folder does not exist.

    Raises:
        IntegrityError: ``cache-damaged``: the folder exists, but no readable manifest.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        if not folder.exists():
            return None
        raise damaged(folder, "its manifest", "no file") from None
    except ValidationError as error:
        raise damaged(folder, "its manifest", str(error.errors()[0]["msg"])) from None


def damaged(path: Path, expected: str, found: str) -> IntegrityError:
    """Make the error for a published folder that changed."""
    return IntegrityError(
        "cache-damaged",
        f"{path} changed after it was stored",
        expected=expected,
        found=found,
        hint="zoo verify --repair",
    )
