"""Mirrors that are folders and buckets: the same answers, the same checks, the same resuming as a server."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from registry.errors import IntegrityError, NetworkError, UsageError
from tests.helpers.download_client import Fetcher
from tests.helpers.paths import REPOSITORY
from tests.helpers.sample_archives import HOST, digest
from tests.helpers.servers import LyingServer, cut, status
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture, trust
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.mirrors import mirror_path
from zoo.store import SourceOptions, Stored, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mirror in a folder whose name needs quoting in an address."""
    place = tmp_path / "my mirror #1"
    (place / "models").mkdir(parents=True)
    (place / "models/picodet.tar").write_bytes(TAR)
    return place


def fetch(store_fixture: StoreFixture, *mirrors: str, offline: bool = False) -> Stored:
    source = SourceOptions(mirrors=mirrors, offline=offline, policy=store_fixture.policy)
    return store_fixture.store.fetch(
        ENTRY, INFERENCE, prove=trust, source=source, note=store_fixture.notes.append
    )


class TestFolders:
    def test_a_path_and_its_address_are_the_same_mirror(
        self, store_fixture: StoreFixture, folder: Path
    ) -> None:
        assert fetch(store_fixture, str(folder)).digest == digest(TAR)
        again = StoreFixture(store_fixture.root.with_name("other"), store_fixture.policy)
        assert fetch(again, folder.as_uri() + "/").url == fetch(store_fixture, str(folder)).url

        assert store_fixture.store.verify().clean
        assert {name.split("/")[0] for name in store_fixture.files()} == {"artifacts", "blobs", "lock.json"}

    def test_a_missing_file_is_told_from_a_missing_folder(
        self, store_fixture: StoreFixture, folder: Path
    ) -> None:
        with pytest.raises(NetworkError) as absent:
            store_fixture.store.fetch(
                ENTRY,
                WEIGHTS,
                prove=trust,
                source=SourceOptions(mirrors=(str(folder),), policy=store_fixture.policy),
            )
        with pytest.raises(NetworkError) as unmounted:
            fetch(store_fixture, str(folder / "nowhere"))

        assert (absent.value.code, unmounted.value.code) == ("not-on-server", "network-unreachable")
        assert "the mirror's folder does not have this file" in str(absent.value)
        assert "there is no folder" in str(unmounted.value)

    def test_the_next_mirror_is_asked(
        self, store_fixture: StoreFixture, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()

        got = fetch(store_fixture, str(tmp_path / "empty"), str(folder))

        assert got.digest == digest(TAR)
        assert quote("my mirror #1") in got.url

    def test_other_bytes_are_refused_as_from_anywhere(
        self, store_fixture: StoreFixture, folder: Path
    ) -> None:
        fetch(store_fixture, str(folder))
        (folder / "models/picodet.tar").write_bytes(TAR[:512] + bytes(len(TAR) - 512))
        source = SourceOptions(mirrors=(str(folder),), policy=store_fixture.policy)
        other, pins = (
            StoreFixture(store_fixture.root.with_name("other"), store_fixture.policy).store,
            store_fixture.store.seen(),
        )
        with pytest.raises(IntegrityError) as caught:
            other.fetch(ENTRY, INFERENCE, prove=trust, source=source, pins=pins)

        assert caught.value.code == "digest-changed"

    def test_a_pipe_is_no_file(self, store_fixture: StoreFixture, folder: Path) -> None:
        os.remove(folder / "models/picodet.tar")
        os.mkfifo(folder / "models/picodet.tar")

        with pytest.raises(NetworkError) as caught:
            fetch(store_fixture, str(folder))

        assert caught.value.code == "not-on-server"

    def test_offline_means_no_folder_either(self, store_fixture: StoreFixture, folder: Path) -> None:
        with pytest.raises(NetworkError) as caught:
            fetch(store_fixture, str(folder), offline=True)

        assert caught.value.code == "offline"

    @pytest.mark.parametrize(
        "path",
        ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/a%5c..%5cb", "/a%00", "/", "/c:/x", "/nul.tar"],
    )
    def test_no_address_leads_out_of_the_folder(self, path: str) -> None:
        with pytest.raises(IntegrityError) as caught:
            rewrite(HOST + path, "/mirror")

        assert caught.value.code == "unsafe-address"

    def test_a_query_is_no_part_of_a_file_name(self) -> None:
        assert rewrite(HOST + "/a%20b/c.tar?v=1", "/mirror") == "file:///mirror/a%20b/c.tar"
        assert str(mirror_path(HOST + "/a%20b/c.tar?v=1")) == "a b/c.tar"

    @pytest.mark.parametrize("mirror", ["file://host/share", "file:", "file://", "s3://key:s3cr3t@bucket"])
    def test_what_is_no_place_is_a_usage_error(self, mirror: str) -> None:
        with pytest.raises(UsageError) as caught:
            rewrite(HOST + "/a", mirror)

        assert caught.value.code == "bad-mirror"
        assert "s3cr3t" not in str(caught.value)


class TestGoingOn:
    def test_what_one_source_began_another_finishes_when_the_digest_is_known(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(data)
        progress = Counter()
        with LyingServer({"/file": cut(data, after=6000)}) as server:
            fetcher.policy = replace(fetcher.policy, attempts=1)
            options = fetcher.options(server, expected=digest(data), progress=progress)
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)
        assert progress.starts == [0, 6000], "the second source was asked for the rest alone"

    def test_wrong_bytes_of_the_first_are_thrown_away_and_the_second_is_asked_for_all(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(data)
        with LyingServer({"/file": [cut(data[::-1], after=6000), status(500)]}) as server:
            options = fetcher.options(server, expected=digest(data))
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)

    def test_without_a_digest_it_begins_anew(self, fetcher: Fetcher, data: bytes, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(data)
        progress = Counter()
        with LyingServer({"/file": cut(data[::-1], after=6000)}) as server:
            fetcher.policy = replace(fetcher.policy, attempts=1)
            options = fetcher.options(server, progress=progress)
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)
        assert progress.starts == [0, 0]


class Counter:
    """Where each body began."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self._fresh = False

    def start(self, total: int | None, label: str) -> None:
        self._fresh = True

    def advance(self, amount: int) -> None:
        if self._fresh:
            self.starts.append(amount)
            self._fresh = False

    def done(self) -> None:
        pass


class TestBuckets:
    def test_whatever_fsspec_opens_is_a_mirror(self, store_fixture: StoreFixture) -> None:
        fsspec = pytest.importorskip("fsspec", reason="pip install 'paddle-zoo[mirrors]'")
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/bucket/base/models/picodet.tar", TAR)
        try:
            assert fetch(store_fixture, "memory://bucket/base").digest == digest(TAR)
        finally:
            memory.rm("/bucket", recursive=True)

    @pytest.mark.parametrize("scheme", ["gopher", "ftp"])
    def test_nothing_opens_it(self, fetcher: Fetcher, scheme: str) -> None:
        pytest.importorskip("fsspec", reason="pip install 'paddle-zoo[mirrors]'")
        options = DownloadOptions(policy=fetcher.policy, mirrors=(f"{scheme}://bucket",))
        with pytest.raises(UsageError) as caught:
            download([f"{scheme}://bucket/file"], fetcher.part, options)

        assert caught.value.code == "bad-mirror"

    def test_a_light_install_says_what_to_install(self, tmp_path: Path) -> None:
        program = (
            "import sys; sys.modules['fsspec'] = None; sys.argv[0] = 'zoo'\nfrom zoo.cli import main; main()"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program, "fetch", "tinypose_128x96", "--mirror", "s3://bucket"],
            env={**os.environ, "ZOO_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ran.returncode == 7
        assert "error[mirror-package-missing]" in ran.stderr
        assert "pip install 'paddle-zoo[mirrors]'" in ran.stderr
