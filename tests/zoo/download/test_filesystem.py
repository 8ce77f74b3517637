"""Mirrors that are folders and buckets: the same checks and the same resuming as with a server."""

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
from tests.helpers.servers import ScriptedServer, cut, status
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture, fetch_verified
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.mirrors import mirror_path
from zoo.store import FetchRequest, RemoteSource, StoredArtifact, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mirror in a folder whose name needs quoting in an address."""
    place = tmp_path / "my mirror #1"
    (place / "models").mkdir(parents=True)
    (place / "models/picodet.tar").write_bytes(TAR)
    return place


def fetch(store_fixture: StoreFixture, *mirrors: str, offline: bool = False) -> StoredArtifact:
    source = RemoteSource(mirrors=mirrors, offline=offline, policy=store_fixture.policy)
    request = FetchRequest(ENTRY, INFERENCE, source=source, note=store_fixture.notes.append)
    return fetch_verified(store_fixture.store, request)


class TestFolders:
    def test_a_path_and_its_address_are_the_same_mirror(
        self, store_fixture: StoreFixture, folder: Path
    ) -> None:
        assert fetch(store_fixture, str(folder)).digest == digest(TAR)
        again = StoreFixture(store_fixture.root.with_name("other"), store_fixture.policy)
        assert fetch(again, folder.as_uri() + "/").url == fetch(store_fixture, str(folder)).url

        assert store_fixture.store.verify().clean
        assert {name.split("/")[0] for name in store_fixture.files()} == {"artifacts", "blobs", "lock.json"}

    def test_a_missing_file_and_a_missing_folder_are_different_errors(
        self, store_fixture: StoreFixture, folder: Path
    ) -> None:
        source = RemoteSource(mirrors=(str(folder),), policy=store_fixture.policy)
        with pytest.raises(NetworkError) as absent:
            fetch_verified(store_fixture.store, FetchRequest(ENTRY, WEIGHTS, source=source))
        with pytest.raises(NetworkError) as unmounted:
            fetch(store_fixture, str(folder / "nowhere"))

        assert (absent.value.code, unmounted.value.code) == ("not-on-server", "network-unreachable")
        assert "the mirror folder does not have this file" in str(absent.value)
        assert "there is no folder" in str(unmounted.value)

    def test_the_next_mirror_is_asked(
        self, store_fixture: StoreFixture, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()

        got = fetch(store_fixture, str(tmp_path / "empty"), str(folder))

        assert got.digest == digest(TAR)
        assert quote("my mirror #1") in got.url

    def test_a_file_with_another_digest_is_refused(self, store_fixture: StoreFixture, folder: Path) -> None:
        fetch(store_fixture, str(folder))
        (folder / "models/picodet.tar").write_bytes(TAR[:512] + bytes(len(TAR) - 512))
        source = RemoteSource(mirrors=(str(folder),), policy=store_fixture.policy)
        other, pins = (
            StoreFixture(store_fixture.root.with_name("other"), store_fixture.policy).store,
            store_fixture.store.seen(),
        )
        with pytest.raises(IntegrityError) as caught:
            fetch_verified(other, FetchRequest(ENTRY, INFERENCE, source=source, pins=pins))

        assert caught.value.code == "digest-changed"

    def test_a_pipe_is_not_a_file(self, store_fixture: StoreFixture, folder: Path) -> None:
        os.remove(folder / "models/picodet.tar")
        os.mkfifo(folder / "models/picodet.tar")

        with pytest.raises(NetworkError) as caught:
            fetch(store_fixture, str(folder))

        assert caught.value.code == "not-on-server"

    def test_offline_mode_refuses_folders_too(self, store_fixture: StoreFixture, folder: Path) -> None:
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

    def test_a_query_is_not_part_of_a_file_name(self) -> None:
        assert rewrite(HOST + "/a%20b/c.tar?v=1", "/mirror") == "file:///mirror/a%20b/c.tar"
        assert str(mirror_path(HOST + "/a%20b/c.tar?v=1")) == "a b/c.tar"

    @pytest.mark.parametrize("mirror", ["file://host/share", "file:", "file://", "s3://key:s3cr3t@bucket"])
    def test_an_invalid_mirror_is_a_usage_error(self, mirror: str) -> None:
        with pytest.raises(UsageError) as caught:
            rewrite(HOST + "/a", mirror)

        assert caught.value.code == "bad-mirror"
        assert "s3cr3t" not in str(caught.value)


class TestResumingFromAnotherSource:
    def test_another_source_resumes_the_download_when_the_digest_is_known(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(data)
        progress = Counter()
        with ScriptedServer({"/file": cut(data, after=6000)}) as server:
            fetcher.policy = replace(fetcher.policy, attempts=1)
            options = fetcher.options(server, expected=digest(data), progress=progress)
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)
        assert progress.starts == [0, 6000], "the second source sent only the rest"

    def test_wrong_bytes_of_the_first_source_are_discarded(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(data)
        with ScriptedServer({"/file": [cut(data[::-1], after=6000), status(500)]}) as server:
            options = fetcher.options(server, expected=digest(data))
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)

    def test_without_a_digest_the_download_starts_over(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(data)
        progress = Counter()
        with ScriptedServer({"/file": cut(data[::-1], after=6000)}) as server:
            fetcher.policy = replace(fetcher.policy, attempts=1)
            options = fetcher.options(server, progress=progress)
            got = download([server.url + "/file", (tmp_path / "file").as_uri()], fetcher.part, options)

        assert got.digest == digest(data)
        assert progress.starts == [0, 0]


class Counter:
    """Records the offset of each body."""

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
    def test_a_file_system_of_fsspec_is_a_mirror(self, store_fixture: StoreFixture) -> None:
        fsspec = pytest.importorskip("fsspec", reason="pip install 'paddle-zoo[mirrors]'")
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/bucket/base/models/picodet.tar", TAR)
        try:
            assert fetch(store_fixture, "memory://bucket/base").digest == digest(TAR)
        finally:
            memory.rm("/bucket", recursive=True)

    @pytest.mark.parametrize("scheme", ["gopher", "ftp"])
    def test_an_unsupported_scheme_is_a_usage_error(self, fetcher: Fetcher, scheme: str) -> None:
        pytest.importorskip("fsspec", reason="pip install 'paddle-zoo[mirrors]'")
        options = DownloadOptions(policy=fetcher.policy, mirrors=(f"{scheme}://bucket",))
        with pytest.raises(UsageError) as caught:
            download([f"{scheme}://bucket/file"], fetcher.part, options)

        assert caught.value.code == "bad-mirror"

    def test_the_light_install_names_the_package_to_install(self, tmp_path: Path) -> None:
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
