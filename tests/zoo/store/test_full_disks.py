"""Real disks that are full or read-only, and clocks that jump: a clear error, nothing lost, then it works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.errors import MissingToolError
from registry.schema import Artifact
from tests.helpers.sample_archives import artifact, tar_gz_of, tar_of, weights
from tests.helpers.servers import ScriptedServer, cut, honest, serve
from tests.helpers.small_disk import Disk, mounted
from tests.helpers.store_fixture import TAR, WEIGHTS, StoreFixture
from zoo.store import RetryPolicy

PATH = "/models/picodet.tar"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.table("full disks")
@pytest.mark.parametrize("archive", ["tar", "tar.gz", "file"])
@pytest.mark.parametrize("room", [4, 16, 40, 64, 88, 120])
def test_a_full_disk_is_reported_and_loses_nothing(
    disk: Disk, fast_retries: RetryPolicy, archive: str, room: int, data: bytes
) -> None:
    wanted, files = PACKED[archive]
    store_fixture = StoreFixture(disk.place / "store", fast_retries)
    with serve({**files, "/models/other.pdparams": data}) as server:
        other = WEIGHTS.model_copy(update={"urls": ("https://models.example/models/other.pdparams",)})
        kept = store_fixture.fetch(server, other).path
        disk.resize(disk.used + room)
        error = no_room(store_fixture, server, wanted)
        if error is not None:  # there was enough space
            assert (error.code, error.exit_code) == ("disk-full", 7)
            assert str(store_fixture.root) in error.message
            assert error.hint
        assert kept.read_bytes() == data
        assert store_fixture.store.verify().clean
        assert list(store_fixture.root.rglob(".*")) == []

        disk.resize(1024)
        assert store_fixture.fetch(server, wanted).path.exists()
        assert store_fixture.store.verify().clean
        assert list(store_fixture.root.glob("partial/*")) == []


def no_room(store_fixture: StoreFixture, server: ScriptedServer, wanted: Artifact) -> MissingToolError | None:
    try:
        store_fixture.fetch(server, wanted)
    except MissingToolError as error:
        return error
    return None


BIG = {f"picodet/{name}": os.urandom(15_000) for name in ("model.pdmodel", "model.pdiparams")}


PACKED: dict[str, tuple[Artifact, dict[str, bytes]]] = {
    "tar": (artifact("/models/a.tar"), {"/models/a.tar": tar_of(BIG)}),
    "tar.gz": (artifact("/models/a.tar.gz"), {"/models/a.tar.gz": tar_gz_of(BIG)}),
    "file": (weights("/models/a.pdparams"), {"/models/a.pdparams": b"\x80\x02" + os.urandom(30_000)}),
}


def test_a_write_protected_cache_can_be_read(disk: Disk, fast_retries: RetryPolicy, data: bytes) -> None:
    store_fixture = StoreFixture(disk.place / "store", fast_retries)
    with serve({PATH: TAR, "/models/picodet.pdparams": data}) as server:
        path = store_fixture.fetch(server).path
        disk.write_protect()

        assert store_fixture.fetch(server).path == path
        assert store_fixture.store.verify().clean
        with pytest.raises(MissingToolError) as caught:
            store_fixture.fetch(server, WEIGHTS)
        assert (caught.value.code, caught.value.exit_code) == ("cache-not-writable", 7)
        assert "ZOO_CACHE" in str(caught.value.hint)

        disk.resize(1024)
        assert store_fixture.fetch(server, WEIGHTS).path.read_bytes() == data


JUMPS: dict[str, Callable[[Path], None]] = {
    "to 1970": lambda path: os.utime(path, (0, 0), follow_symlinks=False),
    "to 2100": lambda path: os.utime(path, (4102444800, 4102444800), follow_symlinks=False),
}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumps_changes_nothing(store_fixture: StoreFixture, jump: str, data: bytes) -> None:
    def later() -> None:
        for path in [store_fixture.root, *store_fixture.root.rglob("*")]:
            JUMPS[jump](path)

    script = {PATH: [cut(TAR, after=4000)] * 9 + [honest(TAR)], "/models/picodet.pdparams": [honest(data)]}
    with ScriptedServer(script) as server:
        kept = store_fixture.fetch(server, WEIGHTS).path
        later()
        server.script(PATH, cut(TAR, after=4000), cut(TAR, after=0))
        with pytest.raises(Exception, match="broke off"):
            store_fixture.fetch(server)
        later()
        server.script(PATH, honest(TAR))
        path = store_fixture.fetch(server).path
        later()

        assert server.ranges()[-1] == "bytes=4000-", "the partial download is continued"
        assert store_fixture.fetch(server).path == path
        assert store_fixture.fetch(server, WEIGHTS).path == kept
    assert store_fixture.store.verify().clean
