"""Reserved places in the cache: the caller fills or verifies one, then publishes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from registry.schema import Digest


@dataclass(frozen=True)
class StoredArtifact:
    """A verified artifact in the cache.

    Attributes:
        path: The file, or the folder that directly holds the files of an inference model.
        digest: SHA-256 and size of the packed file as it was served.
        from_cache: Whether nothing was downloaded.
        url: The address it was downloaded from, redacted.
    """

    path: Path
    digest: Digest
    from_cache: bool
    url: str


class ArtifactSlot:
    """An artifact that is being fetched. Its lock is held as long as the slot is open.

    Args:
        path: The unverified file or folder, private to this process; of a cached artifact, its path.
        stored: The artifact, when the cache has it already.
        publish: Moves the files to their final path.
    """

    def __init__(
        self, path: Path, stored: StoredArtifact | None, publish: Callable[[], StoredArtifact] | None = None
    ) -> None:
        self.path = path
        self.stored = stored
        self._publish = publish

    def publish(self) -> StoredArtifact:
        """Publish the files, once the caller has verified them."""
        if self.stored is None:
            assert self._publish is not None
            self.stored = self._publish()
        return self.stored


class ConversionSlot:
    """The place of a conversion's files. Its lock is held as long as the slot is open.

    Args:
        folder: An empty folder to fill; of a cached conversion, the folder with its files.
        publish: Moves the folder to its final path; None when the cache has it already.
    """

    def __init__(self, folder: Path, publish: Callable[[], Path] | None = None) -> None:
        self.folder = folder
        self.cached = publish is None
        self._publish = publish

    def publish(self) -> Path:
        """Publish the files in ``folder``, which then has its final path."""
        if self._publish is not None:
            self.folder, self._publish = self._publish(), None
        return self.folder
