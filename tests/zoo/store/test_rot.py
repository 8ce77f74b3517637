"""Bytes that changed while the size did not: found by every fetch, never exported, and repaired."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.errors import IntegrityError
from tests.helpers.sample_archives import MODEL
from tests.helpers.servers import serve
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture, pinned
from zoo._utils.cache_names import DIGESTS
from zoo.store import digest_cache

PATH = "/models/picodet.tar"
MEMBER = "model.pdiparams"


def flip(path: Path) -> None:
    """Change one byte in place; the change time tells."""
    with path.open("r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 0x41]))


def flip_and_hide(path: Path) -> None:
    """Change one byte, and set the modification time back."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_file(path: Path) -> None:
    """Replace the file by another of the same size and time."""
    before, content = path.stat(), path.read_bytes()
    other = path.with_name("other")
    other.write_bytes(content[::-1])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


HARMS = [flip, flip_and_hide, replace_file]


@pytest.fixture
def filled(store_fixture: StoreFixture, monkeypatch: pytest.MonkeyPatch) -> StoreFixture:
    """A cache whose digests were computed and remembered by an earlier fetch."""
    monkeypatch.setattr(digest_cache, "SETTLED_NS", 0)
    with serve({PATH: TAR}) as server:
        store_fixture.fetch(server)
        store_fixture.fetch(server)
    return store_fixture


@pytest.mark.table("attacks")
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(
    "options", [{}, {"reread": True}, {"locked": True, "pins": pinned(INFERENCE, TAR)}], ids=str
)
def test_a_fetch_renews_a_changed_file(
    filled: StoreFixture, harm: Callable[[Path], None], options: dict[str, object]
) -> None:
    with serve({}) as server:
        path = filled.fetch(server).path
        harm(path / MEMBER)

        with pytest.raises(IntegrityError) as caught:
            filled.store.find(ENTRY, INFERENCE)
        again = filled.fetch(server, **options)

        assert server.log == [], "the archive in the cache was unpacked again"
    assert caught.value.code == "cache-damaged"
    assert caught.value.hint == "zoo verify --repair"
    assert (again.path / MEMBER).read_bytes() == MODEL[f"picodet/{MEMBER}"]
    assert (filled.quarantined() / "published/files/picodet" / MEMBER).is_file()
    assert filled.store.verify().clean


def test_bytes_that_a_disk_loses_are_found_when_every_byte_is_hashed(filled: StoreFixture) -> None:
    """No time changes then: the remembered digests say that all is well."""
    with serve({}) as server:
        path = filled.fetch(server).path
        flip(path / MEMBER)
        remember_as_unchanged(path.parent.parent, f"picodet/{MEMBER}")

        assert filled.fetch(server).path == path
        assert (path / MEMBER).read_bytes() != MODEL[f"picodet/{MEMBER}"]
        assert filled.fetch(server, reread=True).path == path
        assert (path / MEMBER).read_bytes() == MODEL[f"picodet/{MEMBER}"]


def remember_as_unchanged(folder: Path, name: str) -> None:
    digests = json.loads((folder / DIGESTS).read_text())
    status = (folder / "files" / name).stat()
    digests[name][:5] = [
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]
    (folder / DIGESTS).write_text(json.dumps(digests))


def test_a_file_that_changed_just_now_is_hashed_every_time(store_fixture: StoreFixture) -> None:
    """A second change in the same step of the clock would not be seen."""
    with serve({PATH: TAR}) as server:
        path = store_fixture.fetch(server).path
        store_fixture.fetch(server)

        assert not (path.parent.parent / DIGESTS).exists()


def test_unchanged_files_are_hashed_once(filled: StoreFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    real = digest_cache.sha256_of
    monkeypatch.setattr(digest_cache, "sha256_of", lambda path: hashed.append(path) or real(path))
    with serve({}) as server:
        filled.fetch(server)
        assert hashed == []
        filled.fetch(server, reread=True)
        assert len(hashed) == len(MODEL)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"1", b'{"a": 1}', b'{"a": [1]}', b"\xff", b"[" * 100_000, b'{"picodet/x": null}'],
)
def test_a_torn_record_of_digests_costs_a_hash(filled: StoreFixture, content: bytes) -> None:
    with serve({}) as server:
        path = filled.fetch(server).path
        record = path.parent.parent / DIGESTS
        record.write_bytes(content)
        flip(path / MEMBER)

        assert (filled.fetch(server).path / MEMBER).read_bytes() == MODEL[f"picodet/{MEMBER}"]


@pytest.mark.parametrize("harm", HARMS)
def test_a_bare_file_is_downloaded_again(store_fixture: StoreFixture, harm: Callable[[Path], None]) -> None:
    data = b"\x80\x02" * 99 + b"x"
    with serve({"/models/picodet.pdparams": data}) as server:
        path = store_fixture.fetch(server, WEIGHTS).path
        harm(path)
        assert store_fixture.fetch(server, WEIGHTS).path.read_bytes() == data
        assert len(server.log) == 2


