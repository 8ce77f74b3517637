"""Mirrors: another place that holds the same files under the same paths: a server, a folder, a bucket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from registry.errors import IntegrityError, UsageError
from zoo.archive.member_names import safe_path
from zoo.download.urls import HTTP_SCHEMES, origin, redact

_FILESYSTEM_URL = re.compile(r"[a-z][a-z0-9+.\-]*://(?!.*::)[^@]*[^@/][^@]*")
"""Address of a file system that is not the web. ``::`` chains several in fsspec, ``@`` holds credentials."""


class Credentials(NamedTuple):
    """A user and a password for one server."""

    user: str
    password: str


def rewrite(url: str, mirror: str) -> str:
    """The address of a published file on a mirror: the mirror's host and path prefix, the file's own path.

    Credentials in the mirror's address do not become part of the result; see :func:`credentials`. Only a web
    server can tell files of one path apart by a query, so a folder or bucket is asked without.

    Args:
        url: Address in the catalog.
        mirror: Base address the user named, or a folder; plain http is accepted here and nowhere else.

    Raises:
        UsageError: ``bad-mirror``: the base is no address of a place, or carries a query.
        IntegrityError: ``unsafe-address``: as for :func:`mirror_path`.
    """
    base, parts = _parse(mirror), urlsplit(url)
    if base.scheme not in HTTP_SCHEMES:
        return _prefix(base) + quote(str(mirror_path(url)))
    place = base.netloc.rpartition("@")[2]
    return urlunsplit((base.scheme, place, base.path.rstrip("/") + parts.path, parts.query, ""))


def mirror_path(url: str) -> PurePosixPath:
    """Where a mirror that is a folder keeps a published file, relative to its root.

    Args:
        url: Address in the catalog.

    Raises:
        IntegrityError: ``unsafe-address``: the path leads out of the folder, or could not be created on
            every file system.
    """
    try:
        path = safe_path(unquote(urlsplit(url).path).lstrip("/"))
        if not path.parts:
            raise ValueError("no path")
    except ValueError as error:
        raise IntegrityError(
            "unsafe-address",
            f"{redact(url)} cannot be a file in a folder: {error}",
            done="nothing was read or written",
            hint="correct the address in the catalog",
        ) from None
    return path


def matching_mirror(url: str, mirrors: Sequence[str]) -> str | None:
    """Which mirror an address of :func:`rewrite` lies on; None for an address of the catalog."""
    fitting = [mirror for mirror in mirrors if url.startswith(_prefix(_parse(mirror)))]
    return max(fitting, key=lambda mirror: len(_prefix(_parse(mirror))), default=None)


def display_url(mirror: str) -> str:
    """A mirror's base for messages and files: no user, no password."""
    return _prefix(_parse(mirror))


def credentials(mirror: str) -> Credentials | None:
    """User and password in a web mirror's address, or None.

    Raises:
        UsageError: As for :func:`rewrite`.
    """
    base = _parse(mirror)
    if base.username is None:
        return None
    return Credentials(unquote(base.username), unquote(base.password or ""))


def is_http(mirror: str) -> bool:
    """Whether a mirror is asked over http or https."""
    return _parse(mirror).scheme in HTTP_SCHEMES


def _prefix(base: SplitResult) -> str:
    return f"{base.scheme}://{base.netloc.rpartition('@')[2]}{base.path.rstrip('/')}/"


def _parse(mirror: str) -> SplitResult:
    text = _as_url(mirror)
    scheme = text.partition("://")[0].lower()
    if scheme in (*HTTP_SCHEMES, "") or "://" not in text:
        try:
            origin(text)
        except ValueError as error:
            raise _bad_mirror(mirror, str(error)) from None
    elif not _FILESYSTEM_URL.fullmatch(text):
        raise _bad_mirror(mirror, "expected SCHEME://PLACE, without user and password")
    base = urlsplit(text)
    if scheme == "file" and (base.netloc not in ("", "localhost") or not base.path):
        raise _bad_mirror(mirror, "a file:// address has three slashes: file:///folder")
    if base.query or base.fragment:
        raise _bad_mirror(mirror, "expected a base address, without ? and #")
    return base._replace(netloc="") if scheme == "file" else base


def _as_url(mirror: str) -> str:
    """A plain path as a ``file://`` address; anything else as it is."""
    if "://" in mirror or not mirror:
        return mirror
    path = Path(mirror).expanduser()
    meant = mirror.startswith(("/", "./", "../", "~")) or path.is_dir()
    return path.absolute().as_uri() if meant else mirror


def _bad_mirror(mirror: str, why: str) -> UsageError:
    return UsageError(
        "bad-mirror",
        f"cannot use the mirror {_redact_broken(mirror)!r}: {why}",
        expected="an address like https://mirror.example/paddle, s3://bucket/paddle, or a folder",
        hint="correct --mirror or ZOO_MIRROR",
    )


def _redact_broken(mirror: str) -> str:
    try:
        return redact(mirror)
    except ValueError:  # unbalanced brackets: nothing of it can be told from a password
        return "***"
