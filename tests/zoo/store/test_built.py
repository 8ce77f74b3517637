"""Conversion outputs in the cache: made once, published whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.errors import ConversionError
from tests.helpers.store_fixture import StoreFixture


class TestBuilt:
    KEY = "inference-0123-lite-arm-fp16"

    def make(self, folder: Path) -> None:
        (folder / "logs").mkdir()
        (folder / "logs" / "opt.txt").write_text("done")
        (folder / "model.nb").write_bytes(b"\x02\x00nb")

    def test_a_conversion_is_made_once_then_found(self, store_fixture: StoreFixture) -> None:
        folder = store_fixture.convert(self.KEY, self.make)

        assert (folder / "model.nb").read_bytes() == b"\x02\x00nb"
        assert store_fixture.convert(self.KEY, fails) == folder
        assert store_fixture.store.find_built(self.KEY) == folder
        assert store_fixture.store.verify().checked == 2

    def test_a_failed_conversion_leaves_nothing(self, store_fixture: StoreFixture) -> None:
        with pytest.raises(ConversionError):
            store_fixture.convert(self.KEY, fails)

        assert store_fixture.store.find_built(self.KEY) is None
        assert store_fixture.files() == []

    def test_leftovers_of_a_killed_conversion_are_removed(self, store_fixture: StoreFixture) -> None:
        stale = store_fixture.root / f"built/.{self.KEY}.tmp/files"
        stale.mkdir(parents=True)
        (stale / "half.nb").write_bytes(b"half")

        folder = store_fixture.convert(self.KEY, self.make)

        assert sorted(path.name for path in folder.iterdir()) == ["logs", "model.nb"]

    def test_a_damaged_conversion_is_made_again(self, store_fixture: StoreFixture) -> None:
        (store_fixture.convert(self.KEY, self.make) / "model.nb").write_bytes(b"longer than it was")
        folder = store_fixture.convert(self.KEY, self.make)

        assert (folder / "model.nb").read_bytes() == b"\x02\x00nb"
        assert "converting again" in store_fixture.notes[0]

    def test_one_of_many_threads_converts_and_the_others_wait(self, store_fixture: StoreFixture) -> None:
        runs: list[int] = []
        started = threading.Barrier(8)

        def make(folder: Path) -> None:
            runs.append(1)
            self.make(folder)

        def ask(_: int) -> Path:
            started.wait()
            return store_fixture.convert(self.KEY, make)

        with ThreadPoolExecutor(8) as pool:
            folders = set(pool.map(ask, range(8)))

        assert len(runs) == 1
        assert len(folders) == 1

    @pytest.mark.parametrize("key", ["", ".hidden", "../up", "a/b", "a b", "x" * 201])
    def test_a_key_is_a_plain_file_name(self, store_fixture: StoreFixture, key: str) -> None:
        with pytest.raises(ValueError, match="plain file name"):
            store_fixture.convert(key, self.make)


def fails(folder: Path) -> None:
    (folder / "half.nb").write_bytes(b"half")
    raise ConversionError("opt-crashed", "the converter crashed")
