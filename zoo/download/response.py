"""What one HTTP response means for a download: a pure decision on status and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal, NoReturn

from registry.errors import IntegrityError, NetworkError, ZooError
from registry.printable import printable
from zoo._utils.checksums import Checksums
from zoo.download.redaction import redact
from zoo.download.urls import source_description

REDIRECTS = frozenset({301, 302, 303, 307, 308})
ABSENT_STATUSES = frozenset({403, 404, 410})
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of temporary failures."""

OTHER_SOURCE_HINT = "choose another source with --mirror URL"
RETRY_HINT = f"try again later, or {OTHER_SOURCE_HINT}"
CREDENTIAL_HINTS = {
    401: "give the user and password in --mirror https://USER:PASSWORD@HOST/… or in ~/.netrc; or the proxy's",
    407: "give the proxy's user and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
}
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_MAX_HEADER = 80


class RetryableError(Exception):
    """An attempt failed; a later attempt may succeed.

    Args:
        error: What to raise when there is no further attempt.
        retry_after: Seconds that the server asks to wait.
        restart: Whether the bytes received so far are useless.
    """

    def __init__(self, error: ZooError, *, retry_after: float | None = None, restart: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after
        self.restart = restart


@dataclass(frozen=True)
class RangeRequest:
    """A request for the rest of a file.

    Attributes:
        offset: First byte that is missing.
        total: Size of the whole file as known so far.
        etag: Entity tag of the bytes so far.
        validator: Sent as ``If-Range``; None when the final digest alone decides.
    """

    offset: int
    total: int | None
    etag: str | None
    validator: str | None

    def headers(self) -> dict[str, str]:
        """The request headers."""
        condition = {"If-Range": self.validator} if self.validator else {}
        return {"Range": f"bytes={self.offset}-", **condition}


@dataclass(frozen=True)
class FileResponse:
    """A response whose body is to be read.

    Attributes:
        kind: ``full`` file, or the ``rest`` of it from the requested offset.
        total: Size of the whole file; None when the server does not state it.
        etag: Strong entity tag.
        last_modified: The server's date of the file.
        checksums: What the server states about the whole file.
        ranges: Whether the server may serve ranges of the file.
    """

    kind: Literal["full", "rest"]
    total: int | None
    etag: str | None = None
    last_modified: str | None = None
    checksums: Checksums = field(default_factory=Checksums)
    ranges: bool = True


def interpret_response(
    url: str,
    status: int,
    headers: Mapping[str, str],
    *,
    requested: RangeRequest | None,
    has_digest: bool,
    now: datetime,
) -> FileResponse:
    """Decide what to do with a response.

    Args:
        url: The requested URL.
        status: Status code.
        headers: Response headers, names in any case.
        requested: The requested range; None for the whole file.
        has_digest: Whether a digest is known, so that a truncated body will be detected.
        now: Local time, for ``Retry-After`` dates.

    Raises:
        RetryableError: Another attempt may succeed.
        NetworkError: ``not-on-server`` or ``server-error``.
        IntegrityError: ``unexpected-response``: the body is encoded although that was not accepted.
    """
    if status in (200, 206):
        _refuse_encoding(url, headers)
    if status == 200:
        return _full(url, headers, requested=requested, has_digest=has_digest)
    if status == 206 and requested is not None:
        return _rest(url, headers, requested)
    if status == 416 and requested is not None:
        _restart(url, "the server states that the file ends before the requested range", status_text(status))
    if status in ABSENT_STATUSES:
        _not_on_server(url, status)
    error = _server_error(url, f"answered {status_text(status)}", status_text(status))
    error.hint = CREDENTIAL_HINTS.get(status, error.hint)
    if status in RETRYABLE_STATUSES:
        raise RetryableError(error, retry_after=retry_after(headers, now))
    raise error


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds a server asks to wait (RFC 9110, 10.2.3), never negative; None when it does not ask.

    A date is measured against the server's own ``Date`` where it sends one: the local clock may be wrong.

    Args:
        headers: Response headers.
        now: Local time, with time zone.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    then = _date(value)
    if then is None:
        return None
    return max(0.0, (then - (_date(headers.get("Date", "")) or now)).total_seconds())


def status_text(status: int) -> str:
    """A status code with its meaning, for messages."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _full(
    url: str, headers: Mapping[str, str], *, requested: RangeRequest | None, has_digest: bool
) -> FileResponse:
    checksums = Checksums.stated(headers)
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    length = headers.get("Content-Length", "").strip()
    stated = _LENGTH.fullmatch(length) is not None
    _refuse_part_as_whole(url, headers, int(length) if stated else None, requested)
    if not (chunked or stated or has_digest or checksums.md5):
        raise _server_error(
            url,
            "states no file size, so a truncated file could not be detected",
            "no Content-Length, no chunked encoding, no checksum",
        )
    return FileResponse(
        "full",
        total=int(length) if stated and not chunked else None,
        etag=_strong(headers.get("ETag")),
        last_modified=headers.get("Last-Modified"),
        checksums=checksums,
        ranges=requested is None and headers.get("Accept-Ranges", "").strip().lower() != "none",
    )


def _refuse_part_as_whole(
    url: str, headers: Mapping[str, str], length: int | None, requested: RangeRequest | None
) -> None:
    """Refuse a part of the file under status 200 (RFC 9110, 14.4 gives Content-Range no meaning there)."""
    stated = headers.get("Content-Range", "").strip()
    match = _CONTENT_RANGE.fullmatch(stated)
    whole = match is not None and int(match[1]) == 0 and str(int(match[2]) + 1) == match[3]
    if not stated or (match is not None and whole and length in (None, int(match[3]))):
        return
    found = f"Content-Range: {_header(stated)}"
    if requested is not None:
        _restart(url, "the server answered 200 to a range request, but sent a part of the file", found)
    raise _server_error(url, "answered 200, but sent a part of the file", found)


def _rest(url: str, headers: Mapping[str, str], requested: RangeRequest) -> FileResponse:
    stated = headers.get("Content-Range", "").strip()
    match = _CONTENT_RANGE.fullmatch(stated)
    if match is None or int(match[1]) != requested.offset:
        found = _header(stated) or "no Content-Range"
        _restart(url, f"requested the bytes from {requested.offset} on, but received other bytes", found)
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    length = headers.get("Content-Length", "").strip()
    contradicts = last < first or (_LENGTH.fullmatch(length) and int(length) != last - first + 1)
    if contradicts or (total is not None and last >= total):
        _restart(url, "the server contradicts itself about the length of the file", _header(stated))
    if total is not None and requested.total not in (None, total):
        found = f"{total} bytes, before {requested.total}"
        _restart(url, "the file changed its size during the download", found)
    etag = _strong(headers.get("ETag"))
    if etag and requested.etag and etag != requested.etag:
        found = f"ETag {_header(etag)}, before {_header(requested.etag)}"
        _restart(url, "the file changed during the download", found)
    known_total = total if total is not None else requested.total
    return FileResponse("rest", total=known_total, etag=etag or requested.etag)


def _refuse_encoding(url: str, headers: Mapping[str, str]) -> None:
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return
    # Decoding would be a guess: servers also label a .tar.gz that way which is meant to stay as it is.
    raise IntegrityError(
        "unexpected-response",
        f"{redact(url)}: the server sent the file in an encoding that was not accepted",
        expected="the file as it is (Accept-Encoding: identity)",
        found=f"Content-Encoding: {_header(encoding)}",
        done="nothing was stored",
        hint=OTHER_SOURCE_HINT,
    )


def _header(value: str) -> str:
    """The value of a header for a message: a server may send anything in it."""
    return printable(value)[:_MAX_HEADER]


def _strong(etag: str | None) -> str | None:
    """A strong entity tag; a weak one (RFC 9110, 8.8.1) may stay the same when bytes change."""
    return etag if etag and etag.startswith('"') else None


def _server_error(url: str, what: str, found: str | None = None) -> NetworkError:
    return NetworkError("server-error", f"{redact(url)}: the server {what}", found=found, hint=RETRY_HINT)


def _restart(url: str, why: str, found: str) -> NoReturn:
    error = NetworkError("server-error", f"{redact(url)}: {why}", found=found, hint=RETRY_HINT)
    raise RetryableError(error, restart=True)


def _not_on_server(url: str, status: int) -> NoReturn:
    what = "refuses access to" if status == 403 else "does not have"
    raise NetworkError(
        "not-on-server",
        f"{redact(url)}: {source_description(url)} {what} this file",
        found=status_text(status),
        done="nothing was stored",
        hint=OTHER_SOURCE_HINT,
    )
