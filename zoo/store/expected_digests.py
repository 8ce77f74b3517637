"""What is known about an artifact's bytes before they are fetched, and what follows when sources disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from registry.errors import IntegrityError
from registry.lock import Lock, describe
from registry.schema import Artifact, Digest, Entry

CATALOG = "the catalog"
PINS = "zoo.lock"
FIRST_SEEN = "first seen on this machine"


class ExpectedDigest(NamedTuple):
    """A digest and who vouches for it.

    Attributes:
        digest: SHA-256 and size of the packed file.
        source: ``CATALOG``, ``PINS`` or ``SEEN``.
    """

    digest: Digest
    source: str

    def __str__(self) -> str:
        return f"{describe(self.digest)} ({self.source})"


def expected_digests(artifact: Artifact, pins: Lock, seen: Lock) -> list[ExpectedDigest]:
    """Every digest known for an artifact, the most binding first.

    Args:
        artifact: The artifact.
        pins: The project's lock.
        seen: The machine's lock.
    """
    url = artifact.urls[0]
    pinned, met = pins.get(url), seen.get(url)
    candidates = [
        ExpectedDigest(artifact.digest, CATALOG) if artifact.digest else None,
        ExpectedDigest(pinned.digest, PINS) if pinned else None,
        ExpectedDigest(met.digest, FIRST_SEEN) if met else None,
    ]
    return [known for known in candidates if known is not None]


def refuse_disagreement(entry: Entry, artifact: Artifact, known: Sequence[ExpectedDigest]) -> None:
    """Refuses to choose between two digests.

    Raises:
        IntegrityError: ``digest-changed``.
    """
    for other in known[1:]:
        if other.digest != known[0].digest:
            raise changed(entry, artifact, known[0], str(other), done="nothing was fetched")


def refuse_unlocked(entry: Entry, artifact: Artifact, pins: Lock) -> None:
    """Refuses an artifact that the project's lock does not hold.

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
    """The error for bytes that are no longer those that were known."""
    return IntegrityError(
        "digest-changed",
        f"{entry.id} {artifact.id}: the published file is not the one that was known before",
        expected=str(expected),
        found=found,
        done=done,
        hint=f"look at what changed, then: zoo lock --accept {entry.id}",
    )
