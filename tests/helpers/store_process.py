"""A program that uses a cache as a command does: alone, with other processes, and killed at a chosen point.

fetch URL ROOT PATH                    fetches one artifact, prints its path
crowd URL ROOT PATH,PATH… N [SYSTEM]   N processes fetch all of them, each in another order
JOB LOSS URL ROOT PATH                 kills a job at every change of the disk, then runs it again
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
from tests.helpers.crash_points import Job, kill_everywhere
from tests.helpers.sample_archives import CHECKPOINT, HOST, MODEL, artifact, digest, entry, weights
from tests.helpers.store_fixture import convert_into, fetch_verified
from zoo._utils.cache_root import claim_cache
from zoo.artifacts.export import copy_out
from zoo.artifacts.lockfile import lock
from zoo.artifacts.resolver import ArtifactResolver, Reporter
from zoo.artifacts.spec import ArtifactSpec, FetchOptions
from zoo.settings import Settings
from zoo.store import FetchRequest, RemoteSource, Store
from zoo.store.prune import PrunePolicy
from zoo.transfer.bundle import bundle
from zoo.transfer.bundle_import import import_bundle
from zoo.transfer.mirror import mirror, select_files
from zoo.transfer.targets import FolderTarget


def fetch(root: Path, url: str, path: str) -> Path:
    wanted = artifact(path)
    request = FetchRequest(entry(wanted), wanted, source=RemoteSource(mirrors=(url,)))
    return fetch_verified(Store(root), request).path


def build(root: Path) -> Path:
    def fill(folder: Path) -> None:
        (folder / "model.nb").write_bytes(b"\x02\x00nb")
        (folder / "provenance.json").write_text("{}")

    return convert_into(Store(root), "key", fill)


def lock_project(root: Path) -> object:
    """``zoo lock`` in a project below the root, for a store that has seen two artifacts."""
    project = root / "project"
    project.mkdir(exist_ok=True)
    os.chdir(project)
    resolver = SimpleNamespace(store=Store(root), reporter=Reporter())
    return lock([], resolver)  # type: ignore[arg-type]


def see(root: Path) -> None:
    """Make a cache that has seen two artifacts."""
    claim_cache(root)
    seen = Lock()
    for name in ("a", "b"):
        known = digest(name.encode())
        line = Locked(artifact=f"picodet@2021/{name}", sha256=known.sha256, size=known.size)
        seen = seen.with_seen(f"{HOST}/{name}", line)
    (root / "lock.json").write_text(seen.dump())


def export(root: Path) -> Path:
    """Copy a model out of the cache."""
    source = root / "given"
    source.mkdir(exist_ok=True)
    for name, data in MODEL.items():
        (source / Path(name).name).write_bytes(data)
    return copy_out(source, root / "out", cache=root)


def damage(root: Path) -> None:
    """Truncate every published file."""
    for file in root.glob("artifacts/*/*/files/**/*.pdmodel"):
        file.write_bytes(b"torn")


def prune(root: Path) -> object:
    return Store(root).prune(PrunePolicy(older_than=timedelta(days=30)))


class Transfer:
    """A checkpoint that is transferred from a folder that stands for upstream, by a mirror or a bundle.

    Args:
        folder: Where the folder that stands for upstream, and a bundle, are made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = "models/tiny.safetensors"
        self._entry = entry(weights(f"/{self._path}"))
        self._upstream = folder / "upstream"
        self._bundle = folder / "sample.zoo"

    def prepare(self) -> None:
        """Make the files that the jobs start from."""
        file = self._upstream / self._path
        file.parent.mkdir(parents=True)
        file.write_bytes(CHECKPOINT)
        self._bundle_to(self._bundle.with_name("store"), self._bundle)

    def jobs(self) -> dict[str, Job]:
        return {
            "import": Job(self._import),
            "bundle": Job(
                lambda root: self._bundle_to(root, root / "out.zoo"), self._fetch, whole=self._same
            ),
            "mirror": Job(self._mirror, self._fetch, whole=self._served),
        }

    def _resolver(self, root: Path) -> ArtifactResolver:
        settings = Settings(cache=root, mirrors=(str(self._upstream),))
        return ArtifactResolver(
            settings=settings, store=Store(root), toolchains=Toolchains(root / "toolchains")
        )

    def _orders(self) -> list[tuple[Entry, ArtifactSpec]]:
        return [(self._entry, ArtifactSpec(kind="weights"))]

    def _fetch(self, root: Path) -> None:
        self._resolver(root).resolve(self._orders(), build=False)

    def _bundle_to(self, root: Path, out: Path) -> None:
        bundle(self._orders(), out, self._resolver(root), build=False, jobs=1)

    def _same(self, root: Path) -> bool:
        out = root / "out.zoo"
        return not out.exists() or out.read_bytes() == self._bundle.read_bytes()

    def _import(self, root: Path) -> None:
        offline = replace(self._resolver(root), settings=Settings(cache=root, offline=True))
        import_bundle(self._bundle, offline, Registry([self._entry]))

    def _mirror(self, root: Path) -> None:
        wanted = select_files([self._entry], FetchOptions(weights=True))
        report = mirror(wanted, FolderTarget(root / "served"), self._resolver(root), jobs=1)
        assert report.exit_code == 0, report

    def _served(self, root: Path) -> bool:
        """Whether the file is whole where the mirror's lock names it, and never partial."""
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
        """An artifact that was not used for months, and a conversion of today."""
        get(root)
        for manifest in root.rglob("manifest.json"):
            os.utime(manifest, (time.time() - 90 * 86_400,) * 2)
        build(root)

    return {
        "download": Job(get),
        "repair": Job(get, prepare=get_and_damage, quarantines=frozenset({"published", "reason.json"})),
        "convert": Job(build),
        "lock": Job(lock_project, prepare=see),
        "out": Job(export, prepare=claim_cache),
        "prune": Job(prune, prepare=get_and_age),
    }


def crowd(root: Path, url: str, paths: list[str], size: int) -> list[int]:
    """Exit codes of processes that all fetch the same artifacts, each in another order."""
    begin, go = os.pipe()
    children = []
    for number in range(size):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(begin, 1)  # returns when the last process was started
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
        transfer = Transfer(Path(root) / "transfer")
        if what in transfer.jobs():
            transfer.prepare()
        job = (jobs(url, path) | transfer.jobs())[what]
        rows = kill_everywhere(Path(root) / "places", job, "power" if loss == "power" else "process")
        sys.stdout.write(json.dumps(list(rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
