"""The manifest of a bundle: ``bundle.json``, its first member.

A bundle is a tar of the published files as they were served (``files/`` and the path of their address) and of
conversions (``built/<key>/``). Equal content gives equal bytes: no times, no owners, sorted members.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from registry.errors import IntegrityError, UsageError
from registry.schema import Digest, Model
from zoo.artifacts.spec import ArtifactSpec

FORMAT: Final = "paddle-zoo-bundle"
VERSION: Final = 1
MANIFEST = "bundle.json"
FILES = "files"
BUILT = "built"
NEW_COPY_HINT = "copy the bundle again, and compare its SHA-256 with the one that zoo bundle create printed"


class BundledFile(Model):
    """A published file.

    Attributes:
        entry: ``name@release``.
        artifact: Name within the entry.
        url: Its address in the catalog.
        path: Its member of the tar.
        digest: Its digest.
    """

    entry: str
    artifact: str
    url: str
    path: str
    digest: Digest


class BundledConversion(Model):
    """An artifact that was converted from a published file.

    Attributes:
        entry: ``name@release``.
        spec: The artifact.
        start: Address of the published file it was converted from.
        keys: The conversions, in order; each is a folder below ``built/``.
    """

    entry: str
    spec: ArtifactSpec
    start: str
    keys: tuple[str, ...]


class BundleManifest(Model):
    """Content of ``bundle.json``.

    Attributes:
        format: ``paddle-zoo-bundle``.
        version: Version of this format.
        made_by: Version of paddle-zoo.
        published: Published files.
        built: Artifacts that were converted from them.
        members: Every other member to its digest.
    """

    format: Literal["paddle-zoo-bundle"] = FORMAT
    version: Literal[1] = VERSION
    made_by: Annotated[str, Field(pattern=r"^[ -~]{1,60}$")]
    published: tuple[BundledFile, ...]
    built: tuple[BundledConversion, ...]
    members: dict[str, Digest]

    def dump(self) -> bytes:
        """The manifest as bytes; equal manifests give equal bytes."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def parse_manifest(content: bytes, bundle: Path) -> BundleManifest:
    """Parse ``bundle.json``.

    Args:
        content: Its bytes.
        bundle: The bundle, for messages.

    Raises:
        UsageError: ``bundle-too-new``: a later version of paddle-zoo made it.
        IntegrityError: ``bundle-damaged``: it is not a valid manifest.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged_bundle(bundle, f"{MANIFEST} is not JSON: {error}") from None
    if isinstance(data, dict) and data.get("format") == FORMAT:
        version = data.get("version")
        if isinstance(version, int) and version > VERSION:
            raise UsageError(
                "bundle-too-new",
                f"{bundle} was made by a later version of paddle-zoo",
                expected=f"format {VERSION} or earlier",
                found=f"format {version}, made by {ascii(data.get('made_by'))[:40]}",
                done="nothing was imported",
                hint="pip install --upgrade paddle-zoo",
            )
    try:
        return BundleManifest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise damaged_bundle(bundle, f"{MANIFEST}: {field}: {first['msg']}") from None


def damaged_bundle(bundle: Path, found: str) -> IntegrityError:
    """The error for a bundle whose content does not match its manifest."""
    return IntegrityError(
        "bundle-damaged",
        f"{bundle} is damaged: its content does not match its manifest",
        found=found,
        done="nothing was imported",
        hint=NEW_COPY_HINT,
    )
