"""Keys for signatures: private keys in PEM files, and public keys of trusted identities."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.ownership import require_trusted_owner
from registry.errors import NotFoundError, UsageError
from zoo._utils.extras import requires_extra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

SUFFIX = ".pem"
CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""The curves of the Model Signing specification."""

GENERATE_HINT = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"
_IDENTITY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@+-]{0,63}")
_MAX_KEY_BYTES = 64 * 1024


@requires_extra("sign")
def load_private_key(path: Path, password: str | None = None) -> EllipticCurvePrivateKey:
    """Load a private key.

    Args:
        path: PEM file.
        password: Password of an encrypted key.

    Raises:
        NotFoundError: ``key-not-found``.
        UsageError: ``key-invalid``: not a private key, a wrong password, or an unsupported kind of key.
        MissingToolError: ``package-missing``.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    try:
        key = load_pem_private_key(content, password.encode() if password is not None else None)
    except TypeError:  # the library distinguishes a missing and a superfluous password by this class
        reason = "it is encrypted" if password is None else "it is not encrypted, but a password is set"
        raise _invalid(path, reason, hint="export ZOO_KEY_PASSWORD=… for an encrypted key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid(path, "it is not a private key in PEM, or the password is wrong") from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise _invalid(path, "it is not a key of the curve P-256, P-384 or P-521")
    return key


@requires_extra("sign")
def load_public_key(path: Path) -> EllipticCurvePublicKey:
    """Load a public key.

    Args:
        path: PEM file.

    Raises:
        NotFoundError: ``key-not-found``.
        UsageError: ``key-invalid``: not a public key, or an unsupported kind of key.
        MissingToolError: ``package-missing``.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        hint = f"openssl ec -in {path} -pubout -out key.pub"
        raise _invalid(path, "it is not a public key in PEM", hint=hint) from None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _invalid(path, "it is not a key of the curve P-256, P-384 or P-521")
    return key


def fingerprint(key: EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's PEM form, as the Model Signing format identifies a key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def trusted_key_path(identity: str, folder: Path) -> Path:
    """The public key file of a trusted identity.

    Args:
        identity: Name of the identity: that of the file, without ``.pem``.
        folder: The folder of trusted keys.

    Raises:
        UsageError: ``identity-invalid``: it cannot be a file name.
        NotFoundError: ``identity-not-found``.
        IntegrityError: ``owner-untrusted``: another user could have put the key there.
    """
    if not _IDENTITY.fullmatch(identity):
        raise UsageError(
            "identity-invalid",
            f"{identity[:80]!a} is not the name of an identity",
            expected="letters, digits and . _ @ + -",
            hint=f"ls {folder}",
        )
    path = folder / f"{identity}{SUFFIX}"
    if not path.is_file():
        raise NotFoundError(
            "identity-not-found",
            f"there is no trusted key for {identity}",
            expected=str(path),
            hint=f"cp {identity}'s public key to {path} if you trust it",
        )
    require_trusted_owner(folder, "the folder of trusted keys")
    require_trusted_owner(path, "the trusted key")
    return path


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_KEY_BYTES + 1) if path.is_file() else b""
    except FileNotFoundError:
        raise NotFoundError("key-not-found", f"there is no key at {path}", hint=GENERATE_HINT) from None
    except OSError as error:
        raise _invalid(path, error.strerror or "it cannot be read") from None
    if len(content) > _MAX_KEY_BYTES:
        raise _invalid(path, "it is too large for a key")
    return content


def _invalid(path: Path, reason: str, *, hint: str = GENERATE_HINT) -> UsageError:
    return UsageError(
        "key-invalid",
        f"{path} cannot be used as a key: {reason}",
        expected="a PEM file with an elliptic curve key (P-256, P-384 or P-521)",
        hint=hint,
    )
