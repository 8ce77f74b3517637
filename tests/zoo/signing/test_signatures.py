"""Signatures with local keys: what is accepted, and what is refused."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from registry.errors import IntegrityError, NotFoundError, UsageError, ZooError
from tests.helpers.keys import write_keys
from zoo.api.signing import sign, verify_signature
from zoo.settings import Settings
from zoo.signing.sign import sign_path, verify_path

pytest.importorskip("cryptography", reason="pip install 'paddle-zoo[sign]'")
pytestmark = pytest.mark.table("attacks on signatures")


@pytest.mark.parametrize("curve", ["SECP256R1", "SECP384R1", "SECP521R1"])
def test_a_signed_file_is_accepted(file: Path, tmp_path: Path, curve: str) -> None:
    key = write_keys(tmp_path, curve, curve)
    signed = sign(file, key=key)
    verified = verify_signature(file, key=key.with_suffix(".pub"))

    assert signed.signature == tmp_path / "model.zoo.sig"
    assert (verified.files, verified.key, verified.signed) == (1, signed.key, signed.signed)


def test_a_signed_folder_is_accepted(folder: Path, key: Path) -> None:
    assert sign(folder, key=key).files == 2
    assert verify_signature(folder, key=key.with_suffix(".pub")).files == 2


def test_an_encrypted_key_needs_its_password(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write_keys(tmp_path, "encrypted", password=b"s3cr3t")
    for password in (None, "wrong"):
        with pytest.raises(UsageError) as caught:
            sign_path(file, key, password=password)
        assert caught.value.code == "key-invalid"
        assert "s3cr3t" not in str(caught.value)
    monkeypatch.setenv("ZOO_KEY_PASSWORD", "s3cr3t")
    sign(file, key=key)
    verify_signature(file, key=key.with_suffix(".pub"))


def test_a_trusted_identity_is_a_key_in_the_folder_of_trusted_keys(
    file: Path, key: Path, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache", keys=tmp_path / "trusted")
    (tmp_path / "trusted").mkdir()
    shutil.copyfile(key.with_suffix(".pub"), tmp_path / "trusted/alice@example.org.pem")
    sign(file, key=key)

    assert (
        verify_signature(file, identity="alice@example.org", settings=settings).identity
        == "alice@example.org"
    )
    with pytest.raises(NotFoundError) as unknown:
        verify_signature(file, identity="bob", settings=settings)
    assert unknown.value.code == "identity-not-found"


@pytest.mark.parametrize(
    "identity", ["", "../key", "/etc/passwd", "a/b", ".hidden", "a\n", "x" * 100, "a\x1b"]
)
def test_an_identity_is_a_plain_name(file: Path, tmp_path: Path, identity: str) -> None:
    with pytest.raises(UsageError) as caught:
        verify_signature(file, identity=identity, settings=Settings(cache=tmp_path, keys=tmp_path))

    assert caught.value.code == "identity-invalid"


def change_payload(data: Any, change: Callable[[Any], None]) -> None:
    statement = json.loads(base64.b64decode(data["dsseEnvelope"]["payload"]))
    change(statement)
    data["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


TAMPERING: dict[str, Callable[[Any], None]] = {
    "another digest": lambda d: change_payload(
        d, lambda s: s["predicate"]["resources"][0].update(digest="0" * 64)
    ),
    "a later expiry": lambda d: change_payload(
        d, lambda s: s["predicate"]["paddle_zoo"].update(expires="2999-01-01T00:00:00Z")
    ),
    "no expiry": lambda d: change_payload(d, lambda s: s["predicate"]["paddle_zoo"].pop("expires")),
    "another payload type": lambda d: d["dsseEnvelope"].update(payloadType="text/plain"),
    "no signature": lambda d: d["dsseEnvelope"].update(signatures=[]),
    "an empty signature": lambda d: d["dsseEnvelope"]["signatures"][0].update(sig=""),
    "a signature of zeros": lambda d: d["dsseEnvelope"]["signatures"][0].update(sig="MAYCAQACAQA="),
    "a signature that is not base64": lambda d: d["dsseEnvelope"]["signatures"][0].update(sig="*"),
    "two signatures": lambda d: d["dsseEnvelope"]["signatures"].append(d["dsseEnvelope"]["signatures"][0]),
    "a payload that is not base64": lambda d: d["dsseEnvelope"].update(payload="\u00e4"),
    "no envelope": lambda d: d.pop("dsseEnvelope"),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_a_changed_signature_file_is_refused(file: Path, key: Path, case: str) -> None:
    signature = sign(file, key=key, valid_for=timedelta(days=1)).signature
    data = json.loads(signature.read_bytes())
    TAMPERING[case](data)
    signature.write_text(json.dumps(data))

    with pytest.raises(IntegrityError) as caught:
        verify_signature(file, key=key.with_suffix(".pub"))
    assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b"{}" * 10_000_000]
)
def test_a_file_that_is_not_a_signature_is_refused(file: Path, key: Path, content: bytes) -> None:
    file.with_name("model.zoo.sig").write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        verify_signature(file, key=key.with_suffix(".pub"))
    assert caught.value.code == "signature-invalid"


def test_the_key_of_another_signer_is_refused(file: Path, key: Path, tmp_path: Path) -> None:
    sign(file, key=key)
    other = write_keys(tmp_path, "other")
    data = json.loads(file.with_name("model.zoo.sig").read_bytes())

    with pytest.raises(IntegrityError) as caught:
        verify_signature(file, key=other.with_suffix(".pub"))
    assert caught.value.code == "signature-invalid"

    # The hint in the file is not trusted: a forger writes the fingerprint of the expected key into it.
    forged = sign(file, key=other)
    content = json.loads(forged.signature.read_bytes())
    content["verificationMaterial"] = data["verificationMaterial"]
    forged.signature.write_text(json.dumps(content))
    with pytest.raises(IntegrityError):
        verify_signature(file, key=key.with_suffix(".pub"))


def test_a_changed_file_is_refused(file: Path, key: Path) -> None:
    sign(file, key=key)
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)

    with pytest.raises(IntegrityError) as caught:
        verify_signature(file, key=key.with_suffix(".pub"))
    assert caught.value.code == "signature-mismatch"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.pdmodel").write_bytes(b"x"),
        lambda folder: (folder / "new").write_bytes(b"x"),
        lambda folder: (folder / "sub/new").write_bytes(b"x"),
        lambda folder: (folder / "a.pdmodel").unlink(),
        lambda folder: (folder / "sub/b.pdiparams").rename(folder / "b.pdiparams"),
    ],
)
def test_a_changed_folder_is_refused(folder: Path, key: Path, change: Callable[[Path], object]) -> None:
    sign(folder, key=key)
    change(folder)

    with pytest.raises(IntegrityError) as caught:
        verify_signature(folder, key=key.with_suffix(".pub"))
    assert caught.value.code == "signature-mismatch"


def test_a_link_in_a_folder_is_refused(folder: Path, key: Path) -> None:
    sign(folder, key=key)
    (folder / "link").symlink_to("/etc/passwd")

    for action in (
        lambda: sign(folder, key=key),
        lambda: verify_signature(folder, key=key.with_suffix(".pub")),
    ):
        with pytest.raises(UsageError) as caught:
            action()
        assert caught.value.code == "not-signable"


def test_an_expired_signature_is_refused(file: Path, key: Path) -> None:
    sign(file, key=key, valid_for=timedelta(days=7))
    public = key.with_suffix(".pub")
    now = datetime.now(timezone.utc)

    verify_path(file, public, at=now + timedelta(days=6))
    with pytest.raises(IntegrityError) as caught:
        verify_path(file, public, at=now + timedelta(days=8))
    assert caught.value.code == "signature-expired"


def test_a_missing_signature_is_refused(file: Path, key: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        verify_signature(file, key=key.with_suffix(".pub"))

    assert caught.value.code == "signature-missing"


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_an_invalid_key_is_a_usage_error(file: Path, key: Path, tmp_path: Path, content: bytes) -> None:
    sign(file, key=key)
    bad = tmp_path / "bad"
    bad.write_bytes(content)

    for action in (lambda: sign(file, key=bad), lambda: verify_signature(file, key=bad)):
        with pytest.raises(UsageError) as caught:
            action()
        assert caught.value.code == "key-invalid"


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p192", "public", "folder"])
def test_an_unsupported_key_is_a_usage_error(file: Path, key: Path, tmp_path: Path, kind: str) -> None:
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    path = tmp_path / "bad"
    if kind == "public":
        path = key.with_suffix(".pub")
    elif kind == "folder":
        path.mkdir()
    else:
        made = {
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
            "p192": lambda: ec.generate_private_key(ec.SECP256K1()),
        }[kind]()
        path.write_bytes(made.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    with pytest.raises(UsageError) as caught:
        sign(file, key=path)

    assert caught.value.code == "key-invalid"


def test_missing_files_and_keys(file: Path, key: Path, tmp_path: Path) -> None:
    actions: list[tuple[str, Callable[[], object]]] = [
        ("key-not-found", lambda: sign(file, key=tmp_path / "nowhere")),
        ("no-such-file", lambda: sign(tmp_path / "nowhere", key=key)),
        ("missing-argument", lambda: verify_signature(file)),
        ("conflicting-options", lambda: verify_signature(file, key=key, identity="a")),
    ]
    for code, action in actions:
        with pytest.raises(ZooError) as caught:
            action()
        assert caught.value.code == code


def test_signatures_interoperate_with_model_signing(file: Path, folder: Path, key: Path) -> None:
    signing = pytest.importorskip("model_signing.signing", reason="pip install model-signing")
    verifying = pytest.importorskip("model_signing.verifying", reason="pip install model-signing")
    public = key.with_suffix(".pub")
    for path in (file, folder):
        ours = sign(path, key=key).signature
        verifying.Config().use_elliptic_key_verifier(public_key=public).verify(path, ours)
        signing.Config().use_elliptic_key_signer(private_key=key).sign(path, ours)
        assert verify_signature(path, key=public).expires is None
