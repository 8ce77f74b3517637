"""Digests an artifact must have, from the catalog, the project's lock and this machine's record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from registry.errors import IntegrityError
from registry.lock import Lock, describe
from registry.schema import Artifact, Digest, Entry

CATALOG = "the catalog"
LOCK_FILE = "zoo.lock"
FIRST_SEEN = "first seen on this machine"


class ExpectedDigest(NamedTuple):
    """A digest and its source.

    Attributes:
        digest: SHA-256 and size of the packed file.
        source: ``CATALOG``, ``LOCK_FILE`` or ``FIRST_SEEN``.
    """

    digest: Digest
    source: str

    def __str__(self) -> str:
        return f"{describe(self.digest)} ({self.source})"


def expected_digests(artifact: Artifact, pins: Lock, seen: Lock) -> list[ExpectedDigest]:
    """List every digest recorded for an artifact, the most binding first.

    Args:
        artifact: The artifact.
        pins: The project's lock.
        seen: Digests this machine has seen.
    """
    url = artifact.urls[0]
    pinned, first_seen = pins.get(url), seen.get(url)
    candidates = [
        ExpectedDigest(artifact.digest, CATALOG) if artifact.digest else None,
        ExpectedDigest(pinned.digest, LOCK_FILE) if pinned else None,
        ExpectedDigest(first_seen.digest, FIRST_SEEN) if first_seen else None,
    ]
    return [expected for expected in candidates if expected is not None]


def refuse_disagreement(entry: Entry, artifact: Artifact, expected: Sequence[ExpectedDigest]) -> None:
    """Refuse to choose between two digests.

    Raises:
        IntegrityError: ``digest-changed``.
    """
    for other in expected[1:]:
        if other.digest != expected[0].digest:
            raise changed(entry, artifact, expected[0], str(other), done="nothing was fetched")


def refuse_unlocked(entry: Entry, artifact: Artifact, pins: Lock) -> None:
    """Refuse an artifact that is not in the project's lock.

    Raises:
        IntegrityError: ``not-locked``.
    """
    if pins.get(artifact.urls[0]) is None:
        raise IntegrityError(
            "not-locked",
            f"{entry.id} {artifact.id} is not in zoo.lock",
            expected=f"a line for {artifact.urls[0]}",
            found="none",
            done="nothing was fetched",
            hint=f"zoo lock {entry.id}",
        )


def changed(
    entry: Entry, artifact: Artifact, expected: ExpectedDigest, found: str, done: str
) -> IntegrityError:
    """Make the error for a published file whose bytes differ from the recorded ones."""
    return IntegrityError(
        "digest-changed",
        f"{entry.id} {artifact.id}: the published file changed, it no longer has the recorded digest",
        expected=str(expected),
        found=found,
        done=done,
        hint=f"find out what changed, then accept it: zoo lock --accept {entry.id}",
    )
