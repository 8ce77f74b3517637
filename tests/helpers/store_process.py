"""Run as a program: uses a store the way a command does, alone, in a crowd, and dying on request.

child.py fetch URL ROOT PATH                    fetches one artifact, prints where it is
child.py crowd URL ROOT PATH,PATH… N [SYSTEM]   N processes fetch all of them, each in another order
child.py JOB LOSS URL ROOT PATH                 kills a job at every touch of the disk, then runs it again
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
import time
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

# Loaded before forking, or every child would load it again.
import filelock  # noqa: F401
import requests  # noqa: F401

import zoo.archive.tar
import zoo.archive.zip  # noqa: F401
from converters.toolchain import Toolchains
from registry.lock import Lock, Locked
from registry.registry import Registry
from registry.schema import Entry
from tests.helpers.crash_points import Job, deaths
from tests.helpers.sample_archives import CHECKPOINT, HOST, MODEL, artifact, digest, entry, weights
from zoo.artifacts.export import copy_out
from zoo.artifacts.lockfile import lock
from zoo.artifacts.resolver import ArtifactResolver, Reporter
from zoo.artifacts.spec import ArtifactSpec, FetchOptions
from zoo.settings import Settings
from zoo.store import SourceOptions, Store
from zoo.store.prune import PrunePolicy
from zoo.transfer.bundle import bundle
from zoo.transfer.bundle_import import import_bundle
from zoo.transfer.mirror import mirror, orders
from zoo.transfer.targets import FolderTarget


def fetch(root: Path, url: str, path: str) -> Path:
    wanted = artifact(path)
    source = SourceOptions(mirrors=(url,))
    return Store(root).fetch(entry(wanted), wanted, prove=lambda _: None, source=source).path


def build(root: Path) -> Path:
    def make(folder: Path) -> None:
        (folder / "model.nb").write_bytes(b"\x02\x00nb")
        (folder / "provenance.json").write_text("{}")

    return Store(root).put_built("key", make)


def lock_project(root: Path) -> object:
    """``zoo lock`` in a project below the root, for a store that has seen two artifacts."""
    project = root / "project"
    project.mkdir(exist_ok=True)
    os.chdir(project)
    resolver = SimpleNamespace(store=Store(root), reporter=Reporter())
    return lock([], resolver)  # type: ignore[arg-type]


def see(root: Path) -> None:
    """Leaves a store that remembers two artifacts."""
    seen = Lock()
    for name in ("a", "b"):
        known = digest(name.encode())
        line = Locked(artifact=f"picodet@2021/{name}", sha256=known.sha256, size=known.size)
        seen = seen.with_seen(f"{HOST}/{name}", line)
    (root / "lock.json").write_text(seen.dump())


def hand_out(root: Path) -> Path:
    """Copies a model to where the user wants it."""
    source = root / "given"
    source.mkdir(exist_ok=True)
    for name, data in MODEL.items():
        (source / Path(name).name).write_bytes(data)
    return copy_out(source, root / "out", work=root / "work")


def damage(root: Path) -> None:
    """Shortens every file that was published."""
    for file in root.glob("artifacts/*/*/files/**/*.pdmodel"):
        file.write_bytes(b"torn")


def prune(root: Path) -> object:
    return Store(root).prune(PrunePolicy(older_than=timedelta(days=30)))


class Carrying:
    """A checkpoint on its way from a folder that plays upstream, over a mirror or in a bundle.

    Args:
        folder: Where the folder that plays upstream, and a bundle, are made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = "models/tiny.safetensors"
        self._entry = entry(weights(f"/{self._path}"))
        self._upstream = folder / "upstream"
        self._bundle = folder / "sample.zoo"

    def lay_out(self) -> None:
        """Makes what the jobs begin with."""
        file = self._upstream / self._path
        file.parent.mkdir(parents=True)
        file.write_bytes(CHECKPOINT)
        self._bundled(self._bundle.with_name("store"), self._bundle)

    def jobs(self) -> dict[str, Job]:
        return {
            "import": Job(self._imported),
            "bundle": Job(
                lambda root: self._bundled(root, root / "out.zoo"), self._fetched, whole=self._same
            ),
            "mirror": Job(self._mirrored, self._fetched, whole=self._served),
        }

    def _resolver(self, root: Path) -> ArtifactResolver:
        settings = Settings(cache=root, mirrors=(str(self._upstream),))
        return ArtifactResolver(
            settings=settings, store=Store(root), toolchains=Toolchains(root / "toolchains")
        )

    def _orders(self) -> list[tuple[Entry, ArtifactSpec]]:
        return [(self._entry, ArtifactSpec(kind="weights"))]

    def _fetched(self, root: Path) -> None:
        self._resolver(root).all(self._orders(), build=False)

    def _bundled(self, root: Path, out: Path) -> None:
        bundle(self._orders(), out, self._resolver(root), build=False, jobs=1)

    def _same(self, root: Path) -> bool:
        out = root / "out.zoo"
        return not out.exists() or out.read_bytes() == self._bundle.read_bytes()

    def _imported(self, root: Path) -> None:
        offline = replace(self._resolver(root), settings=Settings(cache=root, offline=True))
        import_bundle(self._bundle, offline, Registry([self._entry]))

    def _mirrored(self, root: Path) -> None:
        wanted = orders([self._entry], FetchOptions(weights=True))
        report = mirror(wanted, FolderTarget(root / "served"), self._resolver(root), jobs=1)
        assert report.exit_code == 0, report

    def _served(self, root: Path) -> bool:
        """Whether the file is there and whole where the mirror's lock names it, and no half of it ever."""
        file, lock = root / "served" / self._path, root / "served" / "zoo.lock"
        named = lock.exists() and bool(Lock.read(lock).artifacts)
        return file.read_bytes() == CHECKPOINT if file.exists() else not named


