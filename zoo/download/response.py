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
from zoo._utils.checksums import Checksums
from zoo.download.urls import redact, source_description

REDIRECTS = frozenset({301, 302, 303, 307, 308})
ABSENT_STATUSES = frozenset({403, 404, 410})
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another try may not meet again."""
_LATER = "try again later, or choose another source with --mirror URL"
CREDENTIAL_HINTS = {
    401: "give the user and password in --mirror https://USER:PASSWORD@HOST/… or in ~/.netrc; or the proxy's",
    407: "give the proxy's user and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
}
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class RetryableError(Exception):
    """This try failed, another may not.

    Args:
        error: What to raise when there is no further try.
        after: Seconds the server asks to wait.
        restart: Whether the bytes so far are worthless.
    """

    def __init__(self, error: ZooError, *, after: float | None = None, restart: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after
        self.restart = restart


@dataclass(frozen=True)
class Resume:
    """What was asked for: the rest of a file.

    Attributes:
        offset: First byte that is missing.
        total: Size of the whole as known so far.
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
class Answer:
    """A response whose body is worth reading.

    Attributes:
        kind: ``whole`` file, or the ``rest`` behind the bytes we have.
        total: Size of the whole file; None when the server does not say.
        etag: Strong entity tag.
        last_modified: The server's date of the file.
        checksums: What the server states about the whole file.
    """

    kind: Literal["whole", "rest"]
    total: int | None
    etag: str | None = None
    last_modified: str | None = None
    checksums: Checksums = field(default_factory=Checksums)


def read_answer(
    url: str,
    status: int,
    headers: Mapping[str, str],
    *,
    asked: Resume | None,
    has_digest: bool,
    now: datetime,
) -> Answer:
    """Decides what to do with a response.

    Args:
        url: What was asked.
        status: Status code.
        headers: Response headers, names in any case.
        asked: The range that was asked for; None for the whole.
        has_digest: Whether a digest is known, so that a cut-off body cannot pass for a whole one.
        now: Time here, for ``Retry-After`` dates.

    Raises:
        RetryableError: Another try may succeed.
        NetworkError: ``not-on-server`` or ``server-error``.
        IntegrityError: ``unexpected-response``: the body is encoded although that was not accepted.
    """
    if status in (200, 206):
        _refuse_encoding(url, headers)
    if status == 200:
        return _whole(url, headers, has_digest)
    if status == 206 and asked is not None:
        return _rest(url, headers, asked)
    if status == 416 and asked is not None:
        _restart(url, "the server says the file ends before what is here already", status_text(status))
    if status in ABSENT_STATUSES:
        _not_on_server(url, status)
    error = _server_error(url, f"answered {status_text(status)}", status_text(status))
    error.hint = CREDENTIAL_HINTS.get(status, error.hint)
    if status in RETRYABLE_STATUSES:
        raise RetryableError(error, after=retry_after(headers, now))
    raise error


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds a server asks to wait (RFC 9110, 10.2.3), never negative; None when it does not say.

    A date is measured against the server's own ``Date`` where it sends one: the clock here may be wrong.

    Args:
        headers: Response headers.
        now: Time here, with time zone.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    then = _date(value)
    if then is None:
        return None
    return max(0.0, (then - (_date(headers.get("Date", "")) or now)).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _whole(url: str, headers: Mapping[str, str], has_digest: bool) -> Answer:
    checksums = Checksums.stated(headers)
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    length = headers.get("Content-Length", "").strip()
    stated = length.isascii() and length.isdigit() and len(length) < 19
    if not (chunked or stated or has_digest or checksums.md5):
        raise _server_error(
            url,
            "does not say how long the file is, so a cut-off one could not be told from a whole one",
            "neither a length nor chunks nor a checksum",
        )
    return Answer(
        "whole",
        total=int(length) if stated and not chunked else None,
        etag=_strong(headers.get("ETag")),
        last_modified=headers.get("Last-Modified"),
        checksums=checksums,
    )


def _rest(url: str, headers: Mapping[str, str], asked: Resume) -> Answer:
    stated = headers.get("Content-Range", "").strip()
    match = _RANGE.fullmatch(stated)
    if match is None or int(match[1]) != asked.offset:
        _restart(url, f"asked for the bytes from {asked.offset} on, got others", stated or "no Content-Range")
    total = None if match[3] == "*" else int(match[3])
    if total is not None and asked.total not in (None, total):
        _restart(url, "the file changed its size during the download", f"{total} bytes, before {asked.total}")
    if total is not None and int(match[2]) >= total:
        _restart(url, "the server contradicts itself about the length of the file", stated)
    etag = _strong(headers.get("ETag"))
    if etag and asked.etag and etag != asked.etag:
        _restart(url, "the file changed during the download", f"ETag {etag}, before {asked.etag}")
    return Answer("rest", total=total if total is not None else asked.total, etag=etag or asked.etag)


def _refuse_encoding(url: str, headers: Mapping[str, str]) -> None:
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return
    # Undoing it would be a guess: servers also label a .tar.gz that way which is meant to stay as it is.
    raise IntegrityError(
        "unexpected-response",
        f"{redact(url)}: the server sent the file in another encoding than it was asked for",
        expected="the file as it is (Accept-Encoding: identity)",
        found=f"Content-Encoding: {encoding[:40]}",
        done="nothing was stored",
        hint="choose another source with --mirror URL",
    )


def _strong(etag: str | None) -> str | None:
    """Weak tags (RFC 9110, 8.8.1) may stay when bytes change, so they prove nothing about a part."""
    return etag if etag and etag.startswith('"') else None


def status_text(status: int) -> str:
    """A status code with its meaning, for messages."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _server_error(url: str, what: str, found: str | None = None) -> NetworkError:
    return NetworkError(
        "server-error",
        f"{redact(url)}: the server {what}",
        found=found,
        hint=_LATER,
    )


def _restart(url: str, why: str, found: str) -> NoReturn:
    error = NetworkError("server-error", f"{redact(url)}: {why}", found=found, hint=_LATER)
    raise RetryableError(error, restart=True)


def _not_on_server(url: str, status: int) -> NoReturn:
    what = "refuses to hand out" if status == 403 else "does not have"
    raise NetworkError(
        "not-on-server",
        f"{redact(url)}: {source_description(url)} {what} this file",
        found=status_text(status),
        done="nothing was stored",
        hint="choose another source with --mirror URL",
    )
