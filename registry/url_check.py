"""Checks of URLs that quote nothing of the URL, since it can contain a password."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from registry.printable import printable

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+(%[0-9A-Za-z]+)?\]|[^\[\]:]+)(:[0-9]*)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_HOST = 253


def check_host(netloc: str, host: str) -> None:
    """Refuse a host that the network stack would reject with an unrelated error.

    Args:
        netloc: User, password, host and port as the URL has them.
        host: The host.

    Raises:
        ValueError: A bracket, a label or a character is not allowed.
    """
    if not _HOST_AND_PORT.fullmatch(netloc.rpartition("@")[2]):
        raise ValueError("its host or port cannot be read")
    if any(char.isspace() or not char.isprintable() or char in "\\<>\"'`{}|^@" for char in host):
        raise ValueError("its host contains a character that is not allowed")
    try:
        encoded = host.encode("idna").decode()
    except UnicodeError:
        raise ValueError("a label of its host name is empty or too long") from None
    if len(encoded) > _MAX_HOST:
        raise ValueError("its host name is too long")


def check_https_url(url: str) -> str:
    """Check a URL of a catalog and return it.

    Args:
        url: The URL.

    Raises:
        ValueError: It is not https, has no valid host and port, or contains credentials or a character that
            no URL contains.
    """
    if printable(url) != url or "\\" in url or _SURROGATE.search(url):
        raise ValueError("a catalog URL must not contain control characters or backslashes")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("a catalog URL needs a valid host and port") from None
    if parts.scheme != "https" or not host:
        raise ValueError("a catalog URL must be https and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a catalog URL must not contain credentials")
    try:
        check_host(parts.netloc, host)
    except ValueError as error:
        raise ValueError(f"a catalog URL must be valid: {error}") from None
    return url