def jobs(url: str, path: str) -> dict[str, Job]:
    def get(root: Path) -> Path:
        return fetch(root, url, path)

    def get_and_damage(root: Path) -> None:
        get(root)
        damage(root)

    def get_and_age(root: Path) -> None:
        """One artifact nobody used for long, and a conversion of today."""
        get(root)
        for manifest in root.rglob("manifest.json"):
            os.utime(manifest, (time.time() - 90 * 86_400,) * 2)
        build(root)

    return {
        "download": Job(get),
        "repair": Job(get, prepare=get_and_damage, puts_aside=frozenset({"published", "reason.json"})),
        "convert": Job(build),
        "lock": Job(lock_project, prepare=see),
        "out": Job(hand_out),
        "prune": Job(prune, prepare=get_and_age),
    }


def crowd(root: Path, url: str, paths: list[str], size: int) -> list[int]:
    """Exit codes of processes that all want the same artifacts, each in another order."""
    begin, go = os.pipe()
    children = []
    for number in range(size):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(begin, 1)  # ends when the last one was born
            one_of_many(root, url, paths[number % len(paths) :] + paths[: number % len(paths)])
        children.append(child)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def one_of_many(root: Path, url: str, paths: list[str]) -> NoReturn:
    try:
        for path in paths:
            fetch(root, url, path)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def forget_flock() -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fcntl.flock = flock


def main(what: str, *rest: str) -> None:
    if what == "fetch":
        url, root, path = rest
        sys.stdout.write(str(fetch(Path(root), url, path)))
    elif what == "crowd":
        url, root, paths, size, *system = rest
        if system:
            forget_flock()
        sys.stdout.write(json.dumps(crowd(Path(root), url, paths.split(","), int(size))))
    else:
        loss, url, root, path = rest
        carrying = Carrying(Path(root) / "carrying")
        if what in carrying.jobs():
            carrying.lay_out()
        job = (jobs(url, path) | carrying.jobs())[what]
        rows = deaths(Path(root) / "places", job, "power" if loss == "power" else "process")
        sys.stdout.write(json.dumps(list(rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
