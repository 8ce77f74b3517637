"""Damaged copies, full disks and leftovers of killed processes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from registry.errors import IntegrityError, MissingToolError, ZooError
from tests.helpers.servers import ScriptedServer, serve
from tests.helpers.store_fixture import ENTRY, TAR, WEIGHTS, StoreFixture
from zoo.store import RetryPolicy


class TestDamage:
    @pytest.mark.parametrize(
        "harm", ["shorten", "remove", "empty manifest", "no manifest", "foreign manifest"]
    )
    def test_a_damaged_copy_is_quarantined_and_fetched_again(
        self, store_fixture: StoreFixture, harm: str
    ) -> None:
        with serve({"/models/picodet.pdparams": b"\x80\x02" * 99, "/models/picodet.tar": TAR}) as server:
            file = store_fixture.fetch(server, WEIGHTS).path
            manifest = file.parent.parent / "manifest.json"
            other = store_fixture.fetch(server).path.parent.parent / "manifest.json"
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
                store_fixture.store.find(ENTRY, WEIGHTS)
            again = store_fixture.fetch(server, WEIGHTS)

            assert again.path == file
            assert file.read_bytes() == b"\x80\x02" * 99
            assert not again.from_cache
            assert any("fetching it again" in note for note in store_fixture.notes)
            assert (store_fixture.quarantined() / "reason.json").is_file()
        assert server.count("/models/picodet.pdparams") == 2

    def test_a_lost_record_of_digests_is_written_again(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            before = store_fixture.fetch(server)
            (store_fixture.root / "lock.json").unlink()
            assert store_fixture.fetch(server).path == before.path

        assert store_fixture.store.verify().clean

    def test_a_torn_record_of_digests_is_reported_with_file_and_line(
        self, store_fixture: StoreFixture
    ) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server)
            (store_fixture.root / "lock.json").write_text("{\n<<<<<<< HEAD\n")
            with pytest.raises(ZooError) as caught:
                store_fixture.fetch(server)

        assert f"{store_fixture.root / 'lock.json'}:2" in caught.value.message

    def test_leftovers_of_a_killed_fetch_are_removed(self, store_fixture: StoreFixture) -> None:
        stale = store_fixture.root / "artifacts/picodet@2021/.inference-0123456789ab.tmp/files"
        foreign = store_fixture.root / "artifacts/picodet@2021/.inference-nms-0123456789ab.tmp/files"
        stale.mkdir(parents=True)
        (stale / "half").write_bytes(b"half")
        foreign.mkdir(parents=True)
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server)

        assert not stale.parent.exists()
        assert foreign.exists()


class TestDisk:
    """A full or read-only disk is reported; nothing is lost and nothing is left."""

    def deny(self, patch: pytest.MonkeyPatch, name: str, spared: int) -> None:
        """Let a system call fail once, after a number of calls that work."""
        real = getattr(os, name)
        spare = iter(range(spared))

        def denied(first: object, *rest: object, **more: object) -> object:
            if next(spare, None) is None:
                patch.undo()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(first))
            return real(first, *rest, **more)

        patch.setattr(os, name, denied)

    def error_of(self, store_fixture: StoreFixture, server: ScriptedServer) -> MissingToolError | None:
        try:
            store_fixture.fetch(server)
        except MissingToolError as error:
            return error
        return None

    @pytest.mark.table("full disks")
    @pytest.mark.parametrize("name", ["fsync", "rename", "replace", "open"])
    @pytest.mark.parametrize("spared", range(0, 10, 3))
    def test_full_at_any_point(
        self,
        store_fixture: StoreFixture,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        spared: int,
        data: bytes,
    ) -> None:
        with serve({"/models/picodet.tar": TAR, "/models/picodet.pdparams": data}) as server:
            kept = store_fixture.fetch(server, WEIGHTS)
            with monkeypatch.context() as patch:
                self.deny(patch, name, spared)
                error = self.error_of(store_fixture, server)
            if error is not None:  # the call that would fail is never made
                assert (error.code, error.exit_code) == ("disk-full", 7)
                assert str(store_fixture.root) in str(error)
            assert store_fixture.fetch(server, WEIGHTS).path == kept.path
            assert store_fixture.fetch(server).path.is_dir()

        assert store_fixture.store.verify().clean
        hidden = [path for path in store_fixture.root.rglob("*") if path.name.startswith(".")]
        assert hidden == []

    def test_a_lack_of_space_is_found_before_the_first_byte(
        self, store_fixture: StoreFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(100, 90, 10))
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(MissingToolError) as caught:
            store_fixture.fetch(server)

        assert caught.value.code == "disk-full"
        assert "10 bytes free" in str(caught.value.found)
        assert store_fixture.files() == []

    def test_a_cache_path_that_is_not_a_folder(self, tmp_path: Path, fast_retries: RetryPolicy) -> None:
        (tmp_path / "store").write_text("a file")
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(MissingToolError) as caught:
            StoreFixture(tmp_path / "store", fast_retries).fetch(server)

        assert caught.value.code == "cache-unusable"
        assert server.log == []


class Usage:
    def __init__(self, total: int, used: int, free: int) -> None:
        self.total, self.used, self.free = total, used, free
