"""Parts of URLs: origin, file name, cache key, and the target of a redirect."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from registry.errors import NetworkError
from registry.url_check import check_host
from zoo.download.redaction import HIDDEN, redact

_DEFAULT_PORTS = {"http": 80, "https": 443}
HTTP_SCHEMES = tuple(_DEFAULT_PORTS)
"""Schemes requested over HTTP; every other scheme is a file system."""


class Origin(NamedTuple):
    """Scheme, host and port: the scope of credentials."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = self.port == _DEFAULT_PORTS[self.scheme]
        return f"{self.scheme}://{host}" + ("" if standard else f":{self.port}")


def origin(url: str) -> Origin:
    """The origin of an http or https URL, default port filled in.

    Raises:
        ValueError: The URL has another scheme, no host, or an invalid host or port; quotes nothing of it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its own reason may quote the place where a password stands
        raise ValueError("its host or port cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("it does not begin with http:// or https:// and a host")
    check_host(parts.netloc, host)
    return Origin(parts.scheme, host.lower(), port or _DEFAULT_PORTS[parts.scheme])


def source_description(url: str) -> str:
    """The kind of source that a URL belongs to, for messages."""
    scheme = urlsplit(url).scheme
    if scheme in HTTP_SCHEMES:
        return "the server"
    return "the mirror folder" if scheme == "file" else "the mirror"


def file_name(url: str) -> str:
    """The last part of the URL's path, as a plain file name.

    Characters special to some file system become ``_``; the result is never empty, hidden or a folder.
    """
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    plain = re.sub(r"[^0-9A-Za-z._+-]", "_", last).lstrip(".")[-100:]
    return plain or "download"


def url_key(url: str) -> str:
    """A short name for a URL: readable, safe as a file name, different for different URLs."""
    return f"{file_name(url)[-60:]}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def redirect_target(current: str, location: str | None, plain_http: Collection[Origin]) -> str:
    """Resolve the target of a redirect and check that it may be followed.

    Args:
        current: The URL that answered with the redirect.
        location: Its ``Location`` header.
        plain_http: Origins whose hosts may be requested without encryption, because the user named them.

    Raises:
        NetworkError: ``insecure-redirect``: it leaves https, or is no http or https address;
            ``server-error``: there is no usable ``Location``.
    """
    if not location:
        raise NetworkError(
            "server-error",
            f"{redact(current)}: the server sent a redirect without a target",
            found="no Location header",
            done="nothing was stored",
            hint="choose another source with --mirror URL",
        )
    try:
        target = urlsplit(urljoin(current, location))
        bare = urlunsplit(target._replace(netloc=target.netloc.rpartition("@")[2], fragment=""))
        found = origin(bare)
    except ValueError as error:
        raise _insecure_redirect(current, "an address that cannot be used", str(error)) from None
    named = any(found.host == known.host for known in plain_http)
    if found.scheme == "http" and not named:
        raise _insecure_redirect(current, redirect_display(bare), "it is not encrypted")
    return bare


def redirect_display(url: str) -> str:
    """The target of a redirect for messages: its origin alone, since the path may hold a token."""
    return f"{origin(url)}/{HIDDEN}"


def _insecure_redirect(current: str, target: str, why: str) -> NetworkError:
    return NetworkError(
        "insecure-redirect",
        f"{redact(current)}: the server redirects to an address that must not be followed: {why}",
        expected="an https address",
        found=target,
        done="the redirect was not followed",
        hint="choose another source with --mirror URL",
    )
