"""Arguments of a fetch."""

from __future__ import annotations

from dataclasses import dataclass, field

from registry.lock import Lock
from registry.schema import Artifact, Entry
from zoo._utils.progress import NoProgress, Note, Progress, discard_note
from zoo.archive.limits import Limits
from zoo.download.policy import RetryPolicy


@dataclass(frozen=True)
class RemoteSource:
    """Servers and mirrors that files may be downloaded from.

    Attributes:
        mirrors: Base addresses, each of which replaces scheme and host of every address; tried in order.
        offline: Whether network access is forbidden.
        policy: Retry policy and timeouts.
        limits: Bounds on downloads and archives.
        display_as: Recorded as a file's source in place of its address, for a temporary source.
    """

    mirrors: tuple[str, ...] = ()
    offline: bool = False
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    display_as: str | None = None


@dataclass(frozen=True)
class FetchRequest:
    """One artifact to fetch.

    Attributes:
        entry: The entry it belongs to.
        artifact: The artifact.
        source: Where it may be downloaded from.
        pins: The project's lock.
        locked: Whether the project's lock must name the artifact; every byte is hashed then.
        accept: Fetch again and replace the recorded digest. A digest in the catalog still binds.
        packed: Whether the archive as it was served must be in the cache, too.
        reread: Whether every byte of a cached copy is hashed.
        progress: Progress bar.
        note: Receives messages about retries, waits and damage.
    """

    entry: Entry
    artifact: Artifact
    source: RemoteSource = field(default_factory=RemoteSource)
    pins: Lock = field(default_factory=Lock)
    locked: bool = False
    accept: bool = False
    packed: bool = False
    reread: bool = False
    progress: Progress = field(default_factory=NoProgress)
    note: Note = discard_note

    @property
    def name(self) -> str:
        """Entry, release and artifact, for locks and manifests."""
        return f"{self.entry.id}/{self.artifact.id}"

    @property
    def canonical(self) -> str:
        """The artifact's first address in the catalog, whatever address it is downloaded from."""
        return self.artifact.urls[0]
