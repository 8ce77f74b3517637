"""Symbolic links that somebody planted where this program writes: none is written through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from registry.errors import ZooError
from tests.helpers.servers import ScriptedServer, cut, honest, serve, status
from tests.helpers.store_fixture import INFERENCE, TAR, StoreFixture
from zoo._utils.cache_root import TAG, claim_cache
from zoo.download.urls import url_key
from zoo.store.prune import PrunePolicy

PATH = "/models/picodet.tar"
KEY = url_key(INFERENCE.urls[0])
PLACES = [
    TAG,
    "lock.json",
    "sources.json",
    ".lock.json.tmp",
    ".sources.json.tmp",
    ".CACHEDIR.TAG.tmp",
    f"partial/{KEY}.part",
    f"partial/{KEY}.part.json",
    f"partial/.{KEY}.part.json.tmp",
    f"locks/{KEY}.lock",
    "locks/lock.json.lock",
    "artifacts/picodet@2021/.inference-{sha12}.tmp",
    "artifacts/picodet@2021/.inference-{sha12}.leaving",
    "blobs/sha256/{ab}/{sha256}",
]


@pytest.mark.table("attacks")
@pytest.mark.parametrize("dangling", [False, True], ids=["to a file", "to nothing"])
@pytest.mark.parametrize("place", PLACES)
def test_a_fetch_does_not_write_through_it(
    store_fixture: StoreFixture, tmp_path: Path, place: str, dangling: bool
) -> None:
    from tests.helpers.sample_archives import digest

    sha256 = digest(TAR).sha256
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("precious")
    claim_cache(store_fixture.root)
    link = store_fixture.root / place.format(sha256=sha256, sha12=sha256[:12], ab=sha256[:2])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(victim)

    # A download that is cut off writes its state, too, and is continued.
    with ScriptedServer({PATH: [cut(TAR, after=4000), honest(TAR)]}) as server:
        try:
            store_fixture.fetch(server)
        except ZooError as error:
            assert error.exit_code in (2, 5, 7), error  # noqa: PT017

    assert victim.exists() is not dangling
    if not dangling:
        assert victim.read_text() == "precious"


def test_a_file_of_an_artifact_that_became_a_link_is_fetched_again(
    store_fixture: StoreFixture, tmp_path: Path
) -> None:
    with serve({PATH: TAR}) as server:
        path = store_fixture.fetch(server).path
        copy = tmp_path / "copy"
        copy.write_bytes((path / "model.pdmodel").read_bytes())
        (path / "model.pdmodel").unlink()
        (path / "model.pdmodel").symlink_to(copy)

        again = store_fixture.fetch(server).path

    assert not (again / "model.pdmodel").is_symlink()
    assert store_fixture.store.verify().clean


@pytest.mark.table("attacks")
@pytest.mark.parametrize("suffix", ["leaving", "tmp"])
def test_a_prune_does_not_write_through_it(store_fixture: StoreFixture, tmp_path: Path, suffix: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    with serve({PATH: TAR}) as server:
        folder = store_fixture.fetch(server).path.parent.parent
    folder.with_name(f".{folder.name}.{suffix}").symlink_to(victim / "new" if suffix == "leaving" else victim)

    everything = PrunePolicy(max_size=0, keep_recent=timedelta(0))
    report = store_fixture.store.prune(everything)

    assert [item.name for item in report.removed] == ["picodet@2021/inference"]
    assert [path.name for path in victim.iterdir()] == ["file"]


@pytest.mark.table("attacks")
def test_a_partial_download_that_became_a_link_is_not_cut(
    store_fixture: StoreFixture, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    with ScriptedServer({PATH: [cut(TAR, after=4000), status(404), honest(TAR)]}) as server:
        with pytest.raises(ZooError):
            store_fixture.fetch(server)
        (part,) = store_fixture.root.glob("partial/*.part")
        victim.write_bytes(part.read_bytes() + b"precious")
        part.unlink()
        part.symlink_to(victim)
        with pytest.raises(ZooError):
            store_fixture.fetch(server)

    assert victim.read_bytes().endswith(b"precious")
