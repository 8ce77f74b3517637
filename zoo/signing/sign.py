"""Signs and verifies files, folders, mirrors and provenance files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from converters.fs.atomic import publish_bytes, sha256_of
from registry.errors import IntegrityError, NotFoundError, ZooError
from registry.schema.base import Model
from zoo._utils.extras import requires_extra
from zoo.archive.member_names import safe_path
from zoo.signing.envelope import MAX_BYTES, invalid, open_sealed, seal
from zoo.signing.keys import SUFFIX as KEY_SUFFIX
from zoo.signing.keys import fingerprint, load_private_key, load_public_key, trusted_key_path
from zoo.signing.statement import (
    STATEMENT,
    Statement,
    describe_path,
    digests_of,
    now,
    parse_statement,
)

SUFFIX = ".sig"
INDEX = "index.json"
"""Signed instead of the whole folder of a mirror; it lists the digest of every file."""

_MIRROR_FILES = (INDEX, "SHA256SUMS", "zoo.lock")

_MAX_NAMES = 3


class Signed(Model):
    """A signature that was written, or verified.

    Attributes:
        path: The signed file or folder.
        signature: The signature file.
        files: Number of files whose digests the signature covers.
        key: SHA-256 of the public key in PEM.
        identity: Name of the trusted identity; None when a key file was given.
        signed: When it was signed; None where the statement does not tell.
        expires: Until when it is valid; None for no end.
    """

    path: Path
    signature: Path
    files: int
    key: str
    identity: str | None = None
    signed: datetime | None = None
    expires: datetime | None = None


def signature_path(path: Path) -> Path:
    """The signature file of a file, folder or mirror: next to what is signed."""
    target = signed_path(path)
    return target.with_name(target.name + SUFFIX)


def signed_path(path: Path) -> Path:
    """The path that is signed: the index of a mirror instead of its folder."""
    # A model folder can contain a file of the name index.json: then all of its files are signed.
    is_mirror = all((path / name).is_file() for name in _MIRROR_FILES)
    return path / INDEX if is_mirror else path


@requires_extra("sign")
def sign_path(
    path: Path, key: Path, *, password: str | None = None, valid_for: timedelta | None = None
) -> Signed:
    """Sign a file, a folder or a mirror, and write the signature next to it.

    Args:
        path: The file or folder.
        key: PEM file with the private key.
        password: Password of an encrypted key.
        valid_for: How long the signature is valid; None for no end.

    Raises:
        NotFoundError: ``no-such-file``; ``key-not-found``.
        UsageError: ``key-invalid``, ``not-signable``.
        MissingToolError: ``package-missing``.
    """
    target = _existing(signed_path(path))
    private = load_private_key(key, password)
    payload = _provenance(target)
    files, signed, expires = 1, None, None
    if payload is None:
        signed = now()
        expires = signed + valid_for if valid_for is not None else None
        statement = describe_path(target, signed=signed, expires=expires)
        payload, files = statement.to_bytes(), len(statement.digests)
    signature = signature_path(path)
    publish_bytes(seal(payload, private).to_bytes(), signature)
    return Signed(
        path=path,
        signature=signature,
        files=files,
        key=fingerprint(private.public_key()),
        signed=signed,
        expires=expires,
    )


@requires_extra("sign")
def verify_path(path: Path, key: Path, *, identity: str | None = None, at: datetime | None = None) -> Signed:
    """Verify the signature of a file, a folder or a mirror, and the digests it covers.

    Args:
        path: The file or folder.
        key: PEM file with the public key of the signer.
        identity: Name of the signer, for the result.
        at: Time for the check of the validity; the present by default.

    Raises:
        NotFoundError: ``no-such-file``; ``key-not-found``.
        UsageError: ``key-invalid``.
        IntegrityError: ``signature-missing``, ``signature-invalid``, ``signature-mismatch``: the signed files
            differ; ``signature-expired``; ``digest-mismatch``: a file differs from the signed index.
        MissingToolError: ``package-missing``.
    """
    target, signature = _existing(signed_path(path)), signature_path(path)
    public = load_public_key(key)
    payload = open_sealed(_read_signature(signature, path), public, signature)
    result = Signed(path=path, signature=signature, files=1, key=fingerprint(public), identity=identity)
    if _provenance(target) is not None:
        if target.read_bytes() != payload:
            raise _mismatch(target, signature, "the signature is about another provenance")
        return result
    statement = parse_statement(payload, signature)
    compare_digests(statement, digests_of(target), target, signature)
    files = len(statement.digests)
    if target != path:
        files += _verify_index(path, target)
    validity = check_validity(statement, signature, at or now())
    return result.model_copy(update={"files": files, **validity})


def find_signer(path: Path, keys: Path) -> str | None:
    """The trusted identity whose signature of a file verifies; None if there is none.

    Args:
        path: The file.
        keys: Folder of trusted keys.
    """
    for key in sorted(keys.glob(f"*{KEY_SUFFIX}")):
        identity = key.name[: -len(KEY_SUFFIX)]
        try:
            verify_path(path, trusted_key_path(identity, keys))
        except ZooError:
            continue  # another signer's key, an expired signature, or a missing package
        return identity
    return None


def compare_digests(
    statement: Statement, found: Mapping[str, str], path: Path | str, signature: Path | str
) -> None:
    """Refuse files that differ from the signed ones.

    Args:
        statement: The verified statement.
        found: Name of each file to its present SHA-256.
        path: What is signed, for messages.
        signature: The signature file, for messages.

    Raises:
        IntegrityError: ``signature-mismatch``.
    """
    expected = statement.digests
    different = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if different:
        more = f" and {len(different) - _MAX_NAMES} more" if len(different) > _MAX_NAMES else ""
        names = ", ".join(str(path) if name == "." else name for name in different[:_MAX_NAMES])
        raise _mismatch(path, signature, f"changed, missing or added: {names}{more}")


def check_validity(statement: Statement, signature: Path | str, at: datetime) -> dict[str, datetime | None]:
    """Refuse an expired statement; returns when it was signed and when it expires.

    Args:
        statement: The verified statement.
        signature: The signature file, for messages.
        at: The time.

    Raises:
        IntegrityError: ``signature-expired``.
    """
    validity = statement.validity
    if validity is None:
        return {"signed": None, "expires": None}
    if validity.expires is not None and at >= validity.expires:
        raise IntegrityError(
            "signature-expired",
            f"the signature {signature} has expired",
            expected=f"a signature that is valid at {at.isoformat()}",
            found=f"expired at {validity.expires.isoformat()}",
            done="nothing was changed",
            hint="get the newest signature from the signer",
        )
    return {"signed": validity.signed, "expires": validity.expires}


def _verify_index(folder: Path, index: Path) -> int:
    """Verify the files of a mirror against its signed index; returns their number."""
    try:
        files = {
            str(safe_path(each["path"])): each["sha256"] for each in json.loads(index.read_bytes())["files"]
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        raise invalid(index, "the signed index is not one of zoo mirror") from None
    different = [name for name, digest in sorted(files.items()) if _digest(folder / name) != digest]
    if different:
        more = f" and {len(different) - _MAX_NAMES} more" if len(different) > _MAX_NAMES else ""
        raise IntegrityError(
            "digest-mismatch",
            f"files of the mirror {folder} differ from its signed index",
            found=f"changed or missing: {', '.join(different[:_MAX_NAMES])}{more}",
            done="nothing was changed",
            hint=f"zoo mirror {folder}",
        )
    return len(files)


def _digest(file: Path) -> str | None:
    return sha256_of(file) if file.is_file() else None


def _provenance(path: Path) -> bytes | None:
    """The content of a provenance file: an in-toto statement; None for any other file."""
    if not path.name.endswith(".provenance.json") or path.stat().st_size > MAX_BYTES:
        return None
    content = path.read_bytes()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(data, dict) and data.get("_type") == STATEMENT else None


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError("no-such-file", f"there is no file or folder {path}", hint="zoo sign --help")
    return path


def _read_signature(signature: Path, path: Path) -> bytes:
    try:
        with signature.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise IntegrityError(
            "signature-missing",
            f"{path} has no signature",
            expected=str(signature),
            done="nothing was changed",
            hint=f"zoo sign {path} --key KEY.pem (by the signer)",
        ) from None
    if len(content) > MAX_BYTES:
        raise invalid(signature, "it is too large")
    return content


def _mismatch(path: Path | str, signature: Path | str, found: str) -> IntegrityError:
    return IntegrityError(
        "signature-mismatch",
        f"{path} is not what {signature} signs",
        found=found,
        done="nothing was changed",
        hint="get file and signature again from the signer",
    )
