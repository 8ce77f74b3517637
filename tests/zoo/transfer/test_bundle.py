"""zoo bundle create and zoo bundle import: one file for an offline machine, trusted no more than a server."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from converters.provenance.statement import read_provenance
from registry.errors import (
    IntegrityError,
    NetworkError,
    NotFoundError,
    UsageError,
)
from registry.lock import Lock, Locked
from tests.helpers.bundle_parts import REQUEST, Parts, flipped, import_trusted, refused
from zoo import api
from zoo.api.transfer import bundle, import_bundle
from zoo.sample import NAME
from zoo.settings import Settings


def test_offline_fetches_find_every_imported_artifact(made: Path, offline_settings: Settings) -> None:
    with pytest.raises(NetworkError):
        api.fetch(NAME, settings=offline_settings)

    imported = import_trusted(made, offline_settings)

    assert [(item.artifact, item.built, item.new) for item in imported] == [
        ("weights", False, True),
        ("inference", False, True),
        ("onnx-fp32", True, True),
    ]
    assert api.fetch(NAME, settings=offline_settings).path == imported[1].path
    converted = api.fetch(NAME, onnx="fp32", settings=offline_settings)
    assert (converted.path, converted.from_cache) == (imported[2].path, True)
    digest = hashlib.sha256(converted.path.read_bytes()).hexdigest()
    assert read_provenance(converted.path).is_about(digest)
    assert api.verify(settings=offline_settings).clean
    assert [item.new for item in import_trusted(made, offline_settings)] == [False] * 3


def test_no_temporary_files_remain(made: Path, offline_settings: Settings) -> None:
    import_trusted(made, offline_settings)

    names = {path.name for path in offline_settings.cache.iterdir()}
    assert names == {"artifacts", "blobs", "built", "lock.json", "locks", "work", "partial", "CACHEDIR.TAG"}
    assert [path.name for path in (offline_settings.cache / "work").iterdir()] == ["sweep.lock"]
    assert list((offline_settings.cache / "partial").iterdir()) == []


def test_an_imported_bundle_can_be_bundled_again_to_the_same_bytes(
    made: Path, offline_settings: Settings, tmp_path: Path
) -> None:
    import_trusted(made, offline_settings)

    again = bundle([NAME], REQUEST, out=tmp_path / "again.zoo", settings=offline_settings)

    assert again.path.read_bytes() == made.read_bytes()


def test_a_given_digest_must_match(made: Path, offline_settings: Settings) -> None:
    with pytest.raises(IntegrityError) as caught:
        import_bundle(made, sha256="0" * 64, settings=offline_settings)

    assert caught.value.code == "digest-mismatch"
    import_bundle(
        made, sha256=hashlib.sha256(made.read_bytes()).hexdigest().upper(), settings=offline_settings
    )


class TestTampering:
    @pytest.mark.parametrize("ending", [".tar.gz", ".safetensors", ".onnx", ".provenance.json"])
    def test_one_flipped_bit(
        self, parts: Parts, offline_settings: Settings, tmp_path: Path, ending: str
    ) -> None:
        name = parts.find(ending)
        parts.members[name] = flipped(parts.members[name])

        assert refused(parts.write(tmp_path / "b"), offline_settings) == "digest-mismatch"

    def test_another_model_under_the_same_name(
        self, parts: Parts, offline_settings: Settings, tmp_path: Path
    ) -> None:
        """With consistent digests, only inspection of the file detects it: it is not an ONNX model."""
        parts.replace(parts.find(".onnx"), parts.members[parts.find(".safetensors")])
        assert refused(parts.write(tmp_path / "b"), offline_settings) == "bundle-damaged", (
            "its provenance describes other bytes"
        )

        del parts.members[parts.find(".provenance.json")]
        parts.change_manifest(
            lambda data: [data["members"].pop(n) for n in list(data["members"]) if "provenance" in n]
        )
        bundle = parts.write(tmp_path / "b")
        assert refused(bundle, offline_settings, importer=import_trusted) == "artifact-mismatch"

    def test_a_published_file_with_another_digest_than_the_catalogs(
        self, parts: Parts, offline_settings: Settings, tmp_path: Path
    ) -> None:
        name = parts.find(".tar.gz")
        parts.replace(name, flipped(parts.members[name]))

        assert refused(parts.write(tmp_path / "b"), offline_settings) == "digest-changed"

    def test_a_key_of_another_conversion(
        self, parts: Parts, offline_settings: Settings, tmp_path: Path
    ) -> None:
        (key,) = parts.manifest["built"][0]["keys"]
        other = f"{'0' * 32}{key[32:]}"
        text = parts.members["bundle.json"].replace(key.encode(), other.encode())
        parts.members = {name.replace(key, other): data for name, data in parts.members.items()}
        parts.members["bundle.json"] = text

        assert refused(parts.write(tmp_path / "b"), offline_settings) == "bundle-incompatible"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda members: members.update({"files/extra": b"x"}), "bundle-damaged"),
            (lambda members: members.update({"../../evil": b"x"}), "unsafe-archive"),
            (lambda members: members.update({"/etc/evil": b"x"}), "unsafe-archive"),
            (lambda members: members.pop(next(n for n in members if n.endswith(".onnx"))), "bundle-damaged"),
            (lambda members: members.pop("bundle.json"), "bundle-damaged"),
            (lambda members: members.update({"bundle.json": b"{"}), "bundle-damaged"),
            (lambda members: members.update({"bundle.json": b"[" * 100_000}), "bundle-damaged"),
            (lambda members: members.update({"bundle.json": b'{"format": "other"}'}), "bundle-damaged"),
        ],
    )
    def test_unlisted_missing_and_unsafe_members(
        self,
        parts: Parts,
        offline_settings: Settings,
        tmp_path: Path,
        change: Callable[[Any], None],
        code: str,
    ) -> None:
        change(parts.members)

        assert refused(parts.write(tmp_path / "b"), offline_settings) == code
        assert not (tmp_path.parent / "evil").exists()

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
    def test_a_member_that_is_not_a_file_is_refused(
        self, made: Path, offline_settings: Settings, tmp_path: Path, kind: bytes
    ) -> None:
        copy = tmp_path / "b"
        copy.write_bytes(made.read_bytes())
        with tarfile.open(copy, "a") as archive:
            member = tarfile.TarInfo("files/link")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)

        assert refused(copy, offline_settings) == "unsafe-archive"

    @pytest.mark.parametrize("size", [0, 100, 512, 700_000])
    def test_a_truncated_bundle(
        self, made: Path, offline_settings: Settings, tmp_path: Path, size: int
    ) -> None:
        (tmp_path / "b").write_bytes(made.read_bytes()[:size])

        assert refused(tmp_path / "b", offline_settings) in {"corrupt-archive", "unexpected-response"}


def test_a_newer_format_requires_a_newer_version(
    parts: Parts, offline_settings: Settings, tmp_path: Path
) -> None:
    parts.change_manifest(lambda data: data.update(version=2, made_by="paddle-zoo 9.9\x1b[2J", news=[]))

    with pytest.raises(UsageError) as caught:
        import_bundle(parts.write(tmp_path / "b"), settings=offline_settings)

    assert caught.value.code == "bundle-too-new"
    assert "\x1b" not in str(caught.value)


def test_the_projects_lock_applies(made: Path, parts: Parts, offline_settings: Settings) -> None:
    url = next(item["url"] for item in parts.manifest["published"] if item["artifact"] == "inference")
    line = Locked(artifact=f"{NAME}@1/inference", sha256="0" * 64, size=1)
    (Path.cwd() / "zoo.lock").write_text(Lock().with_replaced(url, line).dump())

    assert refused(made, offline_settings) == "digest-changed"


def test_an_entry_that_is_not_in_the_catalog(made: Path, offline_settings: Settings) -> None:
    assert refused(made, replace(offline_settings, catalogs=()), NotFoundError) == "unknown-entry"


def test_a_missing_bundle(offline_settings: Settings, tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere", offline_settings, NotFoundError) == "no-such-file"
