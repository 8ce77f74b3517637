"""A program: in each round one process resolves an artifact while another prunes it.

ROOT ROUNDS    prints how often the prune won, how often the fetch won, and how often a path was lost
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

# Loaded before forking, or every child would load it again.
import filelock  # noqa: F401

import zoo.archive.tar  # noqa: F401
from tests.helpers.sample_archives import MODEL, artifact, entry, tar_of
from tests.helpers.store_fixture import fetch_verified
from zoo._utils.cache_names import MANIFEST
from zoo.store import FetchRequest, RemoteSource, Store
from zoo.store.prune import PrunePolicy

WANTED = artifact("/models/picodet.tar")
ENTRY = entry(WANTED)
OLD = PrunePolicy(older_than=timedelta(days=30))
LOST = 99


def fetch(root: Path) -> Path:
    request = FetchRequest(ENTRY, WANTED, source=RemoteSource(mirrors=(str(root / "mirror"),)))
    return fetch_verified(Store(root / "store"), request).path


def resolve(root: Path, delay: float) -> int:
    """Fetch, and use the path for a while. Pruning scans the cache first, so this starts a little later."""
    time.sleep(delay)
    path = fetch(root)
    end = time.monotonic() + 0.01
    while time.monotonic() < end:
        if not all((path / name.partition("/")[2]).is_file() for name in MODEL):
            return LOST
    return 0


def prune(root: Path) -> int:
    """Number of removed items."""
    return len(Store(root / "store").prune(OLD).removed)


def at_once(*works: Callable[[], int]) -> list[int]:
    """Exit codes of processes that start at the same moment."""
    gate, go = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = LOST
            try:
                os.close(go)
                os.read(gate, 1)  # returns when the parent closes the other end
                code = work()
            finally:
                os._exit(code)
        children.append(child)
    os.close(gate)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def main(root: Path, rounds: int) -> None:
    (root / "mirror/models").mkdir(parents=True)
    (root / "mirror/models/picodet.tar").write_bytes(tar_of(MODEL))
    counts = {"pruned": 0, "kept": 0, "lost": 0}
    for _ in range(rounds):
        delay = random.random() * 0.03
        manifest = next(p for p in fetch(root).parents if (p / MANIFEST).is_file()) / MANIFEST
        os.utime(manifest, (time.time() - 90 * 86_400,) * 2)
        resolved, pruned = at_once(lambda delay=delay: resolve(root, delay), lambda: prune(root))
        counts["lost"] += LOST in (resolved, pruned)
        counts["pruned"] += pruned == 1
        counts["kept"] += pruned == 0
    counts["damaged"] = not Store(root / "store").verify().clean
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
