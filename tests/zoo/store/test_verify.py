"""Hash every file in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.schema import Artifact
from tests.helpers.sample_archives import artifact, digest, entry
from tests.helpers.servers import serve
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, WEIGHTS, StoreFixture


class TestVerify:
    @pytest.fixture
    def filled(self, store_fixture: StoreFixture, data: bytes) -> StoreFixture:
        with serve({"/models/picodet.tar": TAR, "/models/picodet.pdparams": data}) as server:
            store_fixture.fetch(server)
            store_fixture.fetch(server, WEIGHTS)
        store_fixture.convert("key", lambda folder: (folder / "a.nb").write_bytes(b"nb") and None)
        return store_fixture

    def path(self, store_fixture: StoreFixture, artifact: Artifact) -> Path:
        found = store_fixture.store.find(ENTRY, artifact)
        assert found is not None
        return found.path

    def test_an_undamaged_cache(self, filled: StoreFixture) -> None:
        report = filled.store.verify()

        # Three members, the archive, the weights, the conversion.
        assert (report.checked, report.ok, report.clean) == (6, 6, True)

    def test_an_empty_cache(self, store_fixture: StoreFixture) -> None:
        assert store_fixture.store.verify().clean
        assert not store_fixture.root.exists()

    def test_a_changed_byte_of_the_same_size_is_found(self, filled: StoreFixture) -> None:
        file = self.path(filled, INFERENCE) / "model.pdiparams"
        changed = bytearray(file.read_bytes())
        changed[100] ^= 1
        file.write_bytes(changed)

        report = filled.store.verify()

        assert [mismatch.path for mismatch in report.mismatches] == [file]
        assert digest(bytes(changed)).sha256 in report.mismatches[0].found
        assert (report.checked, report.ok, report.clean) == (6, 5, False)

    def test_missing_and_extra_files(self, filled: StoreFixture) -> None:
        folder = self.path(filled, INFERENCE)
        (folder / "infer_cfg.yml").unlink()
        (folder / "notes.txt").write_text("mine")

        report = filled.store.verify()

        assert report.missing == (folder / "infer_cfg.yml",)
        assert report.extra == (folder / "notes.txt",)

    def test_a_torn_archive(self, filled: StoreFixture) -> None:
        (blob,) = (filled.root / "blobs").glob("*/*/*")
        blob.write_bytes(b"torn")

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [blob]

    def test_a_lost_manifest(self, filled: StoreFixture) -> None:
        folder = self.path(filled, INFERENCE).parent.parent
        (folder / "manifest.json").unlink()

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [folder]

    def test_a_folder_under_the_name_of_another_digest(self, filled: StoreFixture) -> None:
        folder = self.path(filled, WEIGHTS).parent.parent
        moved = folder.with_name("weights-0123456789ab")
        folder.rename(moved)

        assert [mismatch.path for mismatch in filled.store.verify().mismatches] == [moved]

    def test_only_the_artifacts_of_named_entries(self, filled: StoreFixture) -> None:
        assert filled.store.verify([entry(name="other")]).checked == 0
        assert filled.store.verify([ENTRY]).checked == 5

    def test_against_a_catalog_with_a_new_digest(self, filled: StoreFixture) -> None:
        right = entry(artifact("/models/picodet.tar", digest=digest(TAR)))
        wrong = entry(artifact("/models/picodet.tar", digest=digest(b"other")))

        assert filled.store.verify([right]).clean
        (mismatch,) = filled.store.verify([wrong]).mismatches
        assert "the catalog" in mismatch.expected

    def test_against_the_lock(self, filled: StoreFixture) -> None:
        lock = filled.store.seen()
        line = lock.artifacts[INFERENCE.urls[0]].model_copy(update={"sha256": "0" * 64})
        (filled.root / "lock.json").write_text(lock.with_replaced(INFERENCE.urls[0], line).dump())

        (mismatch,) = filled.store.verify().mismatches
        assert "the lock" in mismatch.expected
