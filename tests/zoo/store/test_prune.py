"""Pruning removes dangling, old and excess items; locked items and items in use stay."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from converters.fs.locks import acquire_waiting
from converters.provenance.statement import provenance, write_provenance
from registry.errors import NetworkError
from registry.lock import Lock
from tests.helpers.paths import REPOSITORY
from tests.helpers.sample_archives import MODEL, tar_of
from tests.helpers.servers import ScriptedServer, cut, serve, status
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture, pinned
from zoo._utils.cache_names import MANIFEST
from zoo.download import urls
from zoo.store import StoredArtifact
from zoo.store.layout import Layout
from zoo.store.prune import PrunePolicy, PruneReport

DAY = 86_400.0
WEIGHT_BYTES = b"\x80\x02" + bytes(5000)
FILES = {"/models/picodet.tar": TAR, "/models/picodet.pdparams": WEIGHT_BYTES}


def folder_of(stored: StoredArtifact | Path) -> Path:
    path = stored if isinstance(stored, Path) else stored.path
    return next(parent for parent in path.parents if (parent / MANIFEST).is_file())


def last_used(stored: StoredArtifact | Path, days: float) -> None:
    """Set the last-use time of an item to so long ago; a negative time is in the future."""
    then = time.time() - days * DAY
    os.utime(folder_of(stored) / MANIFEST, (then, then))


@pytest.fixture
def filled(store_fixture: StoreFixture) -> tuple[StoredArtifact, StoredArtifact]:
    """An inference model used 60 days ago, and weights used 10 days ago."""
    with serve(FILES) as server:
        model, weights = store_fixture.fetch(server), store_fixture.fetch(server, WEIGHTS)
    last_used(model, 60)
    last_used(weights, 10)
    return model, weights


def prune(
    store_fixture: StoreFixture, pins: Lock | None = None, dry_run: bool = False, **policy: object
) -> PruneReport:
    return store_fixture.store.prune(PrunePolicy.model_validate(policy), pins=pins, dry_run=dry_run)


def names(report: PruneReport) -> list[str]:
    return [item.name for item in report.removed]


OLD = {"older_than": timedelta(days=30)}


class TestChoice:
    def test_an_old_artifact_is_removed_with_its_archive(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        before = sum(path.stat().st_size for path in store_fixture.root.rglob("*") if path.is_file())
        report = prune(store_fixture, **OLD)

        assert names(report) == ["picodet@2021/inference"]
        assert not filled[0].path.exists()
        assert filled[1].path.exists()
        assert [name for name in store_fixture.files() if name.startswith("blobs/")] == []
        assert report.freed == before - sum(
            p.stat().st_size for p in store_fixture.root.rglob("*") if p.is_file()
        )
        assert store_fixture.store.verify().clean

    def test_a_fetch_afterwards_gets_the_same_bytes_again(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        prune(store_fixture, **OLD)
        with serve(FILES) as server:
            again = store_fixture.fetch(server)

        assert (again.digest, again.from_cache) == (filled[0].digest, False)

    def test_the_least_recently_used_goes_first_down_to_a_size(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        assert names(prune(store_fixture, max_size=10_000)) == ["picodet@2021/inference"]
        assert names(prune(store_fixture, max_size=10_000)) == []
        assert names(prune(store_fixture, max_size=0)) == ["picodet@2021/weights"]

    def test_a_dry_run_reports_the_same_and_removes_noitem(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        files = store_fixture.files()
        planned = prune(store_fixture, dry_run=True, **OLD)

        assert store_fixture.files() == files
        assert prune(store_fixture, **OLD) == planned

    def test_the_default_removes_dangling_items(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        assert names(prune(store_fixture)) == []

        with serve({"/models/picodet.tar": tar_of({**MODEL, "picodet/NEWS": b"2"})}) as server:
            newer = store_fixture.fetch(server, accept=True)
        last_used(newer, 2)

        assert names(prune(store_fixture)) == ["picodet@2021/inference"]
        assert not filled[0].path.exists()
        assert newer.path.exists()
        assert store_fixture.store.verify().clean

    def test_leftovers_partial_downloads_and_refused_files(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact], data: bytes
    ) -> None:
        part = store_fixture.root / "partial/a.bin-0123456789abcdef.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(data)
        part.with_name(part.name + ".json").write_text("{}")
        quarantine = store_fixture.root / "quarantine/20260101T000000Z-x"
        quarantine.mkdir(parents=True)
        dead = folder_of(filled[0]).parent / f".inference-{'0' * 12}.tmp"
        dead.mkdir()
        for path in (part, quarantine, dead):
            os.utime(path, (time.time() - 90 * DAY,) * 2)

        model = folder_of(filled[0])
        assert {item.path for item in prune(store_fixture).removed} == {part, dead}
        assert {item.path for item in prune(store_fixture, **OLD).removed} == {quarantine, model}
        assert list(part.parent.iterdir()) == []

    def test_a_clock_that_jumped_makes_noitem_old(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        last_used(filled[0], -400)

        assert names(prune(store_fixture, **OLD, max_size=0)) == ["picodet@2021/weights"]


class TestInUse:
    def test_recently_used_items_stay(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        with serve(FILES) as server:
            store_fixture.fetch(server)
            assert server.log == []
        last_used(filled[1], 60)

        report = prune(store_fixture, **OLD)
        assert names(report) == ["picodet@2021/weights"]
        assert prune(store_fixture, max_size=0).removed == ()
        assert names(prune(store_fixture, max_size=0, keep_recent=timedelta(0))) == ["picodet@2021/inference"]

    def test_find_counts_as_use(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        assert store_fixture.store.find(ENTRY, INFERENCE) is not None

        assert names(prune(store_fixture, **OLD)) == []

    def test_locked_items_stay_unless_included(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        pins = pinned(INFERENCE, TAR)

        report = prune(store_fixture, pins, **OLD)
        assert names(report) == []
        assert [item.reason for item in report.kept] == ["locked by zoo.lock"]
        assert names(prune(store_fixture, pins, max_size=0)) == ["picodet@2021/weights"]
        assert names(prune(store_fixture, pins, include_locked=True, **OLD)) == ["picodet@2021/inference"]

    def test_items_in_use_by_another_process_stay(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        guard = Layout(store_fixture.root).guard(urls.url_key(INFERENCE.urls[0]))
        with acquire_waiting(guard, "fetching", lambda _: None):
            report = prune(store_fixture, **OLD)

        assert names(report) == []
        assert [item.reason for item in report.kept] == ["in use by another process"]

    def test_a_running_download_stays(self, store_fixture: StoreFixture, data: bytes) -> None:
        with (
            ScriptedServer({"/models/picodet.pdparams": [cut(data, after=4000), status(404)]}) as server,
            pytest.raises(NetworkError),
        ):
            store_fixture.fetch(server, WEIGHTS)
        (part,) = store_fixture.root.glob("partial/*.part")
        os.utime(part, (time.time() - 90 * DAY,) * 2)
        with acquire_waiting(
            Layout(store_fixture.root).guard(urls.url_key(WEIGHTS.urls[0])), "fetching", lambda _: None
        ):
            assert names(prune(store_fixture, **OLD)) == []

        assert len(names(prune(store_fixture, **OLD))) == 1

    def test_a_folder_in_preparation_stays(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        growing = folder_of(filled[0]).parent / f".inference-{'0' * 12}.tmp"
        growing.mkdir()
        with acquire_waiting(
            Layout(store_fixture.root).guard("artifact-picodet@2021-inference"), "unpacking", lambda _: None
        ):
            assert names(prune(store_fixture)) == []
            assert growing.exists()

        assert names(prune(store_fixture)) == [growing.name]

    def test_a_removal_marker_of_a_killed_pruner_is_cleared(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        """The next fetch clears it without a connection."""
        folder = folder_of(filled[0])
        folder.with_name(f".{folder.name}.leaving").touch()
        with serve(FILES) as server:
            found = store_fixture.fetch(server)

            assert server.log == []
        assert (found.path, found.from_cache) == (filled[0].path, True)
        assert list(folder.parent.glob(".*")) == []


class TestItems:
    def build(self, store_fixture: StoreFixture, key: str, source: bytes) -> Path:
        def make(folder: Path) -> None:
            (folder / "model.nb").write_bytes(key.encode())
            digest = hashlib.sha256(key.encode()).hexdigest()
            inputs = {"model": hashlib.sha256(source).hexdigest()}
            statement = provenance(
                "lite", name="model.nb", sha256=digest, inputs=inputs, tools={}, options={}
            )
            write_provenance(folder / "model.nb", statement)

        return store_fixture.convert(key, make)

    def test_conversions_name_their_sources(
        self, store_fixture: StoreFixture, filled: tuple[StoredArtifact, StoredArtifact]
    ) -> None:
        source = MODEL["picodet/model.pdmodel"]
        self.build(store_fixture, "0123456789abcdef-picodet", source)
        self.build(store_fixture, "fedcba9876543210-mine", b"a file outside of the store")

        items = {item.name: item for item in store_fixture.store.items()}

        made = items["model.nb (01234567)"]
        assert made.made_from == ("picodet@2021/inference",)
        assert items["picodet@2021/inference"].used_by == (made.name,)
        assert items["model.nb (fedcba98)"].made_from == ()
        assert items["picodet@2021/inference"].size > len(TAR)

    def test_conversions_of_superseded_artifacts_are_dangling(self, store_fixture: StoreFixture) -> None:
        with serve(FILES) as server:
            model = store_fixture.fetch(server)
        old = self.build(store_fixture, "0123456789abcdef-picodet", MODEL["picodet/model.pdmodel"])
        mine = self.build(store_fixture, "fedcba9876543210-mine", b"a file outside of the store")
        changed = {**MODEL, "picodet/model.pdmodel": MODEL["picodet/model.pdmodel"] + b"2"}
        changed = {name: data + b"2" for name, data in changed.items()}
        with serve({"/models/picodet.tar": tar_of(changed)}) as server:
            newer = store_fixture.fetch(server, accept=True)
        for path in (model, newer, old, mine):
            last_used(path, 2)

        assert {item.kind for item in prune(store_fixture).removed} == {"artifact", "conversion"}
        assert not old.exists()
        assert mine.exists()
        assert newer.path.exists()

    def test_conversions_of_earlier_revisions_are_dangling(
        self, store_fixture: StoreFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No request finds such a conversion any more."""
        today = self.build(store_fixture, "0123456789abcdef-mine", b"a file outside of the store")
        with monkeypatch.context() as patch:
            patch.setattr("converters.provenance.statement.REVISIONS", {"lite": 0})
            old = self.build(store_fixture, "fedcba9876543210-mine", b"a file outside of the store")
        for path in (today, old):
            last_used(path, 2)

        assert {
            item.name: item.outdated for item in store_fixture.store.items() if item.kind == "conversion"
        } == {
            "model.nb (01234567)": False,
            "model.nb (fedcba98)": True,
        }
        (removed,) = prune(store_fixture).removed
        assert "earlier revision" in removed.reason
        assert (today.exists(), old.exists()) == (True, False)

    def test_a_missing_cache_has_no_items(self, store_fixture: StoreFixture) -> None:
        assert store_fixture.store.items() == ()