@pytest.mark.parametrize("harm", HARMS)
def test_a_conversion_is_made_again(store_fixture: StoreFixture, harm: Callable[[Path], None]) -> None:
    def fill(folder: Path) -> None:
        (folder / "model.nb").write_bytes(b"good bytes")

    harm(store_fixture.convert("key", fill) / "model.nb")

    with pytest.raises(IntegrityError):
        store_fixture.store.find_built("key")
    assert (store_fixture.convert("key", fill) / "model.nb").read_bytes() == b"good bytes"
    assert "converting again" in store_fixture.notes[0]


@pytest.mark.table("attacks")
@pytest.mark.parametrize(
    "name", ["../../../../outside", "/etc/passwd", "picodet/../../x", "a//b", "./a", "", ".", "a\0b", ".."]
)
def test_a_manifest_that_leads_out_of_its_folder_is_damaged(
    filled: StoreFixture, tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    with serve({}) as server:
        folder = filled.fetch(server).path.parent.parent
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["members"] = {name: next(iter(manifest["members"].values()))}
        (folder / "manifest.json").write_text(json.dumps(manifest))

        with pytest.raises(IntegrityError) as caught:
            filled.store.find(ENTRY, INFERENCE)
        assert caught.value.code == "cache-damaged"
        assert not filled.store.verify().clean
        assert filled.fetch(server).path.is_relative_to(filled.root)
    assert filled.store.verify().clean


class TestRepair:
    def test_every_kind_of_damage_is_moved_to_the_quarantine(self, filled: StoreFixture) -> None:
        with serve({"/models/picodet.pdparams": b"\x80\x02" * 99}) as server:
            model = filled.fetch(server).path
            weights = filled.fetch(server, WEIGHTS).path
        built = filled.convert("0123-key", lambda folder: (folder / "a.nb").write_bytes(b"nb"))
        flip(built / "a.nb")
        flip(weights)
        (model.parent.parent / "manifest.json").unlink()
        (blob,) = filled.root.glob("blobs/sha256/*/*")
        flip(blob)
        report = filled.store.verify()
        assert len(report.damaged) == 4

        repair = filled.store.discard_damaged(report, note=filled.notes.append)

        assert repair.artifacts == ("picodet@2021/inference", "picodet@2021/weights")
        assert repair.conversions == ("0123-key",)
        assert repair.archives == (blob.name,)
        assert filled.store.verify().clean
        assert len(list((filled.root / "quarantine").iterdir())) == 4
        assert len(filled.notes) == 4

    def test_a_missing_archive_names_its_artifact(self, filled: StoreFixture) -> None:
        (blob,) = filled.root.glob("blobs/sha256/*/*")
        blob.unlink()

        repair = filled.store.discard_damaged(filled.store.verify())

        assert repair.artifacts == ("picodet@2021/inference",)
        with serve({PATH: TAR}) as server:
            filled.fetch(server, packed=True)
        assert filled.store.verify().clean

    def test_extra_files_and_links_count_as_damage(self, filled: StoreFixture) -> None:
        with serve({}) as server:
            path = filled.fetch(server).path
        (path / "extra").symlink_to("/etc")

        report = filled.store.verify()

        assert report.extra == (path / "extra",)
        assert filled.store.discard_damaged(report).artifacts == ("picodet@2021/inference",)
        assert filled.store.verify().clean


class TestForgedManifests:
    """A file and its recorded digest were changed together: the digest of the archive still tells."""

    def forge(self, folder: Path, name: str) -> None:
        file = folder / "files" / name
        flip(file)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["members"][name]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))

    @pytest.mark.table("attacks")
    @pytest.mark.parametrize("options", [{"reread": True}, {"locked": True, "pins": pinned(INFERENCE, TAR)}])
    def test_of_an_archive(self, filled: StoreFixture, options: dict[str, object]) -> None:
        with serve({}) as server:
            path = filled.fetch(server).path
            self.forge(path.parent.parent, f"picodet/{MEMBER}")

            assert filled.fetch(server, **options).path == path
        assert (path / MEMBER).read_bytes() == MODEL[f"picodet/{MEMBER}"]
        assert "fetching it again" in filled.notes[-1]

    @pytest.mark.table("attacks")
    def test_of_a_bare_file(self, store_fixture: StoreFixture) -> None:
        data = b"\x80\x02" * 99 + b"x"
        with serve({"/models/picodet.pdparams": data}) as server:
            path = store_fixture.fetch(server, WEIGHTS).path
            self.forge(path.parent.parent, path.name)

            assert store_fixture.fetch(server, WEIGHTS).path.read_bytes() == data

    @pytest.mark.parametrize("harm", ["missing", "changed"])
    def test_without_the_archive_it_is_downloaded_again(self, filled: StoreFixture, harm: str) -> None:
        (blob,) = filled.root.glob("blobs/sha256/*/*")
        flip(blob) if harm == "changed" else blob.unlink()
        with serve({PATH: TAR}) as server:
            assert not filled.fetch(server, reread=True).from_cache
            assert filled.store.verify().clean
