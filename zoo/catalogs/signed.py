"""A catalog from a server that a trusted identity signs: ``https://host/zoo.yaml#identity=NAME``.

A digest in the address fixes one version for ever. A signature lets the signer publish new versions, so two
attacks must be excluded that a digest excludes by itself (The Update Framework names them freeze and
rollback): an old version is served for ever, which the expiry of the signature bounds, and an older version
replaces a newer one, which the time of the last accepted signature prevents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AwareDatetime, ValidationError

from converters.fs.atomic import replace_bytes, sha256_of
from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError, NetworkError
from registry.schema.base import Model
from zoo._utils.cache_root import claim_cache
from zoo._utils.progress import discard_note
from zoo.archive.limits import Limits
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.partial import PartialFile
from zoo.download.redaction import redact
from zoo.settings import Settings
from zoo.signing.envelope import MAX_BYTES as MAX_SIGNATURE_BYTES
from zoo.signing.envelope import invalid, open_sealed
from zoo.signing.keys import load_public_key, trusted_key_path
from zoo.signing.sign import SUFFIX, check_validity, compare_digests
from zoo.signing.statement import ITSELF, now, parse_statement

MAX_AGE = timedelta(hours=1)
"""How long an accepted version is used without a request to the server."""


class AcceptedVersion(Model):
    """The last accepted version of a signed catalog.

    Attributes:
        version: Version of this format.
        key: SHA-256 of the file of the trusted key.
        sha256: Digest of the catalog.
        signed: When it was signed.
        expires: Until when the signature is valid.
        checked: When the server was asked last.
    """

    version: Literal[1] = 1
    key: str
    sha256: str
    signed: AwareDatetime
    expires: AwareDatetime
    checked: AwareDatetime


def resolve_signed(
    url: str, identity: str, settings: Settings, *, max_bytes: int, clock: Callable[[], datetime] = now
) -> Path:
    """The newest accepted version of a signed catalog; downloads it when the cached one is old.

    Args:
        url: Address of the catalog; the signature has the same path with ``.sig``.
        identity: Name of the trusted identity.
        settings: Cache, trusted keys and offline mode.
        max_bytes: Largest catalog.
        clock: The present time.

    Raises:
        NotFoundError: ``identity-not-found``.
        NetworkError: It is not cached and cannot be downloaded.
        IntegrityError: ``signature-invalid``, ``signature-mismatch``, ``signature-expired``;
            ``signature-without-expiry``; ``catalog-rollback``: older than the last accepted version.
    """
    key = trusted_key_path(identity, settings.trusted_keys)
    name = hashlib.sha256(f"{url}#{identity}".encode()).hexdigest()[:32]
    cached = settings.catalog_cache / f"signed-{name}.yaml"
    state = cached.with_suffix(".json")
    accepted = _read(state, sha256_of(key))
    time = clock()
    usable = accepted is not None and time < accepted.expires and _matches(cached, accepted)
    fresh = accepted is not None and timedelta(0) <= time - accepted.checked < MAX_AGE
    if usable and (fresh or settings.offline):
        return cached
    if settings.offline:
        raise NetworkError(
            "offline",
            f"the catalog at {redact(url)} is not cached or has expired, and offline mode is on",
            hint="run the same command once without --offline",
        )
    claim_cache(settings.cache)
    cached.parent.mkdir(parents=True, exist_ok=True)
    with acquire_waiting(cached.with_suffix(".lock"), "fetching the same catalog", discard_note):
        try:
            _update(url, key, cached, max_bytes, clock)
        except NetworkError:
            # A server that does not answer must not stop work that a valid version allows.
            if not usable:
                raise
    return cached


def _update(url: str, key: Path, cached: Path, max_bytes: int, clock: Callable[[], datetime]) -> None:
    state, key_digest = cached.with_suffix(".json"), sha256_of(key)
    accepted = _read(state, key_digest)
    parts = urlsplit(url)
    signature_url = urlunsplit(parts._replace(path=parts.path + SUFFIX))
    shown = redact(signature_url)
    payload = open_sealed(
        _get(signature_url, cached.with_suffix(".sig.part"), MAX_SIGNATURE_BYTES), load_public_key(key), shown
    )
    statement = parse_statement(payload, shown)
    time = clock()
    validity = check_validity(statement, shown, time)
    signed, expires = validity["signed"], validity["expires"]
    if signed is None or expires is None:
        raise IntegrityError(
            "signature-without-expiry",
            f"the signature {shown} has no expiry",
            expected="a signature that expires, so that an old catalog cannot be served for ever",
            done="nothing was stored",
            hint="zoo sign zoo.yaml --key KEY.pem --valid-for 30d (by the signer)",
        )
    if accepted is not None and signed < accepted.signed:
        raise IntegrityError(
            "catalog-rollback",
            f"the server sent an older version of the catalog at {redact(url)}",
            expected=f"signed at {accepted.signed.isoformat()} or later",
            found=f"signed at {signed.isoformat()}",
            done="the newer version in the cache was kept",
            hint="choose another server, or ask the signer",
        )
    sha256 = statement.digests.get(ITSELF)
    if sha256 is None or len(statement.digests) != 1:
        raise invalid(shown, "it is not the signature of one file")
    if accepted is None or accepted.sha256 != sha256 or not _matches(cached, accepted):
        content = _get(url, cached.with_suffix(".yaml.part"), max_bytes)
        found = {ITSELF: hashlib.sha256(content).hexdigest()}
        compare_digests(statement, found, redact(url), shown)
        replace_bytes(content, cached)
    version = AcceptedVersion(key=key_digest, sha256=sha256, signed=signed, expires=expires, checked=time)
    replace_bytes(version.model_dump_json(indent=1).encode() + b"\n", state)


def _read(state: Path, key: str) -> AcceptedVersion | None:
    """The last accepted version of the same key."""
    try:
        accepted = AcceptedVersion.model_validate_json(state.read_bytes())
    except (OSError, ValidationError):
        return None
    return accepted if accepted.key == key else None


def _matches(cached: Path, accepted: AcceptedVersion) -> bool:
    try:
        return sha256_of(cached) == accepted.sha256
    except OSError:
        return False


def _get(url: str, part: Path, limit: int) -> bytes:
    PartialFile(part).discard()  # of another version
    try:
        download([url], part, DownloadOptions(named=(url,), limits=Limits(download_bytes=limit)))
        return part.read_bytes()
    finally:
        PartialFile(part).discard()
