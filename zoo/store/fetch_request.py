"""What is asked of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from registry.lock import Lock
from registry.schema import Artifact, Entry
from zoo._utils.progress import Note, Progress
from zoo.archive.limits import Limits
from zoo.download.policy import RetryPolicy

Prove = Callable[[Path], object]
"""Looks into a file or folder and raises IntegrityError when it is not what it is called."""


@dataclass(frozen=True)
class SourceOptions:
    """Where files may come from.

    Attributes:
        mirrors: Base addresses, each of which replaces scheme and host of every address; tried in order.
        offline: Whether no connection may be opened.
        policy: Patience with servers.
        limits: Bounds on what they send.
        shown_as: What is noted as a file's source in place of its address, for a source that is gone soon.
    """

    mirrors: tuple[str, ...] = ()
    offline: bool = False
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    shown_as: str | None = None


@dataclass(frozen=True)
class FetchRequest:
    """One artifact to fetch, and everything that bears on how.

    Attributes:
        entry: The entry it belongs to.
        artifact: The artifact.
        prove: The proof it must pass.
        source: Where it may come from.
        pins: The project's lock.
        accept: Whether a digest that differs from the remembered one replaces it.
        packed: Whether the file as it was served must be in the store, too.
        progress: The bar.
        note: Hears about retries and waits.
    """

    entry: Entry
    artifact: Artifact
    prove: Prove
    source: SourceOptions
    pins: Lock
    accept: bool
    packed: bool
    progress: Progress
    note: Note

    @property
    def name(self) -> str:
        """Entry, release and artifact, for locks and manifests."""
        return f"{self.entry.id}/{self.artifact.id}"

    @property
    def canonical(self) -> str:
        """The address the artifact is known by, wherever it comes from."""
        return self.artifact.urls[0]
