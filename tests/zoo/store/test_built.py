"""Conversion outputs in the store: made once, published whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.errors import ConversionError
from tests.helpers.store_fixture import Shop


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
