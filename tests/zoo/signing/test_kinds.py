"""Signatures of mirrors and provenance files, and how unsigned provenance is shown."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.provenance.statement import provenance_path
from registry.errors import IntegrityError
from tests.helpers.keys import write_keys
from tests.helpers.sample_archives import CHECKPOINT
from zoo.api.artifacts import inspect
from zoo.api.signing import sign, verify_signature
from zoo.artifacts.describe import format_inspection
from zoo.settings import Settings

pytest.importorskip("cryptography", reason="pip install 'paddle-zoo[sign]'")
pytestmark = pytest.mark.table("attacks on signatures of mirrors and provenance")


class TestProvenance:
    STATEMENT = b'{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x"}\n'

    def test_the_statement_itself_is_signed(self, tmp_path: Path, key: Path) -> None:
        file = tmp_path / "m.nb.provenance.json"
        file.write_bytes(self.STATEMENT)
        signature = sign(file, key=key).signature

        envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
        assert base64.b64decode(envelope["payload"]) == self.STATEMENT
        verify_signature(file, key=key.with_suffix(".pub"))

        file.write_bytes(self.STATEMENT.replace(b"x", b"y"))
        with pytest.raises(IntegrityError) as caught:
            verify_signature(file, key=key.with_suffix(".pub"))
        assert caught.value.code == "signature-mismatch"

    def test_its_signature_does_not_fit_a_model(self, tmp_path: Path, key: Path, file: Path) -> None:
        """A statement of another kind must not pass for one about files."""
        provenance = tmp_path / "m.nb.provenance.json"
        provenance.write_bytes(self.STATEMENT)
        sign(provenance, key=key).signature.replace(file.with_name("model.zoo.sig"))

        with pytest.raises(IntegrityError) as caught:
            verify_signature(file, key=key.with_suffix(".pub"))
        assert caught.value.code == "signature-invalid"


class TestClaimedProvenance:
    """A provenance file proves nothing by itself: whoever changes a model can write one."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        from converters.provenance.statement import provenance, write_provenance

        path = tmp_path / "m.safetensors"
        path.write_bytes(CHECKPOINT)
        digest = hashlib.sha256(CHECKPOINT).hexdigest()
        statement = provenance("inference", name=path.name, sha256=digest, inputs={}, tools={}, options={})
        write_provenance(path, statement)
        return path

    def test_it_is_shown_as_claimed_until_a_trusted_identity_signs_it(
        self, model: Path, key: Path, tmp_path: Path
    ) -> None:
        trusted = tmp_path / "trusted"
        trusted.mkdir()
        settings = Settings(cache=tmp_path / "cache", keys=trusted)
        assert "provenance  claimed: conversion" in format_inspection(inspect(model, settings=settings))

        sign(provenance_path(model), key=key)
        untrusted = inspect(model, settings=settings)
        assert untrusted.provenance is not None
        assert untrusted.provenance.signed_by is None
        assert any("not one of a trusted identity" in warning for warning in untrusted.warnings)

        shutil.copyfile(write_keys(tmp_path, "bob").with_suffix(".pub"), trusted / "bob.pem")
        shutil.copyfile(key.with_suffix(".pub"), trusted / "carol.pem")
        text = format_inspection(inspect(model, settings=settings))
        assert "provenance  signed by carol: conversion" in text


class TestMirrors:
    @pytest.fixture
    def mirror(self, tmp_path: Path) -> Path:
        path = tmp_path / "mirror"
        (path / "v1").mkdir(parents=True)
        (path / "v1/a.tar").write_bytes(b"a")
        (path / "v1/b.tar").write_bytes(b"b")
        digests = {
            name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in ("v1/a.tar", "v1/b.tar")
        }
        index = {
            "version": 1,
            "files": [{"path": name, "sha256": digest} for name, digest in digests.items()],
        }
        (path / "index.json").write_text(json.dumps(index))
        (path / "zoo.lock").write_text("")
        (path / "SHA256SUMS").write_text("")
        return path

    def test_the_index_is_signed_and_covers_every_file(self, mirror: Path, key: Path) -> None:
        assert sign(mirror, key=key).signature == mirror / "index.json.sig"
        assert verify_signature(mirror, key=key.with_suffix(".pub")).files == 3

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda m: (m / "v1/a.tar").write_bytes(b"x"), "digest-mismatch"),
            (lambda m: (m / "v1/a.tar").unlink(), "digest-mismatch"),
            (lambda m: (m / "index.json").write_text('{"files": []}'), "signature-mismatch"),
            (lambda m: (m / "index.json.sig").unlink(), "signature-missing"),
            (lambda m: (m / "zoo.lock").unlink(), "signature-missing"),
        ],
    )
    def test_a_change_is_found(
        self, mirror: Path, key: Path, change: Callable[[Path], object], code: str
    ) -> None:
        sign(mirror, key=key)
        change(mirror)
        with pytest.raises(IntegrityError) as caught:
            verify_signature(mirror, key=key.with_suffix(".pub"))

        assert caught.value.code == code

    @pytest.mark.parametrize(
        "index",
        ["[]", "{}", '{"files": 1}', '{"files": [1]}', '{"files": [{"path": "../x", "sha256": "0"}]}'],
    )
    def test_a_signed_index_of_another_form_is_refused(self, mirror: Path, key: Path, index: str) -> None:
        (mirror / "index.json").write_text(index)
        sign(mirror, key=key)
        with pytest.raises(IntegrityError) as caught:
            verify_signature(mirror, key=key.with_suffix(".pub"))

        assert caught.value.code == "signature-invalid"

    def test_a_model_folder_with_an_index_is_signed_as_a_whole(self, folder: Path, key: Path) -> None:
        (folder / "index.json").write_text("{}")

        assert sign(folder, key=key).files == 3
