"""Published files that change upstream are refused until the change is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import IntegrityError
from registry.schema import Artifact
from tests.helpers.sample_archives import artifact, digest, tar_of
from tests.helpers.servers import ScriptedServer, honest, serve
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, StoreFixture, pinned


class TestChangedFiles:
    """The file at an address changes."""

    NEWER = tar_of({"picodet/model.pdmodel": b"newer"})

    def fetch_changed(
        self,
        store_fixture: StoreFixture,
        server: ScriptedServer,
        wanted: Artifact = INFERENCE,
        **more: object,
    ) -> IntegrityError:
        server.script("/models/picodet.tar", honest(self.NEWER))
        with pytest.raises(IntegrityError) as caught:
            store_fixture.fetch(server, wanted, **more)  # type: ignore[arg-type]
        assert caught.value.exit_code == 5
        assert digest(self.NEWER).sha256 in str(caught.value.found)
        assert digest(TAR).sha256 in str(caught.value.expected)
        return caught.value

    def test_the_first_seen_digest_stays(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            tree = store_fixture.fetch(server).path
            remove_all(store_fixture.root / "artifacts")
            remove_all(store_fixture.root / "blobs")
            error = self.fetch_changed(store_fixture, server)

            assert error.code == "digest-changed"
            assert "first seen on this machine" in str(error.expected)
            assert "zoo lock --accept picodet@2021" in str(error.hint)
            assert (store_fixture.quarantined() / "reason.json").is_file()
            assert not tree.exists()
            seen = store_fixture.store.seen().get(INFERENCE.urls[0])
            assert seen is not None
            assert seen.digest == digest(TAR)

            # A refused file is not continued as a partial download.
            server.script("/models/picodet.tar", honest(TAR))
            assert store_fixture.fetch(server).digest == digest(TAR)

    def test_the_projects_lock_applies_on_a_new_machine(self, store_fixture: StoreFixture) -> None:
        with serve({}) as server:
            error = self.fetch_changed(store_fixture, server, pins=pinned(INFERENCE, TAR))

        assert error.code == "digest-changed"
        assert "zoo.lock" in str(error.expected)

    def test_the_catalogs_digest_applies(self, store_fixture: StoreFixture) -> None:
        with serve({}) as server:
            error = self.fetch_changed(
                store_fixture, server, artifact("/models/picodet.tar", digest=digest(TAR))
            )

        assert error.code == "size-mismatch"

    def test_accepting_replaces_the_recorded_digest(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            old = store_fixture.fetch(server)
            server.script("/models/picodet.tar", honest(self.NEWER))
            new = store_fixture.fetch(server, accept=True)

            assert new.digest == digest(self.NEWER)
            assert store_fixture.fetch(server).path == new.path
            # A project that still locks the old bytes still gets them.
            assert store_fixture.fetch(server, pins=pinned(INFERENCE, TAR)).path == old.path
        assert store_fixture.store.verify().clean

    def test_accepting_does_not_overrule_the_catalog(self, store_fixture: StoreFixture) -> None:
        with serve({}) as server:
            self.fetch_changed(
                store_fixture, server, artifact("/models/picodet.tar", digest=digest(TAR)), accept=True
            )

    def test_sources_that_disagree_are_refused_before_anything_is_fetched(
        self, store_fixture: StoreFixture
    ) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR))
        with serve({"/models/picodet.tar": TAR}) as server, pytest.raises(IntegrityError) as caught:
            store_fixture.fetch(server, wanted, pins=pinned(wanted, self.NEWER))

        assert caught.value.code == "digest-changed"
        assert "the catalog" in str(caught.value.expected)
        assert "zoo.lock" in str(caught.value.found)
        assert server.log == []

    def test_a_cached_copy_does_not_hide_the_disagreement(self, store_fixture: StoreFixture) -> None:
        wanted = artifact("/models/picodet.tar", digest=digest(TAR))
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server, wanted)
            for ask in (store_fixture.store.find, lambda *a, **k: store_fixture.fetch(server, wanted, **k)):
                with pytest.raises(IntegrityError) as caught:
                    ask(ENTRY, wanted, pins=pinned(wanted, self.NEWER))
                assert caught.value.code == "digest-changed"

    def test_a_lock_that_contradicts_the_first_seen_digest_is_refused(
        self, store_fixture: StoreFixture
    ) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            store_fixture.fetch(server)
            with pytest.raises(IntegrityError) as caught:
                store_fixture.fetch(server, pins=pinned(INFERENCE, self.NEWER))

        assert caught.value.code == "digest-changed"
        assert len(server.log) == 1

    def test_locked_refuses_artifacts_that_the_lock_does_not_name(self, store_fixture: StoreFixture) -> None:
        with serve({"/models/picodet.tar": TAR}) as server:
            with pytest.raises(IntegrityError) as caught:
                store_fixture.fetch(server, locked=True)
            assert caught.value.code == "not-locked"
            assert server.log == []

            assert store_fixture.fetch(server, locked=True, pins=pinned(INFERENCE, TAR)).path.is_dir()


def remove_all(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
