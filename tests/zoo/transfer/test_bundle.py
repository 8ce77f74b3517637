"""zoo bundle create and zoo bundle import: one file for an offline machine, trusted no more than a server."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX
from registry.errors import (
    IntegrityError,
    MissingToolError,
    NetworkError,
    NotFoundError,
    UsageError,
    ZooError,
)
from registry.lock import Lock, Locked
from tests.conftest import ensured
from tests.helpers.keys import write_keys
from zoo import api
from zoo.api.signing import sign
from zoo.api.transfer import bundle, import_bundle
from zoo.artifacts.spec import FetchOptions
from zoo.sample import CATALOG, NAME
from zoo.settings import Settings
from zoo.store.cache_root import claim_cache
from zoo.transfer.bundle_import import ImportedArtifact

REQUEST = FetchOptions(weights=True, onnx="fp32")


@pytest.fixture(scope="session")
def made(
    tmp_path_factory: pytest.TempPathFactory, upstream: Path, toolchains: Toolchains, toolchain_root: Path
) -> Path:
    """A bundle with the checkpoint, the inference model and what was converted from it."""
    ensured(toolchains, PADDLE2ONNX)
    folder = tmp_path_factory.mktemp("bundle")
    claim_cache(folder / "cache")
    (folder / "cache/toolchains").symlink_to(toolchain_root)
    settings = Settings(cache=folder / "cache", mirrors=(str(upstream),), catalogs=(str(CATALOG),))
    first = bundle([NAME], REQUEST, out=folder / "sample.zoo", settings=settings)
    second = bundle([NAME], REQUEST, out=folder / "again.zoo", settings=settings)
    assert first.path.read_bytes() == second.path.read_bytes(), "equal content, equal bytes"
    assert first.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    return first.path


@pytest.fixture
def offline_settings(settings: Settings) -> Settings:
    """Settings of an offline machine: no mirror, no network."""
    return replace(settings, mirrors=(), offline=True)


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


@dataclass
class Parts:
    """The members of a bundle, for writing a modified one."""

    members: dict[str, bytes]

    @property
    def manifest(self) -> Any:
        return json.loads(self.members["bundle.json"])

    def change_manifest(self, change: Callable[[Any], None]) -> None:
        manifest = self.manifest
        change(manifest)
        self.members["bundle.json"] = json.dumps(manifest).encode()

    def replace(self, name: str, data: bytes) -> None:
        """New bytes for a member, and a manifest with their digest."""
        digest = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        self.members[name] = data

        def change(manifest: Any) -> None:
            manifest["members"][name] = digest
            for item in manifest["published"]:
                if item["path"] == name:
                    item["digest"] = digest

        self.change_manifest(change)

    def find(self, ending: str) -> str:
        return next(name for name in self.members if name.endswith(ending))

    def write(self, path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            for name, data in self.members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return path


@pytest.fixture
def parts(made: Path) -> Parts:
    with tarfile.open(made) as archive:
        return Parts({m.name: archive.extractfile(m).read() for m in archive})  # type: ignore[union-attr]


def import_trusted(path: Path, settings: Settings) -> tuple[ImportedArtifact, ...]:
    """Import a bundle whose digest is known to be right."""
    return import_bundle(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), settings=settings)


def refused(
    path: Path,
    settings: Settings,
    kind: type[ZooError] = IntegrityError,
    importer: Callable[[Path, Settings], object] = lambda path, settings: import_bundle(
        path, settings=settings
    ),
) -> str:
    """The error code of a refused import; checks that the store is unchanged."""
    with pytest.raises(kind) as caught:
        importer(path, settings)
    left = [
        file for file in settings.cache.rglob("*") if file.is_file() and file.suffix not in (".lock", ".TAG")
    ]
    assert left == []
    return caught.value.code


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


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
