"""Catalogs from a server that a trusted identity signs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from registry.errors import IntegrityError, NetworkError, NotFoundError, ZooError
from tests.helpers.keys import write_keys
from tests.helpers.servers import ScriptedServer, serve_folder
from zoo.catalogs.signed import MAX_AGE, resolve_signed
from zoo.catalogs.sources import list_files
from zoo.settings import Settings
from zoo.signing import sign as signing

pytest.importorskip("cryptography", reason="pip install 'paddle-zoo[sign]'")
pytestmark = pytest.mark.table("attacks on signed catalogs")

FIRST, SECOND = b"# version 1\nmodels: []\n", b"# version 2\nmodels: []\n"
START = datetime(2026, 6, 1, tzinfo=timezone.utc)


class Publisher:
    """A server with a signed catalog, and a client with a clock that the test moves."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = folder / "site"
        self.site.mkdir()
        self.key = write_keys(folder)
        trusted = folder / "trusted"
        trusted.mkdir()
        shutil.copyfile(self.key.with_suffix(".pub"), trusted / "alice.pem")
        self.settings = Settings(cache=folder / "cache", keys=trusted)
        self.time = START
        monkeypatch.setattr(signing, "now", lambda: self.time)

    def publish(
        self, content: bytes, valid_for: timedelta | None = timedelta(days=7), key: Path | None = None
    ) -> None:
        (self.site / "zoo.yaml").write_bytes(content)
        signing.sign_path(self.site / "zoo.yaml", key or self.key, valid_for=valid_for)

    def resolve(self, server: ScriptedServer, **changes: Any) -> bytes:
        settings = Settings(**{**vars(self.settings), **changes})
        path = resolve_signed(
            f"{server.url}/zoo.yaml", "alice", settings, max_bytes=1_000_000, clock=lambda: self.time
        )
        return path.read_bytes()


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    return Publisher(tmp_path, monkeypatch)


def test_a_new_version_replaces_the_old_one(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        assert publisher.resolve(server) == FIRST
        requests = len(server.log)
        publisher.time += MAX_AGE / 2
        assert publisher.resolve(server) == FIRST
        assert len(server.log) == requests, "a recent version needs no request"

        publisher.time += MAX_AGE
        publisher.publish(SECOND)
        assert publisher.resolve(server) == SECOND


def test_an_unchanged_version_is_not_downloaded_again(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        publisher.resolve(server)
        publisher.time += timedelta(days=5)
        publisher.publish(FIRST)
        publisher.resolve(server)
        publisher.time += timedelta(days=5)
        assert publisher.resolve(server, offline=True) == FIRST, "the later signature extends the validity"

    assert server.count("/zoo.yaml") == 1


def test_a_rollback_is_refused(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        old = {path.name: path.read_bytes() for path in publisher.site.iterdir()}
        publisher.time += timedelta(hours=2)
        publisher.publish(SECOND)
        assert publisher.resolve(server) == SECOND

        for name, content in old.items():
            (publisher.site / name).write_bytes(content)
        publisher.time += timedelta(hours=2)
        with pytest.raises(IntegrityError) as caught:
            publisher.resolve(server)
        assert caught.value.code == "catalog-rollback"
        assert publisher.resolve(server, offline=True) == SECOND

        (cached,) = publisher.settings.catalog_cache.glob("signed-*.yaml")
        cached.unlink()
        with pytest.raises(IntegrityError) as caught:
            publisher.resolve(server)
        assert caught.value.code == "catalog-rollback"


def test_a_freeze_ends_with_the_validity(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        publisher.resolve(server)
        publisher.time += timedelta(days=8)
        with pytest.raises(IntegrityError) as caught:
            publisher.resolve(server)
        assert caught.value.code == "signature-expired"
        with pytest.raises(NetworkError) as offline:
            publisher.resolve(server, offline=True)
        assert offline.value.code == "offline"


def test_a_valid_version_is_used_while_the_server_is_down(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        publisher.resolve(server)
        publisher.time += timedelta(days=1)
        for file in publisher.site.iterdir():
            file.unlink()
        assert publisher.resolve(server) == FIRST


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


ATTACKS: dict[str, tuple[Callable[[Publisher], object], str]] = {
    "another catalog": (lambda p: (p.site / "zoo.yaml").write_bytes(SECOND), "signature-mismatch"),
    "a damaged signature": (lambda p: damage(p.site / "zoo.yaml.sig"), "signature-invalid"),
    "no signature": (lambda p: (p.site / "zoo.yaml.sig").unlink(), "not-on-server"),
    "no expiry": (lambda p: p.publish(FIRST, None), "signature-without-expiry"),
    "an expiry in the past": (lambda p: p.publish(FIRST, timedelta(0)), "signature-expired"),
    "another signer": (
        lambda p: p.publish(FIRST, key=write_keys(p.site.parent, "mallory")),
        "signature-invalid",
    ),
    "a page in place of the signature": (
        lambda p: (p.site / "zoo.yaml.sig").write_bytes(b"<html><body>Sorry</body></html>"),
        "unexpected-response",
    ),
}


@pytest.mark.parametrize("case", ATTACKS)
def test_an_attack_is_refused_and_stores_nothing(publisher: Publisher, case: str) -> None:
    attack, code = ATTACKS[case]
    publisher.publish(FIRST)
    attack(publisher)
    with serve_folder(publisher.site) as server, pytest.raises(ZooError) as caught:
        publisher.resolve(server)

    assert caught.value.code == code
    left = [path for path in publisher.settings.catalog_cache.iterdir() if path.suffix != ".lock"]
    assert left == []


def test_a_changed_file_in_the_cache_is_downloaded_again(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        publisher.resolve(server)
        (cached,) = publisher.settings.catalog_cache.glob("signed-*.yaml")
        cached.write_bytes(SECOND)
        assert publisher.resolve(server) == FIRST


def test_a_revoked_key_ends_the_trust_at_once(publisher: Publisher) -> None:
    with serve_folder(publisher.site) as server:
        publisher.publish(FIRST)
        publisher.resolve(server)
        trusted = publisher.settings.trusted_keys / "alice.pem"
        shutil.copyfile(write_keys(publisher.site.parent, "new").with_suffix(".pub"), trusted)
        with pytest.raises(IntegrityError):
            publisher.resolve(server)
        trusted.unlink()
        with pytest.raises(NotFoundError):
            publisher.resolve(server)


def test_the_identity_is_a_part_of_the_address(publisher: Publisher) -> None:
    publisher.time = datetime.now(timezone.utc).replace(microsecond=0)
    publisher.publish(FIRST)
    with serve_folder(publisher.site) as server:
        settings = Settings(
            cache=publisher.settings.cache,
            keys=publisher.settings.keys,
            catalogs=(f"{server.url}/zoo.yaml#identity=alice",),
        )
        assert list_files(settings)[-1].read_bytes() == FIRST
