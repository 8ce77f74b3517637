"""Pruning: what is unused, old or too much goes whole; what is pinned or in use stays."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from converters.fs.locks import held
from converters.provenance.statement import provenance, write_provenance
from registry.errors import NetworkError
from registry.lock import Lock
from tests.helpers.paths import REPOSITORY
from tests.helpers.sample_archives import MODEL, tar_of
from tests.helpers.servers import LyingServer, cut, serve, status
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, Shop, pinned
from zoo.download import urls
from zoo.store import Stored
from zoo.store.layout import MANIFEST, Layout
from zoo.store.prune import PrunePolicy, PruneReport

DAY = 86_400.0
WEIGHT_BYTES = b"\x80\x02" + bytes(5000)
FILES = {"/models/picodet.tar": TAR, "/models/picodet.pdparams": WEIGHT_BYTES}


def folder_of(stored: Stored | Path) -> Path:
    path = stored if isinstance(stored, Path) else stored.path
    return next(parent for parent in path.parents if (parent / MANIFEST).is_file())


def last_used(stored: Stored | Path, days: float) -> None:
    """Makes a thing look as if nobody had used it for so long; negative: used in the future."""
    then = time.time() - days * DAY
    os.utime(folder_of(stored) / MANIFEST, (then, then))


@pytest.fixture
def stocked(shop: Shop) -> tuple[Stored, Stored]:
    """An inference model of 60 days ago and weights of 10 days ago."""
    with serve(FILES) as server:
        model, weights = shop.fetch(server), shop.fetch(server, WEIGHTS)
    last_used(model, 60)
    last_used(weights, 10)
    return model, weights


def prune(shop: Shop, pins: Lock | None = None, dry_run: bool = False, **policy: object) -> PruneReport:
    return shop.store.prune(PrunePolicy.model_validate(policy), pins=pins, dry_run=dry_run)


def names(report: PruneReport) -> list[str]:
    return [item.name for item in report.removed]


OLD = {"older_than": timedelta(days=30)}


class TestChoice:
    def test_what_is_old_goes_with_its_archive(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        before = sum(path.stat().st_size for path in shop.root.rglob("*") if path.is_file())
        report = prune(shop, **OLD)

        assert names(report) == ["picodet@2021/inference"]
        assert not stocked[0].path.exists()
        assert stocked[1].path.exists()
        assert [name for name in shop.files() if name.startswith("blobs/")] == []
        assert report.freed == before - sum(p.stat().st_size for p in shop.root.rglob("*") if p.is_file())
        assert shop.store.verify().clean

    def test_a_fetch_afterwards_gets_the_same_bytes_again(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        prune(shop, **OLD)
        with serve(FILES) as server:
            again = shop.fetch(server)

        assert (again.digest, again.from_cache) == (stocked[0].digest, False)

    def test_the_least_recently_used_goes_first_down_to_a_size(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        assert names(prune(shop, max_size=10_000)) == ["picodet@2021/inference"]
        assert names(prune(shop, max_size=10_000)) == []
        assert names(prune(shop, max_size=0)) == ["picodet@2021/weights"]

    def test_a_dry_run_names_the_same_and_touches_nothing(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        files = shop.files()
        planned = prune(shop, dry_run=True, **OLD)

        assert shop.files() == files
        assert prune(shop, **OLD) == planned

    def test_nothing_said_means_what_is_of_no_use(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        assert names(prune(shop)) == []

        with serve({"/models/picodet.tar": tar_of({**MODEL, "picodet/NEWS": b"2"})}) as server:
            newer = shop.fetch(server, accept=True)
        last_used(newer, 2)

        assert names(prune(shop)) == ["picodet@2021/inference"]
        assert not stocked[0].path.exists()
        assert newer.path.exists()
        assert shop.store.verify().clean

    def test_leftovers_and_refused_files(
        self, shop: Shop, stocked: tuple[Stored, Stored], data: bytes
    ) -> None:
        part = shop.root / "partial/a.bin-0123456789abcdef.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(data)
        part.with_name(part.name + ".json").write_text("{}")
        quarantine = shop.root / "quarantine/20260101T000000Z-x"
        quarantine.mkdir(parents=True)
        dead = folder_of(stocked[0]).parent / f".inference-{'0' * 12}.tmp"
        dead.mkdir()
        for path in (part, quarantine, dead):
            os.utime(path, (time.time() - 90 * DAY,) * 2)

        model = folder_of(stocked[0])
        assert {item.path for item in prune(shop).removed} == {part, dead}
        assert {item.path for item in prune(shop, **OLD).removed} == {quarantine, model}
        assert list(part.parent.iterdir()) == []

    def test_a_clock_that_jumped_makes_nothing_old(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        last_used(stocked[0], -400)

        assert names(prune(shop, **OLD, max_size=0)) == ["picodet@2021/weights"]


class TestInUse:
    def test_what_was_handed_out_a_moment_ago_stays(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        with serve(FILES) as server:
            shop.fetch(server)
            assert server.log == []
        last_used(stocked[1], 60)

        report = prune(shop, **OLD)
        assert names(report) == ["picodet@2021/weights"]
        assert prune(shop, max_size=0).removed == ()
        assert names(prune(shop, max_size=0, grace=timedelta(0))) == ["picodet@2021/inference"]

    def test_find_counts_as_use(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        assert shop.store.find(ENTRY, INFERENCE) is not None

        assert names(prune(shop, **OLD)) == []

    def test_what_the_project_pins_stays_unless_asked(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        pins = pinned(INFERENCE, TAR)

        report = prune(shop, pins, **OLD)
        assert names(report) == []
        assert [item.reason for item in report.kept] == ["pinned by zoo.lock"]
        assert names(prune(shop, pins, max_size=0)) == ["picodet@2021/weights"]
        assert names(prune(shop, pins, pinned=True, **OLD)) == ["picodet@2021/inference"]

    def test_what_somebody_works_on_is_left_to_them(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        guard = Layout(shop.root).guard(urls.key(INFERENCE.urls[0]))
        with held(guard, "fetching", lambda _: None):
            report = prune(shop, **OLD)

        assert names(report) == []
        assert [item.reason for item in report.kept] == ["in use by another process"]

    def test_a_download_that_goes_on_is_left_alone(self, shop: Shop, data: bytes) -> None:
        with (
            LyingServer({"/models/picodet.pdparams": [cut(data, after=4000), status(404)]}) as server,
            pytest.raises(NetworkError),
        ):
            shop.fetch(server, WEIGHTS)
        (part,) = shop.root.glob("partial/*.part")
        os.utime(part, (time.time() - 90 * DAY,) * 2)
        with held(Layout(shop.root).guard(urls.key(WEIGHTS.urls[0])), "fetching", lambda _: None):
            assert names(prune(shop, **OLD)) == []

        assert len(names(prune(shop, **OLD))) == 1

    def test_what_grows_at_this_moment_is_left_alone(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        growing = folder_of(stocked[0]).parent / f".inference-{'0' * 12}.tmp"
        growing.mkdir()
        with held(Layout(shop.root).guard("artifact-picodet@2021-inference"), "unpacking", lambda _: None):
            assert names(prune(shop)) == []
            assert growing.exists()

        assert names(prune(shop)) == [growing.name]

    def test_who_died_while_removing_stands_in_nobodys_way(
        self, shop: Shop, stocked: tuple[Stored, Stored]
    ) -> None:
        """A sentence without its judge: the next fetch takes it back, without a server."""
        folder = folder_of(stocked[0])
        folder.with_name(f".{folder.name}.leaving").touch()
        with serve(FILES) as server:
            found = shop.fetch(server)

            assert server.log == []
        assert (found.path, found.from_cache) == (stocked[0].path, True)
        assert list(folder.parent.glob(".*")) == []


class TestStock:
    def build(self, shop: Shop, key: str, source: bytes) -> Path:
        def make(folder: Path) -> None:
            (folder / "model.nb").write_bytes(key.encode())
            digest = hashlib.sha256(key.encode()).hexdigest()
            inputs = {"model": hashlib.sha256(source).hexdigest()}
            statement = provenance(
                "lite", name="model.nb", sha256=digest, inputs=inputs, tools={}, options={}
            )
            write_provenance(folder / "model.nb", statement)

        return shop.store.put_built(key, make)

    def test_what_was_made_from_what(self, shop: Shop, stocked: tuple[Stored, Stored]) -> None:
        source = MODEL["picodet/model.pdmodel"]
        self.build(shop, "0123456789abcdef-picodet", source)
        self.build(shop, "fedcba9876543210-mine", b"a file outside of the store")

        things = {thing.name: thing for thing in shop.store.stock()}

        made = things["model.nb (01234567)"]
        assert made.made_from == ("picodet@2021/inference",)
        assert things["picodet@2021/inference"].used_by == (made.name,)
        assert things["model.nb (fedcba98)"].made_from == ()
        assert things["picodet@2021/inference"].size > len(TAR)

    def test_what_was_made_from_something_superseded_goes_with_it(self, shop: Shop) -> None:
        with serve(FILES) as server:
            model = shop.fetch(server)
        old = self.build(shop, "0123456789abcdef-picodet", MODEL["picodet/model.pdmodel"])
        mine = self.build(shop, "fedcba9876543210-mine", b"a file outside of the store")
        changed = {**MODEL, "picodet/model.pdmodel": MODEL["picodet/model.pdmodel"] + b"2"}
        changed = {name: data + b"2" for name, data in changed.items()}
        with serve({"/models/picodet.tar": tar_of(changed)}) as server:
            newer = shop.fetch(server, accept=True)
        for path in (model, newer, old, mine):
            last_used(path, 2)

        assert {item.kind for item in prune(shop).removed} == {"artifact", "conversion"}
        assert not old.exists()
        assert mine.exists()
        assert newer.path.exists()

    def test_what_was_converted_by_another_recipe_goes(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No key leads to it any more, so that only age or this would ever remove it."""
        today = self.build(shop, "0123456789abcdef-mine", b"a file outside of the store")
        with monkeypatch.context() as patch:
            patch.setattr("converters.provenance.statement.RECIPES", {"lite": 0})
            old = self.build(shop, "fedcba9876543210-mine", b"a file outside of the store")
        for path in (today, old):
            last_used(path, 2)

        assert {thing.name: thing.outdated for thing in shop.store.stock() if thing.kind == "conversion"} == {
            "model.nb (01234567)": False,
            "model.nb (fedcba98)": True,
        }
        (removed,) = prune(shop).removed
        assert "superseded" in removed.reason
        assert (today.exists(), old.exists()) == (True, False)

    def test_a_store_that_is_not_there_is_empty(self, shop: Shop) -> None:
        assert shop.store.stock() == ()


def test_who_resolves_while_another_removes_never_holds_a_path_to_nothing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.helpers.prune_race", str(tmp_path), "60"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["lost"], told["damaged"]) == (0, False)
    assert told["kept"] + told["pruned"] == 60
