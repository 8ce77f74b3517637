"""Several processes with one cache, and processes that are killed in the middle of their work."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.process_pool import ProcessPool
from tests.helpers.sample_archives import MODEL, digest, tar_of
from tests.helpers.servers import Behavior, Exchange, ScriptedServer, honest, serve, stall
from zoo.store import Store

PATH = "/models/picodet.tar"
TAR = tar_of({**MODEL, "picodet/large": bytes(range(256)) * 4000})


def after_a_while(data: bytes) -> Behavior:
    """Answer after a delay, so that all other processes can ask, too."""

    def act(exchange: Exchange) -> None:
        exchange.hang(0.5)
        honest(data)(exchange)

    return act


def test_32_processes_download_each_artifact_once(tmp_path: Path, process_pool: ProcessPool) -> None:
    files = {f"/models/{name}.tar": tar_of({f"{name}/model": name.encode() * 999}) for name in "abcd"}
    with ScriptedServer({path: after_a_while(data) for path, data in files.items()}) as server:
        crowd = process_pool.child("crowd", server.url, tmp_path / "store", ",".join(files), "32")
        codes = json.loads(process_pool.finish(crowd))

        assert codes == [0] * 32
        assert sorted(seen.path for seen in server.log) == sorted(files)
    report = Store(tmp_path / "store").verify()
    assert report.clean
    assert report.checked == 8, "of each one file and its archive"


def test_killed_in_the_middle_of_a_download(tmp_path: Path, process_pool: ProcessPool) -> None:
    root = tmp_path / "store"
    with ScriptedServer({PATH: [stall(TAR, after=600_000), honest(TAR)]}) as server:
        victim = process_pool.child("fetch", server.url, root, PATH)
        process_pool.wait_until(
            lambda: sum(part.stat().st_size for part in root.glob("partial/*.part")) >= 500_000, victim
        )
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        assert victim.returncode == -signal.SIGKILL
        assert not (root / "artifacts").exists()

        path = Path(process_pool.finish(process_pool.child("fetch", server.url, root, PATH)))

    assert digest((path / "large").read_bytes()) == digest(bytes(range(256)) * 4000)
    assert Store(root).verify().clean
    assert list(root.glob("partial/*")) == []


KILLED: dict[str, tuple[str, str, int]] = {
    "a fetch": ("download", "process", 60),
    "a fetch, by a loss of power": ("download", "power", 60),
    "the repair of a damaged copy": ("repair", "process", 40),
    "a conversion": ("convert", "process", 15),
    "a conversion, by a loss of power": ("convert", "power", 15),
    "writing zoo.lock": ("lock", "process", 5),
    "writing zoo.lock, by a loss of power": ("lock", "power", 5),
    "copying to --out": ("out", "process", 15),
    "pruning": ("prune", "process", 8),
    "importing a bundle, by a loss of power": ("import", "power", 60),
    "writing a bundle, by a loss of power": ("bundle", "power", 10),
    "filling a mirror, by a loss of power": ("mirror", "power", 20),
}
"""Jobs that are killed at every change of the disk, what is lost, and the least number of changes."""


@pytest.mark.table("kill points")
@pytest.mark.parametrize("story", KILLED)
def test_killed_at_every_change_of_the_disk(
    tmp_path: Path, process_pool: ProcessPool, story: str, record_property: Callable[[str, object], None]
) -> None:
    job, loss, least = KILLED[story]
    with serve({PATH: tar_of(MODEL)}) as server:
        rows = json.loads(process_pool.finish(process_pool.child(job, loss, server.url, tmp_path, PATH)))

    record_property("rows", len(rows))
    assert len(rows) >= least
    assert [row for row in rows if not (row["clean"] and row["whole"]) or row["left"]] == []
