"""URLs without their secrets, for messages, logs and files.

A secret can be a user and password, a value of the query, a path parameter, or a part of the path of an
address that the user named: many package servers take an access token there.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from registry.printable import printable

HIDDEN = "***"
_HOST = re.compile(r"(localhost|[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+|\[[0-9A-Fa-f:.]+\])")
_HOST_AND_PATH = re.compile(rf"(?P<host>{_HOST.pattern}(:\d{{1,9}})?)(?P<path>/.*)?", re.DOTALL)
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,40}")

_hidden_paths: set[tuple[str, str]] = set()
"""Host and path prefix of every address the user named. Known to the process, because an error can be raised
far from the place that knows which addresses are mirrors."""


def hide_path(netloc: str, path: str) -> None:
    """Hide a path prefix of a host in every later result of :func:`redact`.

    Args:
        netloc: Host and port as the address has them.
        path: The prefix, without a trailing slash; an empty one hides nothing.
    """
    if path.strip("/"):
        _hidden_paths.add((netloc.rpartition("@")[2].lower(), path))


def redact(url: str) -> str:
    """The URL without user, password, query values, path parameters, fragment and hidden path prefixes.

    Every query value is masked, because which parameter of which host is a signature cannot be known.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises where the text between colon and slash is no port
    except ValueError:
        return redact_invalid(url)
    rest = parts.path + parts.query + parts.fragment
    if "@" in rest and not _HOST.fullmatch(parts.netloc.rpartition("@")[2]) and parts.scheme != "file":
        return redact_invalid(url)  # a password with a slash, or a single slash behind the scheme
    netloc = parts.netloc.rpartition("@")[2]
    path = re.sub(r";[^/]*", f";{HIDDEN}", _without_hidden_prefix(netloc, parts.path))
    return printable(urlunsplit((parts.scheme, netloc, path, redact_query(parts.query), "")))


def redact_invalid(text: str) -> str:
    """What can be shown of a text that should be an address and is not.

    Only a plain host is shown. Where there is an ``@``, everything before the last one can belong to a
    password, and a path can contain a token.
    """
    scheme, separator, rest = text.rpartition("://") if text.count("://") == 1 else ("", "", text)
    if separator and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", scheme):
        return HIDDEN
    _, at, after = re.split(r"[?#]", rest, maxsplit=1)[0].rpartition("@")
    if not at and "@" in rest:
        _, at, after = rest.rpartition("@")
    match = _HOST_AND_PATH.fullmatch(after)
    shown = HIDDEN if match is None else match["host"] + (f"/{HIDDEN}" if match["path"] else "")
    return f"{scheme}{separator}{HIDDEN + '@' if at else ''}{shown}"


def _without_hidden_prefix(netloc: str, path: str) -> str:
    prefixes = [
        prefix
        for host, prefix in _hidden_paths
        if host == netloc.lower() and (path == prefix or path.startswith(prefix + "/"))
    ]
    longest = max(prefixes, key=len, default=None)
    return path if longest is None else f"/{HIDDEN}{path[len(longest) :]}"


def redact_query(query: str) -> str:
    """A query without its values."""

    def value_hidden(match: re.Match[str]) -> str:
        name, equals, _ = match[0].partition("=")
        return f"{name}={HIDDEN}" if equals and _NAME.fullmatch(name) else HIDDEN

    return re.sub(r"[^&;]+", value_hidden, query)
