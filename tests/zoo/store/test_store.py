"""What the store promises: fetched once, proven before it is handed out, unchanged ever after."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.errors import ConversionError, IntegrityError, MissingToolError, NetworkError, ZooError
from registry.lock import Lock, Locked
from registry.schema import Artifact, Entry
from tests.servers import LyingServer, cut, honest, serve, status
from tests.zoo.store.samples import (
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
from zoo.store import RetryPolicy, SourceOptions, Store, Stored

TAR = tar_of(MODEL)
INFERENCE = artifact("/models/picodet.tar")
WEIGHTS = weights("/models/picodet.pdparams")
ENTRY = entry(INFERENCE, WEIGHTS, lite("/models/picodet_fp16.tar"))


def trust(_: Path) -> None:
    """A proof that everything passes."""


def fails_proof(path: Path) -> None:
    raise IntegrityError("not-what-it-is-called", f"{path.name} is FP32", expected="fp16", found="fp32")


class Shop:
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
        **more: object,
    ) -> Stored:
        source = SourceOptions(mirror=server.url, offline=offline, policy=self.policy)
        return self.store.fetch(of, wanted, prove=prove, source=source, note=self.notes.append, **more)  # type: ignore[arg-type]

    def files(self) -> list[str]:
        """Everything in the store but lock files, relative to its root."""
        found = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]
        return sorted(name for name in found if not name.startswith("locks/"))

    def quarantined(self) -> Path:
        (folder,) = (self.root / "quarantine").iterdir()
        return folder


@pytest.fixture
def shop(tmp_path: Path, hasty: RetryPolicy) -> Shop:
    return Shop(tmp_path / "store", hasty)


def pinned(wanted: Artifact, data: bytes) -> Lock:
    known = digest(data)
    line = Locked(artifact=f"picodet@2021/{wanted.id}", sha256=known.sha256, size=known.size)
    return Lock().with_seen(wanted.urls[0], line)


class TestFetch:
    @pytest.mark.parametrize(
        ("path", "pack"), [("/m/a.tar", tar_of), ("/m/a.tar.gz", tar_gz_of), ("/m/a.zip", zip_of)]
    )
    def test_an_archive_becomes_the_folder_that_holds_its_files(
        self, shop: Shop, path: str, pack: Callable[[dict[str, bytes]], bytes]
    ) -> None:
        packed = pack(MODEL)
        with serve({path: packed}) as server:
            stored = shop.fetch(server, artifact(path))

        assert stored.path.name == "picodet"
        assert {f"picodet/{file.name}": file.read_bytes() for file in stored.path.iterdir()} == MODEL
        assert stored.digest == digest(packed)
        assert stored.url == server.url + path
        assert not stored.from_cache

    def test_a_bare_file_keeps_its_name(self, shop: Shop, data: bytes) -> None:
        with serve({"/models/picodet.pdparams": data}) as server:
            stored = shop.fetch(server, WEIGHTS)

        assert stored.path.name == "picodet.pdparams"
        assert stored.path.read_bytes() == data

    def test_of_a_lite_archive_the_model_is_handed_out(self, shop: Shop) -> None:
        packed = tar_of({"picodet/readme.txt": b"hello\n", "picodet/picodet_fp16.nb": b"\x02\x00v2.9\0" * 9})
        with serve({"/models/picodet_fp16.tar": packed}) as server:
            stored = shop.fetch(server, lite("/models/picodet_fp16.tar"))

        assert stored.path.name == "picodet_fp16.nb"

    def test_the_layout_can_be_read_by_people(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server)

        sha256 = digest(TAR).sha256
        tree = f"artifacts/picodet@2021/inference-{sha256[:12]}"
        assert shop.files() == [
            *(f"{tree}/files/{name}" for name in sorted(MODEL)),
            f"{tree}/manifest.json",
            f"blobs/sha256/{sha256[:2]}/{sha256}",
            "lock.json",
        ]
        manifest = json.loads((shop.root / tree / "manifest.json").read_text())
        assert manifest["origin"]["canonical"] == HOST + "/models/picodet.tar"
        assert manifest["members"]["picodet/infer_cfg.yml"] == digest(b"mode: paddle\n").model_dump()

    def test_the_second_time_no_server_is_asked(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            first = shop.fetch(server)
            second = shop.fetch(server, offline=True)

        assert len(server.log) == 1
        assert second.path == first.path
        assert second.from_cache
        assert second.url == first.url

    def test_a_store_that_was_copied_read_only_still_hands_out(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server)
            before = shop.files()
            (shop.root / "locks").rename(shop.root / "gone")
            (shop.root / "locks").write_text("no lock can be made here")

            assert shop.fetch(server).from_cache

        assert len(before) == 6

    def test_find_asks_nobody_and_writes_nothing(self, shop: Shop) -> None:
        assert shop.store.find(ENTRY, INFERENCE) is None
        assert not shop.root.exists()

        with serve({"/models/picodet.tar": TAR}) as server:
            stored = shop.fetch(server)

        found = shop.store.find(ENTRY, INFERENCE)
        assert found is not None
        assert found.path == stored.path

    def test_the_second_address_is_asked_when_the_first_has_it_not(self, shop: Shop) -> None:
        both = artifact("/models/a.tar", urls=[HOST + "/models/a.tar", "https://other.example/b.tar"])
        with serve({"/b.tar": TAR}) as server:
            stored = shop.fetch(server, both)

            assert stored.url == server.url + "/b.tar"
            assert shop.fetch(server, both).from_cache
        assert shop.store.seen().get(HOST + "/models/a.tar") is not None

    def test_members_the_catalogue_knows_are_compared(self, shop: Shop) -> None:
        good = artifact("/models/picodet.tar", members={"infer_cfg.yml": digest(b"mode: paddle\n")})
        bad = artifact("/models/picodet.tar", members={"infer_cfg.yml": digest(b"mode: other\n")})
        missing = artifact("/models/picodet.tar", members={"label.txt": digest(b"")})
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                shop.fetch(server, bad)
            assert caught.value.code == "digest-mismatch"
            with pytest.raises(IntegrityError) as caught:
                shop.fetch(server, missing)
            assert caught.value.code == "member-missing"
            assert shop.fetch(server, good).path.is_dir()


class TestOffline:
    def test_nothing_is_opened(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(NetworkError) as caught:
            shop.fetch(server, offline=True)

        assert caught.value.code == "offline"
        assert server.log == []

    def test_a_lost_folder_is_unpacked_again(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            path = shop.fetch(server).path
            (path / "model.pdiparams").write_bytes(b"torn")

            again = shop.fetch(server, offline=True)

        assert (again.path / "model.pdiparams").read_bytes() == MODEL["picodet/model.pdiparams"]
        assert again.from_cache
        assert len(server.log) == 1


class TestMissing:
    def test_a_file_the_server_has_not_leaves_nothing(self, shop: Shop) -> None:
        with serve({}) as server, pytest.raises(NetworkError) as caught:
            shop.fetch(server)

        assert caught.value.code == "not-on-server"
        assert caught.value.exit_code == 4
        assert shop.files() == []

    def test_an_interrupted_download_goes_on_next_time(self, shop: Shop) -> None:
        script = [cut(TAR, after=4000), status(404), honest(TAR)]
        with LyingServer({"/models/picodet.tar": script}) as server:
            with pytest.raises(NetworkError):
                shop.fetch(server)
            shop.fetch(server)

        assert server.ranges() == [None, "bytes=4000-", "bytes=4000-"]
        assert not list((shop.root / "partial").iterdir())


class TestProof:
    def test_it_sees_what_will_be_handed_out_before_anyone_else(self, shop: Shop) -> None:
        seen: list[Path] = []

        def prove(path: Path) -> None:
            seen.append(path)
            assert (path / "model.pdmodel").is_file()
            assert shop.store.find(ENTRY, INFERENCE) is None

        with serve({"/models/picodet.tar": TAR}) as server:
            stored = shop.fetch(server, prove=prove)

        assert seen != [stored.path]
        assert seen[0].name == stored.path.name

    def test_a_bare_file_is_proven_under_its_name(self, shop: Shop, data: bytes) -> None:
        names: list[str] = []
        with serve({"/models/picodet.pdparams": data}) as server:
            shop.fetch(server, WEIGHTS, prove=lambda path: names.append(path.name))

        assert names == ["picodet.pdparams"]

    @pytest.mark.parametrize("known", [True, False])
    def test_what_fails_goes_to_quarantine(self, shop: Shop, known: bool) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR) if known else None)
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                shop.fetch(server, wanted, prove=fails_proof)

            assert caught.value.code == "not-what-it-is-called"
            assert caught.value.exit_code == 5
            assert "quarantine" in str(caught.value.done)
            assert shop.store.find(ENTRY, wanted) is None
            assert shop.store.seen() == Lock()
            assert all(name.startswith("quarantine/") for name in shop.files())

            reason = json.loads((shop.quarantined() / "reason.json").read_text())
            assert reason["code"] == "not-what-it-is-called"
            assert reason["artifact"] == "picodet@2021-inference"
            assert (shop.quarantined() / "files/picodet/model.pdmodel").is_file()

            # The next time it is fetched and looked at again.
            assert shop.fetch(server, wanted).path.is_dir()
        assert len(server.log) == 2

    def test_an_unsafe_archive_goes_there_too(self, shop: Shop) -> None:
        evil = tar_of({"../evil": b"x"})
        with serve({"/models/picodet.tar": evil}) as server, pytest.raises(IntegrityError) as caught:
            shop.fetch(server)

        assert caught.value.code == "unsafe-archive"
        assert all(name.startswith("quarantine/") for name in shop.files())
        assert not (shop.root.parent / "evil").exists()

    def test_another_error_of_the_proof_leaves_the_download_alone(self, shop: Shop) -> None:
        def crash(_: Path) -> None:
            raise ConversionError("reader-crashed", "boom")

        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(ConversionError):
                shop.fetch(server, prove=crash)
            assert shop.fetch(server).path.is_dir()

        assert len(server.log) == 1
        assert not (shop.root / "quarantine").exists()


class TestDrift:
    """The file behind an address changes in place: an event, never a refresh."""

    NEWER = tar_of({"picodet/model.pdmodel": b"newer"})

    def drifted(
        self, shop: Shop, server: LyingServer, wanted: Artifact = INFERENCE, **more: object
    ) -> IntegrityError:
        server.script("/models/picodet.tar", honest(self.NEWER))
        with pytest.raises(IntegrityError) as caught:
            shop.fetch(server, wanted, **more)  # type: ignore[arg-type]
        assert caught.value.exit_code == 5
        assert digest(self.NEWER).sha256 in str(caught.value.found)
        assert digest(TAR).sha256 in str(caught.value.expected)
        return caught.value

    def test_what_was_seen_first_stays(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            tree = shop.fetch(server).path
            remove_all(shop.root / "artifacts")
            remove_all(shop.root / "blobs")
            error = self.drifted(shop, server)

            assert error.code == "digest-changed"
            assert "first seen on this machine" in str(error.expected)
            assert "zoo lock --accept picodet@2021" in str(error.hint)
            assert (shop.quarantined() / "reason.json").is_file()
            assert not tree.exists()
            seen = shop.store.seen().get(INFERENCE.urls[0])
            assert seen is not None
            assert seen.digest == digest(TAR)

            # What is refused is not remembered as a download to go on with.
            server.script("/models/picodet.tar", honest(TAR))
            assert shop.fetch(server).digest == digest(TAR)

    def test_a_project_lock_binds_on_a_new_machine(self, shop: Shop) -> None:
        with serve({}) as server:
            error = self.drifted(shop, server, pins=pinned(INFERENCE, TAR))

        assert error.code == "digest-changed"
        assert "zoo.lock" in str(error.expected)

    def test_a_catalogue_digest_binds(self, shop: Shop) -> None:
        with serve({}) as server:
            error = self.drifted(shop, server, artifact("/models/picodet.tar", digest=digest(TAR)))

        assert error.code == "size-mismatch"

    def test_accepting_replaces_what_is_remembered(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            old = shop.fetch(server)
            server.script("/models/picodet.tar", honest(self.NEWER))
            new = shop.fetch(server, accept=True)

            assert new.digest == digest(self.NEWER)
            assert shop.fetch(server).path == new.path
            # A project that still locks the old bytes goes on getting them.
            assert shop.fetch(server, pins=pinned(INFERENCE, TAR)).path == old.path
        assert shop.store.verify().clean

    def test_accepting_does_not_overrule_the_catalogue(self, shop: Shop) -> None:
        with serve({}) as server:
            self.drifted(shop, server, artifact("/models/picodet.tar", digest=digest(TAR)), accept=True)

    def test_sources_that_disagree_are_refused_before_anything_is_fetched(self, shop: Shop) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR))
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(IntegrityError) as caught:
            shop.fetch(server, wanted, pins=pinned(wanted, self.NEWER))

        assert caught.value.code == "digest-changed"
        assert "the catalogue" in str(caught.value.expected)
        assert "zoo.lock" in str(caught.value.found)
        assert server.log == []

    def test_nor_does_a_copy_in_the_store_settle_it(self, shop: Shop) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR))
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server, wanted)
            for ask in (shop.store.find, lambda *a, **k: shop.fetch(server, wanted, **k)):
                with pytest.raises(IntegrityError) as caught:
                    ask(ENTRY, wanted, pins=pinned(wanted, self.NEWER))
                assert caught.value.code == "digest-changed"

    def test_a_lock_other_than_what_this_machine_saw_is_refused(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server)
            with pytest.raises(IntegrityError) as caught:
                shop.fetch(server, pins=pinned(INFERENCE, self.NEWER))

        assert caught.value.code == "digest-changed"
        assert len(server.log) == 1

    def test_locked_refuses_what_the_lock_does_not_hold(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                shop.fetch(server, locked=True)
            assert caught.value.code == "not-locked"
            assert server.log == []

            assert shop.fetch(server, locked=True, pins=pinned(INFERENCE, TAR)).path.is_dir()


class TestDamage:
    @pytest.mark.parametrize(
        "harm", ["shorten", "remove", "empty manifest", "no manifest", "foreign manifest"]
    )
    def test_a_damaged_copy_is_put_aside_and_fetched_again(self, shop: Shop, harm: str) -> None:
        with serve({"/models/picodet.pdparams": b"\x80\x02" * 99, "/models/picodet.tar": TAR}) as server:
            file = shop.fetch(server, WEIGHTS).path
            manifest = file.parent.parent / "manifest.json"
            other = shop.fetch(server).path.parent.parent / "manifest.json"
            if harm == "shorten":
                file.write_bytes(b"\x80\x02")
            elif harm == "remove":
                file.unlink()
            elif harm == "empty manifest":
                manifest.write_bytes(b"")
            elif harm == "no manifest":
                manifest.unlink()
            else:
                manifest.write_bytes(other.read_bytes())

            with pytest.raises(IntegrityError):
                shop.store.find(ENTRY, WEIGHTS)
            again = shop.fetch(server, WEIGHTS)

            assert again.path == file
            assert file.read_bytes() == b"\x80\x02" * 99
            assert not again.from_cache
            assert any("fetching it again" in note for note in shop.notes)
            assert (shop.quarantined() / "reason.json").is_file()
        assert server.count("/models/picodet.pdparams") == 2

    def test_a_lost_memory_does_no_harm(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            before = shop.fetch(server)
            (shop.root / "lock.json").unlink()
            assert shop.fetch(server).path == before.path

        assert shop.store.verify().clean

    def test_a_torn_memory_is_named_with_file_and_line(self, shop: Shop) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server)
            (shop.root / "lock.json").write_text("{\n<<<<<<< HEAD\n")
            with pytest.raises(ZooError) as caught:
                shop.fetch(server)

        assert f"{shop.root / 'lock.json'}:2" in caught.value.message

    def test_what_a_killed_process_left_is_cleared_away(self, shop: Shop) -> None:
        stale = shop.root / "artifacts/picodet@2021/.inference-0123456789ab.tmp/files"
        foreign = shop.root / "artifacts/picodet@2021/.inference-nms-0123456789ab.tmp/files"
        stale.mkdir(parents=True)
        (stale / "half").write_bytes(b"half")
        foreign.mkdir(parents=True)
        with serve({"/models/picodet.tar": TAR}) as server:
            shop.fetch(server)

        assert not stale.parent.exists()
        assert foreign.exists()


class TestDisk:
    """A full or read-only disk: said plainly, nothing lost, nothing left."""

    def deny(self, patch: pytest.MonkeyPatch, name: str, spared: int) -> None:
        """Lets a system call fail once, after some that were spared."""
        real = getattr(os, name)
        spare = iter(range(spared))

        def denied(first: object, *rest: object, **more: object) -> object:
            if next(spare, None) is None:
                patch.undo()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(first))
            return real(first, *rest, **more)

        patch.setattr(os, name, denied)

    def error_of(self, shop: Shop, server: LyingServer) -> MissingToolError | None:
        try:
            shop.fetch(server)
        except MissingToolError as error:
            return error
        return None

    @pytest.mark.parametrize("name", ["fsync", "rename", "replace", "open"])
    @pytest.mark.parametrize("spared", range(0, 10, 3))
    def test_full_at_any_point(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str, spared: int, data: bytes
    ) -> None:
        with serve({"/models/picodet.tar": TAR, "/models/picodet.pdparams": data}) as server:
            kept = shop.fetch(server, WEIGHTS)
            with monkeypatch.context() as patch:
                self.deny(patch, name, spared)
                error = self.error_of(shop, server)
            if error is not None:  # with more calls spared than are made, nothing goes wrong
                assert (error.code, error.exit_code) == ("disk-full", 7)
                assert str(shop.root) in str(error)
            assert shop.fetch(server, WEIGHTS).path == kept.path
            assert shop.fetch(server).path.is_dir()

        assert shop.store.verify().clean
        hidden = [path for path in shop.root.rglob("*") if path.name.startswith(".")]
        assert hidden == []

    def test_no_room_is_noticed_before_the_first_byte(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(100, 90, 10))
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(MissingToolError) as caught:
            shop.fetch(server)

        assert caught.value.code == "disk-full"
        assert "10 bytes free" in str(caught.value.found)
        assert shop.files() == []

    def test_a_place_that_is_no_folder(self, tmp_path: Path, hasty: RetryPolicy) -> None:
        (tmp_path / "store").write_text("a file")
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(MissingToolError) as caught:
            Shop(tmp_path / "store", hasty).fetch(server)

        assert caught.value.code == "store-unusable"
        assert server.log == []


class Usage:
    def __init__(self, total: int, used: int, free: int) -> None:
        self.total, self.used, self.free = total, used, free


class TestBuilt:
    KEY = "inference-0123-lite-arm-fp16"

    def make(self, folder: Path) -> None:
        (folder / "logs").mkdir()
        (folder / "logs" / "opt.txt").write_text("done")
        (folder / "model.nb").write_bytes(b"\x02\x00nb")

    def test_made_once_then_found(self, shop: Shop) -> None:
        folder = shop.store.put_built(self.KEY, self.make)

        assert (folder / "model.nb").read_bytes() == b"\x02\x00nb"
        assert shop.store.put_built(self.KEY, fails) == folder
        assert shop.store.find_built(self.KEY) == folder
        assert shop.store.verify().checked == 2

    def test_what_fails_leaves_nothing(self, shop: Shop) -> None:
        with pytest.raises(ConversionError):
            shop.store.put_built(self.KEY, fails)

        assert shop.store.find_built(self.KEY) is None
        assert shop.files() == []

    def test_what_a_killed_conversion_left_is_cleared_away(self, shop: Shop) -> None:
        stale = shop.root / f"built/.{self.KEY}.tmp/files"
        stale.mkdir(parents=True)
        (stale / "half.nb").write_bytes(b"half")

        folder = shop.store.put_built(self.KEY, self.make)

        assert sorted(path.name for path in folder.iterdir()) == ["logs", "model.nb"]

    def test_a_damaged_one_is_made_again(self, shop: Shop) -> None:
        (shop.store.put_built(self.KEY, self.make) / "model.nb").write_bytes(b"longer than it was")
        folder = shop.store.put_built(self.KEY, self.make, note=shop.notes.append)

        assert (folder / "model.nb").read_bytes() == b"\x02\x00nb"
        assert "converting again" in shop.notes[0]

    def test_of_many_threads_one_works_and_the_others_wait(self, shop: Shop) -> None:
        runs: list[int] = []
        started = threading.Barrier(8)

        def make(folder: Path) -> None:
            runs.append(1)
            self.make(folder)

        def ask(_: int) -> Path:
            started.wait()
            return shop.store.put_built(self.KEY, make)

        with ThreadPoolExecutor(8) as pool:
            folders = set(pool.map(ask, range(8)))

        assert len(runs) == 1
        assert len(folders) == 1

    @pytest.mark.parametrize("key", ["", ".hidden", "../up", "a/b", "a b", "x" * 201])
    def test_a_key_is_a_plain_file_name(self, shop: Shop, key: str) -> None:
        with pytest.raises(ValueError, match="plain file name"):
            shop.store.put_built(key, self.make)


def fails(folder: Path) -> None:
    (folder / "half.nb").write_bytes(b"half")
    raise ConversionError("opt-crashed", "the converter crashed")


def remove_all(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_threads_fetch_each_artifact_once(shop: Shop, data: bytes) -> None:
    files = {f"/models/{number}.pdparams": data + bytes([number]) for number in range(4)}
    wanted = [weights(path) for path in files] * 4
    with serve(files) as server:
        with ThreadPoolExecutor(16) as pool:
            stored = list(pool.map(lambda one: shop.fetch(server, one, of=entry(one)), wanted))

        assert sorted(seen.path for seen in server.log) == sorted(files)
    assert {one.path.read_bytes() for one in stored} == set(files.values())


class TestVerify:
    @pytest.fixture
    def filled(self, shop: Shop, data: bytes) -> Shop:
        with serve({"/models/picodet.tar": TAR, "/models/picodet.pdparams": data}) as server:
            shop.fetch(server)
            shop.fetch(server, WEIGHTS)
        shop.store.put_built("key", lambda folder: (folder / "a.nb").write_bytes(b"nb") and None)
        return shop

    def path(self, shop: Shop, artifact: Artifact) -> Path:
        found = shop.store.find(ENTRY, artifact)
        assert found is not None
        return found.path

    def test_a_sound_store(self, filled: Shop) -> None:
        report = filled.store.verify()

        # Three members, the archive, the weights, the conversion.
        assert (report.checked, report.ok, report.clean) == (6, 6, True)

    def test_an_empty_one(self, shop: Shop) -> None:
        assert shop.store.verify().clean
        assert not shop.root.exists()

    def test_a_changed_byte_is_found_where_a_warm_start_cannot_see_it(self, filled: Shop) -> None:
        file = self.path(filled, INFERENCE) / "model.pdiparams"
        changed = bytearray(file.read_bytes())
        changed[100] ^= 1
        file.write_bytes(changed)

        report = filled.store.verify()

        assert [mismatch.path for mismatch in report.mismatches] == [file]
        assert digest(bytes(changed)).sha256 in report.mismatches[0].found
        assert (report.checked, report.ok, report.clean) == (6, 5, False)

    def test_missing_and_extra_files(self, filled: Shop) -> None:
        folder = self.path(filled, INFERENCE)
        (folder / "infer_cfg.yml").unlink()
        (folder / "notes.txt").write_text("mine")

        report = filled.store.verify()

        assert report.missing == (folder / "infer_cfg.yml",)
        assert report.extra == (folder / "notes.txt",)

    def test_a_torn_archive(self, filled: Shop) -> None:
        (blob,) = (filled.root / "blobs").glob("*/*/*")
        blob.write_bytes(b"torn")

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [blob]

    def test_a_lost_manifest(self, filled: Shop) -> None:
        folder = self.path(filled, INFERENCE).parent.parent
        (folder / "manifest.json").unlink()

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [folder]

    def test_a_folder_under_the_name_of_another_digest(self, filled: Shop) -> None:
        folder = self.path(filled, WEIGHTS).parent.parent
        moved = folder.with_name("weights-0123456789ab")
        folder.rename(moved)

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [moved]

    def test_only_what_belongs_to_some_entries(self, filled: Shop) -> None:
        assert filled.store.verify([entry(name="other")]).checked == 0
        assert filled.store.verify([ENTRY]).checked == 5

    def test_against_a_catalogue_that_learned_a_digest(self, filled: Shop) -> None:
        right = entry(artifact("/models/picodet.tar", digest=digest(TAR)))
        wrong = entry(artifact("/models/picodet.tar", digest=digest(b"other")))

        assert filled.store.verify([right]).clean
        (mismatch,) = filled.store.verify([wrong]).mismatches
        assert "the catalogue" in mismatch.expected

    def test_against_the_lock(self, filled: Shop) -> None:
        lock = filled.store.seen()
        line = lock.artifacts[INFERENCE.urls[0]].model_copy(update={"sha256": "0" * 64})
        (filled.root / "lock.json").write_text(lock.accepting(INFERENCE.urls[0], line).dump())

        (mismatch,) = filled.store.verify().mismatches
        assert "the lock" in mismatch.expected
