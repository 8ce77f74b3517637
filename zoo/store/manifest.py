"""What a published folder consists of, written beside its files."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from registry.errors import IntegrityError
from registry.schema import Container, Digest
from registry.schema.base import Model
from zoo.store.layout import FILES, MANIFEST


class Origin(Model):
    """Where a fetched artifact came from.

    Attributes:
        artifact: Entry, release and artifact, for example ``tinypose_128x96@2021/lite-arm-fp16``.
        canonical: Its first address in the catalog.
        url: The address it really came from, masked.
        container: How it was packed.
        packed: Digest of the file as it was served.
        etag: Entity tag at that time.
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
        origin: Where it was fetched; None for what was built here.
        members: File below ``files/``, with forward slashes, to its digest.
        published: When, in UTC.
    """

    version: Literal[1] = 1
    origin: Origin | None
    members: dict[str, Digest]
    published: datetime

    def write(self, folder: Path) -> None:
        """Writes it into a folder that is still private to its maker, and syncs it."""
        with (folder / MANIFEST).open("x", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1, exclude_none=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a published folder, None when the folder is not there.

    Raises:
        IntegrityError: ``store-damaged``: the folder is there, a readable manifest is not.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        if not folder.exists():
            return None
        raise damaged(folder, "its manifest", "no file") from None
    except ValidationError as error:
        raise damaged(folder, "its manifest", str(error.errors()[0]["msg"])) from None


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Compares the files' sizes with the manifest: what a warm start can afford.

    Raises:
        IntegrityError: ``store-damaged``: a file is missing or has another size.
    """
    for name, digest in manifest.members.items():
        path = folder / FILES / name
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise damaged(path, f"{digest.size} bytes", "no file") from None
        if size != digest.size:
            raise damaged(path, f"{digest.size} bytes", f"{size} bytes")


def damaged(path: Path, expected: str, found: str) -> IntegrityError:
    """The error for a published folder that is no longer what was published."""
    return IntegrityError(
        "store-damaged",
        f"{path} changed after it was stored",
        expected=expected,
        found=found,
        hint="zoo verify",
    )
