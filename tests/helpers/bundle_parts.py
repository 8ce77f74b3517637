"""Takes bundles apart and writes modified ones, for tests."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.errors import (
    IntegrityError,
    ZooError,
)
from zoo.api.transfer import import_bundle
from zoo.artifacts.spec import FetchOptions
from zoo.settings import Settings
from zoo.transfer.bundle_import import ImportedArtifact

REQUEST = FetchOptions(weights=True, onnx="fp32")


@dataclass
class Parts:
    """The members of a bundle, for writing a modified one."""

    members: dict[str, bytes]

    @property
    def manifest(self) -> Any:
        return json.loads(self.members["bundle.json"])

    def change_manifest(self, change: Callable[[Any], None]) -> None:
        manifest = self.manifest
        change(manifest)
        self.members["bundle.json"] = json.dumps(manifest).encode()

    def replace(self, name: str, data: bytes) -> None:
        """New bytes for a member, and a manifest with their digest."""
        digest = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        self.members[name] = data

        def change(manifest: Any) -> None:
            manifest["members"][name] = digest
            for item in manifest["published"]:
                if item["path"] == name:
                    item["digest"] = digest

        self.change_manifest(change)

    def find(self, ending: str) -> str:
        return next(name for name in self.members if name.endswith(ending))

    def write(self, path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            for name, data in self.members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return path


def import_trusted(path: Path, settings: Settings) -> tuple[ImportedArtifact, ...]:
    """Import a bundle whose digest is known to be right."""
    return import_bundle(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), settings=settings)


def refused(
    path: Path,
    settings: Settings,
    kind: type[ZooError] = IntegrityError,
    importer: Callable[[Path, Settings], object] = lambda path, settings: import_bundle(
        path, settings=settings
    ),
) -> str:
    """The error code of a refused import; checks that the store is unchanged."""
    with pytest.raises(kind) as caught:
        importer(path, settings)
    left = [
        file for file in settings.cache.rglob("*") if file.is_file() and file.suffix not in (".lock", ".TAG")
    ]
    assert left == []
    return caught.value.code


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
