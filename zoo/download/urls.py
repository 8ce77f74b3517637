"""URLs as people may see them, and where a redirect may lead."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from registry.errors import NetworkError

_DEFAULT_PORTS = {"http": 80, "https": 443}
HTTP_SCHEMES = tuple(_DEFAULT_PORTS)
"""Schemes that are asked over the network's usual way; everything else is a file system."""


class Origin(NamedTuple):
    """Scheme, host and port: what credentials belong to."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin:
    """The origin of an http or https URL, default port filled in.

    Raises:
        ValueError: The URL has another scheme, no host, or a port that is none; quotes nothing of it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # the reason may quote the place where a password stands
        raise ValueError("its host or port cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("it does not begin with http:// or https:// and a host")
    try:
        host.encode("idna")  # as the network stack will, which fails there with an error of its own
    except UnicodeError:
        raise ValueError("a part of its host's name is empty or too long") from None
    return Origin(parts.scheme, host.lower(), port or _DEFAULT_PORTS[parts.scheme])


def redact(url: str) -> str:
    """The URL for messages, logs and files: no user, no password, no value of the query.

    Every query value is redact, because which parameter of which host is a signature cannot be known.
    """
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    query = re.sub(r"=[^&;]*", "=***", parts.query)
    if query and "=" not in query:
        query = "***"
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def source_description(url: str) -> str:
    """Who answers for a URL, for messages."""
    scheme = urlsplit(url).scheme
    return (
        "the server"
        if scheme in HTTP_SCHEMES
        else "the mirror's folder"
        if scheme == "file"
        else "the mirror"
    )


def file_name(url: str) -> str:
    """The last part of the URL's path, as a plain file name.

    Anything a file system could stumble over becomes ``_``; the result is never empty, hidden or a folder.
    """
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    plain = re.sub(r"[^0-9A-Za-z._+-]", "_", last).lstrip(".")[-100:]
    return plain or "download"


def key(url: str) -> str:
    """A short name for a URL that is readable, safe as a file name and different for different URLs."""
    return f"{file_name(url)[-60:]}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def redirect_target(current: str, location: str | None, plain_http: Collection[Origin]) -> str:
    """Where a redirect leads.

    Args:
        current: The URL that answered with the redirect.
        location: Its ``Location`` header.
        plain_http: Origins whose hosts may be spoken to without encryption, because the user named them.

    Raises:
        NetworkError: ``insecure-redirect``: it leaves https, or leads to something that is not the web;
            ``server-error``: there is no usable ``Location``.
    """
    if not location:
        raise NetworkError(
            "server-error",
            f"{redact(current)}: a redirect that does not say where to",
            found="no Location in the answer",
            done="nothing was stored",
            hint="choose another source with --mirror URL",
        )
    try:
        target = urlsplit(urljoin(current, location))
        bare = urlunsplit(target._replace(netloc=target.netloc.rpartition("@")[2], fragment=""))
        place = origin(bare)
    except ValueError as error:
        raise _refused(current, "an address that cannot be used", str(error)) from None
    named = any(place.host == known.host for known in plain_http)
    if place.scheme == "http" and not named:
        raise _refused(current, redact(bare), "it is not encrypted")
    return bare


def _refused(current: str, target: str, why: str) -> NetworkError:
    return NetworkError(
        "insecure-redirect",
        f"{redact(current)}: redirected to where we must not follow: {why}",
        expected="an https address",
        found=target,
        done="did not follow it",
        hint="choose another source with --mirror URL",
    )
