"""The signature file: a Sigstore bundle with a DSSE envelope around an in-toto statement.

Specifications: https://github.com/secure-systems-lab/dsse, https://docs.sigstore.dev/about/bundle/ and, for
the use of local keys, https://github.com/sigstore/model-transparency.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from registry.errors import IntegrityError
from registry.schema.base import Model
from zoo.signing.keys import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_BYTES = 16 * 1024 * 1024


class _Layout(Model):
    """Base class: camel-case names in the file; fields of other implementations are ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class _PublicKey(_Layout):
    """Identifies the key: SHA-256 of its PEM form."""

    hint: str = ""


class _VerificationMaterial(_Layout):
    """The key, and no entries of a transparency log."""

    public_key: _PublicKey
    tlog_entries: tuple[object, ...] = ()


class _Signature(_Layout):
    """A DER-encoded ECDSA signature, in base64."""

    sig: str
    keyid: str = ""


class _Envelope(_Layout):
    """The DSSE envelope."""

    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = PAYLOAD_TYPE
    signatures: Annotated[tuple[_Signature, ...], Field(min_length=1, max_length=1)]


class SignatureFile(_Layout):
    """Content of a signature file.

    Attributes:
        media_type: Kind of the bundle.
        verification_material: Identifies the key.
        dsse_envelope: Statement and signature.
    """

    media_type: str = MEDIA_TYPE
    verification_material: _VerificationMaterial
    dsse_envelope: _Envelope

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return self.model_dump_json(by_alias=True).encode() + b"\n"


def seal(payload: bytes, key: EllipticCurvePrivateKey) -> SignatureFile:
    """Sign a statement.

    Args:
        payload: The statement in JSON.
        key: The private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    public = key.public_key()
    signature = key.sign(_pre_authentication_encoding(payload), ECDSA(_hash_for(public)))
    return SignatureFile(
        verification_material=_VerificationMaterial(public_key=_PublicKey(hint=fingerprint(public))),
        dsse_envelope=_Envelope(
            payload=base64.b64encode(payload).decode(),
            signatures=(_Signature(sig=base64.b64encode(signature).decode()),),
        ),
    )


def open_sealed(content: bytes, key: EllipticCurvePublicKey, path: Path | str) -> bytes:
    """Verify a signature file and return its statement. Nothing of it is interpreted before the check.

    Args:
        content: The signature file.
        key: The public key.
        path: Its path or address, for messages.

    Raises:
        IntegrityError: ``signature-invalid``: not a signature file, of another key, or wrong.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    try:
        envelope = SignatureFile.model_validate_json(content).dsse_envelope
        payload = base64.b64decode(envelope.payload, validate=True)
        signature = base64.b64decode(envelope.signatures[0].sig, validate=True)
    except (ValidationError, binascii.Error, ValueError):
        raise invalid(path, "it is not a Sigstore bundle with one signature by a key") from None
    try:
        key.verify(signature, _pre_authentication_encoding(payload), ECDSA(_hash_for(key)))
    except InvalidSignature:
        raise invalid(path, "it was not made with the private key that belongs to the given key") from None
    return payload


def invalid(path: Path | str, reason: str) -> IntegrityError:
    """The error for a signature that does not hold."""
    return IntegrityError(
        "signature-invalid",
        f"the signature {path} is not valid: {reason}",
        done="nothing was changed",
        hint="get file and signature again, and check that the key is the signer's",
    )


def _pre_authentication_encoding(payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _hash_for(key: EllipticCurvePublicKey) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    algorithms: dict[int, type[HashAlgorithm]] = {
        256: hashes.SHA256,
        384: hashes.SHA384,
        521: hashes.SHA512,
    }
    return algorithms[key.curve.key_size]()
