"""What the store's tests share: a store, the entry it is asked for, and a way to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from registry.errors import IntegrityError
from registry.lock import Lock, Locked
from registry.schema import Artifact, Entry
from tests.helpers.sample_archives import MODEL, artifact, digest, entry, lite, tar_of, weights
from tests.helpers.servers import LyingServer
from zoo.store import Limits, RetryPolicy, SourceOptions, Store, Stored

TAR = tar_of(MODEL)
INFERENCE = artifact("/models/picodet.tar")
WEIGHTS = weights("/models/picodet.pdparams")
ENTRY = entry(INFERENCE, WEIGHTS, lite("/models/picodet_fp16.tar"))


def trust(_: Path) -> None:
    """A proof that everything passes."""


def fails_proof(path: Path) -> None:
    raise IntegrityError("artifact-mismatch", f"{path.name} is FP32", expected="fp16", found="fp32")


class StoreFixture:
    """A store, and how this test asks it."""

    def __init__(self, root: Path, policy: RetryPolicy) -> None:
        self.root = root
        self.policy = policy
        self.store = Store(root)
        self.notes: list[str] = []

    def fetch(
        self,
        server: LyingServer,
        wanted: Artifact = INFERENCE,
        *,
        of: Entry = ENTRY,
        prove: Callable[[Path], None] = trust,
        offline: bool = False,
        limits: Limits | None = None,
        **more: object,
    ) -> Stored:
        source = SourceOptions(
            mirrors=(server.url,), offline=offline, policy=self.policy, limits=limits or Limits()
        )
        return self.store.fetch(of, wanted, prove=prove, source=source, note=self.notes.append, **more)  # type: ignore[arg-type]

    def files(self) -> list[str]:
        """Everything in the store but lock files, relative to its root."""
        found = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]
        return sorted(name for name in found if not name.startswith("locks/"))

    def quarantined(self) -> Path:
        (folder,) = (self.root / "quarantine").iterdir()
        return folder


def pinned(wanted: Artifact, data: bytes) -> Lock:
    known = digest(data)
    line = Locked(artifact=f"picodet@2021/{wanted.id}", sha256=known.sha256, size=known.size)
    return Lock().with_seen(wanted.urls[0], line)
