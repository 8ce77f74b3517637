"""Forged bundles: conversions and published files that nothing outside the bundle confirms."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from registry.errors import (
    IntegrityError,
    MissingToolError,
)
from tests.helpers.bundle_parts import Parts, refused
from tests.helpers.keys import write_keys
from zoo import api
from zoo._utils.cache_root import claim_cache
from zoo.api.signing import sign
from zoo.api.transfer import bundle, import_bundle
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.spec import FetchOptions
from zoo.sample import CATALOG, NAME
from zoo.settings import Settings

pytestmark = pytest.mark.table("forged bundles")


class TestForgery:
    """Conversions with changed weights, whose digests and provenance agree with the changed bytes."""

    @pytest.fixture
    def forged(self, parts: Parts, tmp_path: Path) -> Path:
        name = parts.find(".onnx")
        old = hashlib.sha256(parts.members[name]).hexdigest()
        parts.replace(name, change_weights(parts.members[name]))
        new = hashlib.sha256(parts.members[name]).hexdigest()
        provenance = parts.find(".onnx.provenance.json")
        parts.replace(provenance, parts.members[provenance].replace(old.encode(), new.encode()))
        return parts.write(tmp_path / "forged.zoo")

    def test_without_the_tools_a_conversion_is_refused(
        self, made: Path, forged: Path, offline_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(*_: object) -> None:
            raise MissingToolError("toolchain-offline", "the tool is not installed")

        monkeypatch.setattr(Toolchains, "ensure", missing)
        for path in (made, forged):
            assert refused(path, offline_settings) == "bundle-untrusted"

    def test_with_the_tools_a_forged_conversion_is_found(
        self, forged: Path, offline_settings: Settings, toolchain_root: Path
    ) -> None:
        settings = with_toolchains(offline_settings, toolchain_root)
        with pytest.raises(IntegrityError) as caught:
            import_bundle(forged, settings=settings)

        assert caught.value.code == "conversion-mismatch"
        assert list(settings.cache.glob("built/*")) == []
        assert list(settings.cache.glob("artifacts/*")) == []

    def test_with_the_tools_a_genuine_conversion_is_imported(
        self, made: Path, offline_settings: Settings, toolchain_root: Path
    ) -> None:
        settings = with_toolchains(offline_settings, toolchain_root)
        imported = import_bundle(made, settings=settings)

        assert [(item.artifact, item.built, item.new) for item in imported][-1] == ("onnx-fp32", True, True)
        assert api.fetch(NAME, onnx="fp32", settings=settings).from_cache
        assert api.verify(settings=settings).clean

    def test_a_bundle_without_conversions_needs_no_digest(
        self, tmp_path: Path, offline_settings: Settings, settings: Settings
    ) -> None:
        published = bundle([NAME], FetchOptions(weights=True), out=tmp_path / "p.zoo", settings=settings)
        other = replace(offline_settings, cache=tmp_path / "other")

        assert [item.built for item in import_bundle(published.path, settings=other)] == [False]

    def test_a_published_file_without_a_recorded_digest_is_said_to_be_unverified(
        self, tmp_path: Path, offline_settings: Settings, settings: Settings
    ) -> None:
        catalog = tmp_path / "no-digests.yaml"
        lines = CATALOG.read_text().splitlines(keepends=True)
        catalog.write_text("".join(line for line in lines if not line.strip().startswith("digest:")))
        source = replace(settings, catalogs=(str(catalog),))
        created = bundle([NAME], FetchOptions(weights=True), out=tmp_path / "p.zoo", settings=source)
        notes: list[str] = []
        other = replace(offline_settings, cache=tmp_path / "other", catalogs=(str(catalog),))
        (item,) = import_bundle(created.path, settings=other, reporter=Reporter(note=notes.append))

        assert not item.verified
        assert any("1 published files of p.zoo have no recorded digest" in note for note in notes)
        third = replace(other, cache=tmp_path / "third")
        assert import_bundle(created.path, sha256=created.sha256, settings=third)[0].verified

    def test_a_signed_bundle_is_trusted_and_a_forged_one_is_not(
        self, made: Path, forged: Path, offline_settings: Settings, tmp_path: Path
    ) -> None:
        pytest.importorskip("cryptography", reason="pip install 'paddle-zoo[sign]'")
        key = write_keys(tmp_path)
        genuine = tmp_path / "genuine.zoo"
        genuine.write_bytes(made.read_bytes())
        sign(genuine, key=key)
        public = key.with_suffix(".pub")

        imported = import_bundle(genuine, key=public, settings=offline_settings)
        assert [item.new for item in imported] == [True] * 3

        forged.with_name("forged.zoo.sig").write_bytes(genuine.with_name("genuine.zoo.sig").read_bytes())
        other = replace(offline_settings, cache=tmp_path / "other")
        signed = {"importer": lambda path, settings: import_bundle(path, key=public, settings=settings)}
        assert refused(forged, other, **signed) == "signature-mismatch"
        forged.with_name("forged.zoo.sig").unlink()
        assert refused(forged, other, **signed) == "signature-missing"


def change_weights(data: bytes) -> bytes:
    """Change some values in the middle of a file, where its weights are."""
    changed = bytearray(data)
    for at in range(len(data) // 2, len(data) // 2 + 400, 4):
        changed[at] ^= 0x10
    return bytes(changed)


def with_toolchains(settings: Settings, root: Path) -> Settings:
    """The same settings with the environments of the tests' toolchains."""
    claim_cache(settings.cache)
    (settings.cache / "toolchains").symlink_to(root)
    return settings
