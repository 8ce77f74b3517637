"""Mirrors: another server that holds the same files under the same paths."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from registry.errors import UsageError
from zoo.store.urls import masked, origin


class Credentials(NamedTuple):
    """A user and a password for one server."""

    user: str
    password: str


def rewrite(url: str, mirror: str) -> str:
    """The address of a published file on a mirror: the mirror's host and path prefix, the file's own path.

    Credentials in the mirror's address do not become part of the result; see :func:`credentials`.

    Args:
        url: Address in the catalogue.
        mirror: Base address the user named; plain http is accepted here and nowhere else.

    Raises:
        UsageError: ``bad-mirror``: the base is not an http or https address, or carries a query.
    """
    base, parts = _base(mirror), urlsplit(url)
    place = base.netloc.rpartition("@")[2]
    return urlunsplit((base.scheme, place, base.path.rstrip("/") + parts.path, parts.query, ""))


def credentials(mirror: str) -> Credentials | None:
    """User and password in a mirror's address, or None.

    Raises:
        UsageError: As for :func:`rewrite`.
    """
    base = _base(mirror)
    if base.username is None:
        return None
    return Credentials(unquote(base.username), unquote(base.password or ""))


def _base(mirror: str) -> SplitResult:
    try:
        origin(mirror)
    except ValueError as error:
        raise _unusable(mirror, str(error)) from None
    base = urlsplit(mirror)
    if base.query or base.fragment:
        raise _unusable(mirror, "expected a base address, without ? and #")
    return base


def _unusable(mirror: str, why: str) -> UsageError:
    return UsageError(
        "bad-mirror",
        f"cannot use the mirror {_shown(mirror)!r}: {why}",
        expected="an address like https://mirror.example/paddle",
        hint="correct --mirror or ZOO_MIRROR",
    )


def _shown(mirror: str) -> str:
    try:
        return masked(mirror)
    except ValueError:  # unbalanced brackets: nothing of it can be told from a password
        return "***"
