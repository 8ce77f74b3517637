"""Mirrors: a server, folder or bucket that has the published files under the same paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from registry.errors import IntegrityError, UsageError
from zoo.archive.member_names import safe_path
from zoo.download.redaction import hide_path, redact, redact_invalid
from zoo.download.urls import HTTP_SCHEMES, origin

_INCOMPLETE_URL = re.compile(r"//|[A-Za-z][A-Za-z0-9+.-]*:/|[^/]*:[^/]*@")
"""Beginning of a text that is an address without a part of its scheme, and can hold a password."""

_FILESYSTEM_URL = re.compile(r"[a-z][a-z0-9+.\-]*://(?!.*::)[^@]*[^@/][^@]*")
"""Address for fsspec. ``::`` would chain several file systems, ``@`` would hold credentials."""


class Credentials(NamedTuple):
    """A user and a password for one server."""

    user: str
    password: str


def rewrite(url: str, mirror: str) -> str:
    """The address of a published file on a mirror: the mirror's host and path prefix, the file's own path.

    Credentials in the mirror's address do not become part of the result; see :func:`credentials`. Only a web
    server can distinguish files of one path by a query, so a folder or bucket is requested without it.

    Args:
        url: Address in the catalog.
        mirror: Base address the user named, or a folder; plain http is accepted here and nowhere else.

    Raises:
        UsageError: ``bad-mirror``: the base is not a valid address, or has a query.
        IntegrityError: ``unsafe-address``: as for :func:`mirror_path`.
    """
    base, parts = _parse(mirror), urlsplit(url)
    if base.scheme not in HTTP_SCHEMES:
        return _prefix(base) + quote(str(mirror_path(url)))
    netloc = base.netloc.rpartition("@")[2]
    return urlunsplit((base.scheme, netloc, base.path.rstrip("/") + parts.path, parts.query, ""))


def mirror_path(url: str) -> PurePosixPath:
    """Path of a published file in a mirror that is a folder, relative to its root.

    Args:
        url: Address in the catalog.

    Raises:
        IntegrityError: ``unsafe-address``: the path leads out of the folder, or cannot be created on every
            file system.
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
    """The mirror that an address made by :func:`rewrite` belongs to; None for an address of the catalog."""
    fitting = [mirror for mirror in mirrors if url.startswith(base_url(mirror))]
    return max(fitting, key=lambda mirror: len(base_url(mirror)), default=None)


def base_url(mirror: str) -> str:
    """A mirror's base address with a slash at the end, without user and password. It can hold a token."""
    return _prefix(_parse(mirror))


def display_url(mirror: str) -> str:
    """A mirror's base address for messages and files."""
    return redact(base_url(mirror))


def credentials(mirror: str) -> Credentials | None:
    """User and password in the address of a web mirror, or None.

    Raises:
        UsageError: As for :func:`rewrite`.
    """
    return credentials_in(_parse(mirror))


def credentials_in(address: SplitResult) -> Credentials | None:
    """User and password in an address, or None."""
    if address.username is None:
        return None
    return Credentials(unquote(address.username), unquote(address.password or ""))


def is_http(mirror: str) -> bool:
    """Whether a mirror is requested over http or https."""
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
    if text.count("://") > 1:
        raise _bad_mirror(mirror, "it contains :// twice")
    if any(char.isspace() or not char.isprintable() for char in text):
        raise _bad_mirror(mirror, "an address contains no spaces and no control characters")
    if scheme in HTTP_SCHEMES:
        hide_path(base.netloc, base.path.rstrip("/"))
    return base._replace(netloc="") if scheme == "file" else base


def _as_url(mirror: str) -> str:
    """A plain path as a ``file://`` address; anything else unchanged."""
    if "://" in mirror or not mirror:
        return mirror
    try:
        path = folder_path(mirror)
        is_path = mirror.startswith(("/", "./", "../", "~")) or path.is_dir()
        return path.absolute().as_uri() if is_path else mirror
    except (OSError, ValueError):  # too long for a path, or with a NUL character
        return mirror


def folder_path(mirror: str) -> Path:
    """The path of a mirror that is named by a path.

    Raises:
        UsageError: ``bad-mirror``: it is an address without its scheme, or refers to an unknown user.
    """
    try:
        path = Path(mirror).expanduser()
        if _INCOMPLETE_URL.match(mirror) and not path.is_dir():
            raise _bad_mirror(mirror, "it does not begin with a scheme and ://")
    except RuntimeError:
        raise _bad_mirror(mirror, "it refers to an unknown user's home directory") from None
    except (OSError, ValueError):
        raise _bad_mirror(mirror, "it is neither an address nor a valid path") from None
    return path


def _bad_mirror(mirror: str, why: str) -> UsageError:
    return UsageError(
        "bad-mirror",
        f"cannot use the mirror {redact_invalid(mirror)!r}: {why}",
        expected="an address like https://mirror.example/paddle, s3://bucket/paddle, or a folder",
        hint="correct --mirror or ZOO_MIRROR",
    )
