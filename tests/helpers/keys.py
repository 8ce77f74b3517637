"""Key pairs for tests of signatures."""

from __future__ import annotations

from pathlib import Path


def write_keys(
    folder: Path, name: str = "key", curve: str = "SECP256R1", password: bytes | None = None
) -> Path:
    """Write a key pair; returns the path of the private key, and the public key has the suffix ``.pub``."""
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(getattr(ec, curve)())
    encryption = pem.BestAvailableEncryption(password) if password else pem.NoEncryption()
    private = folder / f"{name}.pem"
    private.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    private.with_suffix(".pub").write_bytes(public)
    return private
