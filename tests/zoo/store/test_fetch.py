"""The cache fetches each artifact once, and publishes it after it is verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.errors import ConversionError, IntegrityError, NetworkError
from registry.lock import Lock
from tests.helpers.sample_archives import (
    HOST,
    MODEL,
    artifact,
    digest,
    entry,
    lite,
    tar_gz_of,
    tar_of,
    weights,
    zip_of,
)
from tests.helpers.servers import ScriptedServer, cut, honest, serve, status
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture, fail_verification


class TestFetch:
    @pytest.mark.parametrize(
        ("path", "pack"), [("/m/a.tar", tar_of), ("/m/a.tar.gz", tar_gz_of), ("/m/a.zip", zip_of)]
    )
    def test_an_archive_becomes_the_folder_that_holds_its_files(
        self, store_fixture: StoreFixture, path: str, pack: Callable[[dict[str, bytes]], bytes]
    ) -> None:
        packed = pack(MODEL)
        with serve({path: packed}) as server:
            stored = store_fixture.fetch(server, artifact(path))

        assert stored.path.name == "picodet"
        assert {f"picodet/{file.name}": file.read_bytes() for file in stored.path.iterdir()} == MODEL
        assert stored.digest == digest(packed)
        assert stored.url == server.url + path
        assert not stored.from_cache

    def test_a_bare_file_keeps_its_name(self, store_fixture: StoreFixture, data: bytes) -> None:
        with serve({"/models/picodet.pdparams": data}) as server:
            stored = store_fixture.fetch(server, WEIGHTS)

        assert stored.path.name == "picodet.pdparams"
        assert stored.path.read_bytes() == data

    def test_a_lite_archive_resolves_to_its_model(self, store_fixture: StoreFixture) -> None:
        packed = tar_of({"picodet/readme.txt": b"hello\n", "picodet/picodet_fp16.nb": b"\x02\x00v2.9\0" * 9})
        with serve({"/models/picodet_fp16.tar": packed}) as server:
            stored = store_fixture.fetch(server, lite("/models/picodet_fp16.tar"))

        assert stored.path.name == "picodet_fp16.nb"

    def test_the_layout_can_be_read_by_people(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server)

        sha256 = digest(TAR).sha256
        tree = f"artifacts/picodet@2021/inference-{sha256[:12]}"
        assert store_fixture.files() == [
            *(f"{tree}/files/{name}" for name in sorted(MODEL)),
            f"{tree}/manifest.json",
            f"blobs/sha256/{sha256[:2]}/{sha256}",
            "lock.json",
        ]
        manifest = json.loads((store_fixture.root / tree / "manifest.json").read_text())
        assert manifest["origin"]["canonical"] == HOST + "/models/picodet.tar"
        assert manifest["members"]["picodet/infer_cfg.yml"] == digest(b"mode: paddle\n").model_dump()

    def test_a_second_fetch_opens_no_connection(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            first = store_fixture.fetch(server)
            second = store_fixture.fetch(server, offline=True)

        assert len(server.log) == 1
        assert second.path == first.path
        assert second.from_cache
        assert second.url == first.url

    def test_a_read_only_cache_can_be_read(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server)
            before = store_fixture.files()
            (store_fixture.root / "locks").rename(store_fixture.root / "gone")
            (store_fixture.root / "locks").write_text("no lock can be made here")

            assert store_fixture.fetch(server).from_cache

        assert len(before) == 6

    def test_find_opens_no_connection_and_writes_nothing(self, store_fixture: StoreFixture) -> None:
        assert store_fixture.store.find(ENTRY, INFERENCE) is None
        assert not store_fixture.root.exists()

        with serve({"/models/picodet.tar": TAR}) as server:
            stored = store_fixture.fetch(server)

        found = store_fixture.store.find(ENTRY, INFERENCE)
        assert found is not None
        assert found.path == stored.path

    def test_the_second_address_is_tried_when_the_first_lacks_the_file(
        self, store_fixture: StoreFixture
    ) -> None:
        both = artifact("/models/a.tar", urls=[HOST + "/models/a.tar", "https://other.example/b.tar"])
        with serve({"/b.tar": TAR}) as server:
            stored = store_fixture.fetch(server, both)

            assert stored.url == server.url + "/b.tar"
            assert store_fixture.fetch(server, both).from_cache
        assert store_fixture.store.seen().get(HOST + "/models/a.tar") is not None

    def test_members_are_compared_with_the_catalogs_digests(self, store_fixture: StoreFixture) -> None:
        good = artifact("/models/picodet.tar", members={"infer_cfg.yml": digest(b"mode: paddle\n")})
        bad = artifact("/models/picodet.tar", members={"infer_cfg.yml": digest(b"mode: other\n")})
        missing = artifact("/models/picodet.tar", members={"label.txt": digest(b"")})
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                store_fixture.fetch(server, bad)
            assert caught.value.code == "digest-mismatch"
            with pytest.raises(IntegrityError) as caught:
                store_fixture.fetch(server, missing)
            assert caught.value.code == "member-missing"
            assert store_fixture.fetch(server, good).path.is_dir()


class TestOffline:
    def test_no_connection_is_opened(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(NetworkError) as caught:
            store_fixture.fetch(server, offline=True)

        assert caught.value.code == "offline"
        assert server.log == []

    def test_a_lost_folder_is_unpacked_again(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            path = store_fixture.fetch(server).path
            (path / "model.pdiparams").write_bytes(b"torn")

            again = store_fixture.fetch(server, offline=True)

        assert (again.path / "model.pdiparams").read_bytes() == MODEL["picodet/model.pdiparams"]
        assert again.from_cache
        assert len(server.log) == 1


class TestMissing:
    def test_a_file_missing_on_the_server_leaves_nothing(self, store_fixture: StoreFixture) -> None:
        with serve({}) as server, pytest.raises(NetworkError) as caught:
            store_fixture.fetch(server)

        assert caught.value.code == "not-on-server"
        assert caught.value.exit_code == 4
        assert store_fixture.files() == []

    def test_an_interrupted_download_is_continued(self, store_fixture: StoreFixture) -> None:
        script = [cut(TAR, after=4000), status(404), honest(TAR)]
        with ScriptedServer({"/models/picodet.tar": script}) as server:
            with pytest.raises(NetworkError):
                store_fixture.fetch(server)
            store_fixture.fetch(server)

        assert server.ranges() == [None, "bytes=4000-", "bytes=4000-"]
        assert not list((store_fixture.root / "partial").iterdir())


class TestVerification:
    def test_files_are_verified_before_they_are_visible(self, store_fixture: StoreFixture) -> None:
        seen: list[Path] = []

        def verify(path: Path) -> None:
            seen.append(path)
            assert (path / "model.pdmodel").is_file()
            assert store_fixture.store.find(ENTRY, INFERENCE) is None

        with serve({"/models/picodet.tar": TAR}) as server:
            stored = store_fixture.fetch(server, verify=verify)

        assert seen != [stored.path]
        assert seen[0].name == stored.path.name

    def test_a_bare_file_is_verified_under_its_name(self, store_fixture: StoreFixture, data: bytes) -> None:
        names: list[str] = []
        with serve({"/models/picodet.pdparams": data}) as server:
            store_fixture.fetch(server, WEIGHTS, verify=lambda path: names.append(path.name))

        assert names == ["picodet.pdparams"]

    @pytest.mark.parametrize("known", [True, False])
    def test_a_refused_file_goes_to_quarantine(self, store_fixture: StoreFixture, known: bool) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR) if known else None)
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                store_fixture.fetch(server, wanted, verify=fail_verification)

            assert caught.value.code == "artifact-mismatch"
            assert caught.value.exit_code == 5
            assert "quarantine" in str(caught.value.done)
            assert store_fixture.store.find(ENTRY, wanted) is None
            assert store_fixture.store.seen() == Lock()
            assert all(name.startswith("quarantine/") for name in store_fixture.files())

            reason = json.loads((store_fixture.quarantined() / "reason.json").read_text())
            assert reason["code"] == "artifact-mismatch"
            assert reason["artifact"] == "picodet@2021-inference"
            assert (store_fixture.quarantined() / "files/picodet/model.pdmodel").is_file()
            assert (store_fixture.quarantined() / "picodet.tar").read_bytes() == TAR
            assert caught.value.hint == f"zoo inspect {store_fixture.quarantined()}/files/picodet"

            # The next fetch downloads and verifies it again.
            assert store_fixture.fetch(server, wanted).path.is_dir()
        assert len(server.log) == 2

    def test_an_unsafe_archive_goes_to_quarantine(self, store_fixture: StoreFixture) -> None:
        evil = tar_of({"../evil": b"x"})
        with serve({"/models/picodet.tar": evil}) as server, pytest.raises(IntegrityError) as caught:
            store_fixture.fetch(server)

        assert caught.value.code == "unsafe-archive"
        assert all(name.startswith("quarantine/") for name in store_fixture.files())
        assert not (store_fixture.root.parent / "evil").exists()

    def test_another_error_during_verification_keeps_the_download(self, store_fixture: StoreFixture) -> None:
        def crash(_: Path) -> None:
            raise ConversionError("reader-crashed", "boom")

        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(ConversionError):
                store_fixture.fetch(server, verify=crash)
            assert store_fixture.fetch(server).path.is_dir()

        assert len(server.log) == 1
        assert not (store_fixture.root / "quarantine").exists()


def test_threads_fetch_each_artifact_once(store_fixture: StoreFixture, data: bytes) -> None:
    files = {f"/models/{number}.pdparams": data + bytes([number]) for number in range(4)}
    wanted = [weights(path) for path in files] * 4
    with serve(files) as server:
        with ThreadPoolExecutor(16) as pool:
            stored = list(pool.map(lambda one: store_fixture.fetch(server, one, of=entry(one)), wanted))

        assert sorted(seen.path for seen in server.log) == sorted(files)
    assert {one.path.read_bytes() for one in stored} == set(files.values())


def test_records_of_another_process_are_read(store_fixture: StoreFixture, data: bytes) -> None:
    other = StoreFixture(store_fixture.root, store_fixture.policy)
    with serve({"/models/picodet.tar": TAR, "/models/picodet.pdparams": data}) as server:
        store_fixture.fetch(server)
        before = store_fixture.store.seen()
        other.fetch(server, WEIGHTS)

        assert set(store_fixture.store.seen().artifacts) == {*before.artifacts, WEIGHTS.urls[0]}
        assert store_fixture.store.seen() == other.store.seen()
