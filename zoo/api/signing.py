"""Python side of ``zoo sign`` and of ``zoo verify`` with a key."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from registry.errors import UsageError
from zoo.settings import Settings, from_environment
from zoo.signing.keys import trusted_key_path
from zoo.signing.sign import Signed, sign_path, verify_path

PASSWORD_VARIABLE = "ZOO_KEY_PASSWORD"


def sign(path: Path | str, *, key: Path | str, valid_for: timedelta | None = None) -> Signed:
    """Sign a bundle, a mirror, a catalog, a provenance file, a model file or a folder.

    The signature is written next to what is signed; for a mirror, next to its ``index.json``. The password
    of an encrypted key is read from ``ZOO_KEY_PASSWORD``.

    Args:
        path: The file or folder.
        key: PEM file with the private key, of the curve P-256, P-384 or P-521.
        valid_for: How long the signature is valid; None for no end.

    Raises:
        NotFoundError: ``no-such-file``; ``key-not-found``.
        UsageError: ``key-invalid``; ``not-signable``.
        MissingToolError: ``package-missing``.
    """
    password = os.environ.get(PASSWORD_VARIABLE) or None
    return sign_path(Path(path), Path(key), password=password, valid_for=valid_for)


def verify_signature(
    path: Path | str,
    *,
    key: Path | str | None = None,
    identity: str | None = None,
    settings: Settings | None = None,
) -> Signed:
    """Verify the signature of a file, a folder or a mirror, and the digests that it covers.

    Args:
        path: The file or folder.
        key: PEM file with the public key of the signer.
        identity: Name of a trusted identity, instead of the key.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: ``no-such-file``; ``key-not-found``; ``identity-not-found``.
        UsageError: ``key-invalid``; ``conflicting-options``.
        IntegrityError: ``signature-missing``, ``signature-invalid``, ``signature-mismatch``,
            ``signature-expired``; ``digest-mismatch``: a file of a mirror differs from its signed index.
        MissingToolError: ``package-missing``.
    """
    found = public_key_path(key, identity, settings or from_environment())
    if found is None:
        raise UsageError(
            "missing-argument",
            "a signature is verified against a key or a trusted identity",
            expected="one of the two",
            hint="zoo verify PATH --key KEY.pub",
        )
    return verify_path(Path(path), found, identity=identity)


def public_key_path(key: Path | str | None, identity: str | None, settings: Settings) -> Path | None:
    """The public key of a key or an identity; None when neither is given.

    Args:
        key: PEM file.
        identity: Name of a trusted identity.
        settings: Names the folder of trusted keys.

    Raises:
        NotFoundError: ``identity-not-found``.
        UsageError: ``conflicting-options``: both are given.
    """
    if key is not None and identity is not None:
        raise UsageError(
            "conflicting-options",
            "a key and an identity exclude each other",
            expected="--key or --identity",
            hint="zoo verify PATH --key KEY.pub",
        )
    if identity is not None:
        return trusted_key_path(identity, settings.trusted_keys)
    return Path(key) if key is not None else None