def test_a_resolved_path_survives_a_prune_at_the_same_time(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.helpers.prune_race", str(tmp_path), "60"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    counts = json.loads(ran.stdout)
    assert (counts["lost"], counts["damaged"]) == (0, False)
    assert counts["kept"] + counts["pruned"] == 60


@pytest.mark.table("attacks")
@pytest.mark.parametrize("removed", ["the folder of the artifact", "nothing"])
def test_an_archive_that_is_unpacked_after_the_scan_stays(
    store_fixture: StoreFixture, removed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed prune left an archive without its artifact, which is fetched during the next prune."""
    from zoo.store import prune as module

    with serve(FILES) as server:
        folder = folder_of(store_fixture.fetch(server))
        (archive,) = store_fixture.root.glob("blobs/sha256/*/*")
        for path in (archive, folder / "manifest.json"):
            os.utime(path, (time.time() - 90 * DAY,) * 2)
        if removed != "nothing":
            shutil.rmtree(folder)
        real = module.select

        def select(*arguments: object) -> object:
            selected = real(*arguments)  # type: ignore[arg-type]
            store_fixture.fetch(server, offline=True)
            return selected

        monkeypatch.setattr(module, "select", select)
        report = prune(store_fixture, dangling=True, **OLD)

    assert names(report) == []
    assert archive.exists()
    assert store_fixture.store.verify().clean


def test_an_archive_in_use_stays(store_fixture: StoreFixture) -> None:
    with serve(FILES) as server:
        shutil.rmtree(folder_of(store_fixture.fetch(server)))
    (archive,) = store_fixture.root.glob("blobs/sha256/*/*")
    os.utime(archive, (time.time() - 90 * DAY,) * 2)
    guard = Layout(store_fixture.root).blob_guard(archive.name)
    with acquire_waiting(guard, "unpacking", lambda _: None):
        report = prune(store_fixture, dangling=True)

    assert [item.reason for item in report.kept] == ["in use by another process"]
    assert names(prune(store_fixture, dangling=True)) == [archive.name[:12]]


def test_an_archive_of_two_artifacts_stays_with_the_second(store_fixture: StoreFixture) -> None:
    other = INFERENCE.model_copy(update={"urls": ("https://models.example/models/same.tar",)})
    twin = ENTRY.model_copy(update={"name": "twin", "artifacts": (other,)})
    with serve({**FILES, "/models/same.tar": TAR}) as server:
        first = store_fixture.fetch(server)
        store_fixture.fetch(server, other, of=twin)
    last_used(first, 60)

    assert names(prune(store_fixture, **OLD)) == ["picodet@2021/inference"]
    assert store_fixture.store.verify().clean
    assert len(list(store_fixture.root.glob("blobs/sha256/*/*"))) == 1
