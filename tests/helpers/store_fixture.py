"""Shared by the tests of the cache: a cache, an entry, and functions that fetch and convert."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from registry.errors import IntegrityError
from registry.lock import Lock, Locked
from registry.schema import Artifact, Entry
from tests.helpers.sample_archives import MODEL, artifact, digest, entry, lite, tar_of, weights
from tests.helpers.servers import ScriptedServer
from zoo._utils.cache_root import TAG
from zoo.store import FetchRequest, Limits, RemoteSource, RetryPolicy, Store, StoredArtifact

TAR = tar_of(MODEL)
INFERENCE = artifact("/models/picodet.tar")
WEIGHTS = weights("/models/picodet.pdparams")
ENTRY = entry(INFERENCE, WEIGHTS, lite("/models/picodet_fp16.tar"))


def accept_all(_: Path) -> None:
    """A verification that everything passes."""


def fail_verification(path: Path) -> None:
    raise IntegrityError("artifact-mismatch", f"{path.name} is FP32", expected="fp16", found="fp32")


def fetch_verified(
    store: Store, request: FetchRequest, verify: Callable[[Path], None] = accept_all
) -> StoredArtifact:
    """Fetch an artifact as the resolver does."""
    with store.reserve_artifact(request) as slot:
        if slot.stored is not None:
            return slot.stored
        verify(slot.path)
        return slot.publish()


def convert_into(
    store: Store, key: str, fill: Callable[[Path], object], note: Callable[[str], None] = lambda _: None
) -> Path:
    """Find or make a conversion as the resolver does; the folder with its files."""
    with store.reserve_conversion(key, note=note) as slot:
        if not slot.cached:
            fill(slot.folder)
            slot.publish()
        return slot.folder


class StoreFixture:
    """A cache, and the policy of this test."""

    def __init__(self, root: Path, policy: RetryPolicy) -> None:
        self.root = root
        self.policy = policy
        self.store = Store(root)
        self.notes: list[str] = []

    def fetch(
        self,
        server: ScriptedServer,
        wanted: Artifact = INFERENCE,
        *,
        of: Entry = ENTRY,
        verify: Callable[[Path], None] = accept_all,
        offline: bool = False,
        limits: Limits | None = None,
        **more: object,
    ) -> StoredArtifact:
        source = RemoteSource(
            mirrors=(server.url,), offline=offline, policy=self.policy, limits=limits or Limits()
        )
        request = FetchRequest(of, wanted, source=source, note=self.notes.append, **more)  # type: ignore[arg-type]
        return fetch_verified(self.store, request, verify)

    def convert(self, key: str, fill: Callable[[Path], object]) -> Path:
        return convert_into(self.store, key, fill, self.notes.append)

    def files(self) -> list[str]:
        """Everything in the cache but lock files and its tag, relative to its root."""
        found = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]
        return sorted(name for name in found if not name.startswith("locks/") and name != TAG)

    def quarantined(self) -> Path:
        (folder,) = (self.root / "quarantine").iterdir()
        return folder


def pinned(wanted: Artifact, data: bytes) -> Lock:
    known = digest(data)
    line = Locked(artifact=f"picodet@2021/{wanted.id}", sha256=known.sha256, size=known.size)
    return Lock().with_seen(wanted.urls[0], line)
