"""Server behaviors, one function for each."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping

from tests.helpers.servers.server import Behavior, Exchange

DATE = "Tue, 01 Mar 2022 08:00:00 GMT"


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def honest(
    data: bytes, *, etag: str | None = "", ranges: bool = True, headers: Mapping[str, str] | None = None
) -> Behavior:
    """A complete file, or the requested rest of it; the entity tag derives from the content unless given."""

    def act(exchange: Exchange) -> None:
        tag = etag_of(data) if etag == "" else etag
        common = {**({"ETag": tag} if tag else {}), **(headers or {})}
        start = _start(exchange, tag, headers) if ranges else None
        if start is None:
            exchange.start(200, {"Content-Length": str(len(data)), **common})
            exchange.write(data)
        elif start >= len(data):
            exchange.start(416, {"Content-Length": "0", "Content-Range": f"bytes */{len(data)}"})
        else:
            rest = data[start:]
            shown = {"Content-Length": str(len(rest)), "Content-Range": _range(start, len(data)), **common}
            exchange.start(206, shown)
            exchange.write(rest)

    return act


def protected(data: bytes, user: str, password: str) -> Behavior:
    """A file for requests with these credentials; 401 for others."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def act(exchange: Exchange) -> None:
        if exchange.seen.headers.get("authorization") == wanted:
            honest(data)(exchange)
        else:
            exchange.start(401, {"Content-Length": "0", "WWW-Authenticate": 'Basic realm="mirror"'})

    return act


def drip(data: bytes, *, step: int, pause: float) -> Behavior:
    """A few bytes at a time."""

    def act(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": str(len(data)), "ETag": etag_of(data)})
        for at in range(0, len(data), step):
            exchange.write(data[at : at + step])
            if exchange.hang(pause):
                return

    return act


def stall(data: bytes, *, after: int) -> Behavior:
    """Some bytes, then nothing on an open connection."""

    def act(exchange: Exchange) -> None:
        _begin(exchange, data)
        exchange.write(data[:after])
        exchange.hang()

    return act


def reset(data: bytes, *, after: int) -> Behavior:
    """Some bytes, then a connection reset, which discards the bytes that the client has not read yet."""

    def act(exchange: Exchange) -> None:
        start = _begin(exchange, data)
        exchange.write(data[start : start + after])
        exchange.hang(0.05)
        exchange.reset()

    return act


def cut(data: bytes, *, after: int) -> Behavior:
    """Some bytes, then an end before the announced length. Supports ranges, so resuming makes progress."""

    def act(exchange: Exchange) -> None:
        start = _begin(exchange, data)
        exchange.write(data[start : start + after])

    return act


def shortened(data: bytes, *, to: int) -> Behavior:
    """The beginning of a file, with a matching Content-Length."""
    return status(200, headers={"ETag": etag_of(data)}, body=data[:to])


def ignoring_range(data: bytes, *, etag: str | None = None) -> Behavior:
    """200 and the complete file for every request."""
    return honest(data, etag=etag or etag_of(data), ranges=False)


def wrong_range(data: bytes, *, shift: int) -> Behavior:
    """206 with bytes from another offset, stated correctly."""

    def act(exchange: Exchange) -> None:
        start = (_asked(exchange) or 0) + shift
        rest = data[start:]
        exchange.start(206, {"Content-Length": str(len(rest)), "Content-Range": _range(start, len(data))})
        exchange.write(rest)

    return act


def mislabeled_range(data: bytes, *, shift: int) -> Behavior:
    """206 with bytes from another offset, stated as the requested ones."""

    def act(exchange: Exchange) -> None:
        start = _asked(exchange) or 0
        wrong = (data[start + shift :] + data)[: len(data) - start]
        exchange.start(206, {"Content-Length": str(len(wrong)), "Content-Range": _range(start, len(data))})
        exchange.write(wrong)

    return act


def redirect(location: str | None, code: int = 302) -> Behavior:
    def act(exchange: Exchange) -> None:
        exchange.start(code, {"Content-Length": "0", **({"Location": location} if location else {})})

    return act


def status(code: int, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Behavior:
    def act(exchange: Exchange) -> None:
        exchange.start(code, {"Content-Length": str(len(body)), **(headers or {})})
        exchange.write(body)

    return act


def raw_bytes(data: bytes) -> Behavior:
    """Exactly these bytes, then the end of the connection."""

    def act(exchange: Exchange) -> None:
        exchange.write(data)
        exchange.close()

    return act


def dripping_head(start: bytes, more: bytes) -> Behavior:
    """Response headers without end, sent slowly."""

    def act(exchange: Exchange) -> None:
        exchange.close()
        exchange.write(start)
        while not exchange.hang(0.05):
            exchange.write(more)

    return act


def html() -> Behavior:
    """An error page with status 200."""
    page = (
        b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>Busy, come back later</body></html>\n"
    )
    return status(200, headers={"Content-Type": "text/html"}, body=page)


def lfs_pointer() -> Behavior:
    """What a repository host sends for a large file when its quota is exceeded."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 5397578\n"
    return status(200, body=pointer)


def gzipped(data: bytes) -> Behavior:
    """A compressed body although compression was not accepted."""
    return status(200, headers={"Content-Encoding": "gzip"}, body=gzip.compress(data, mtime=0))


def chunked(data: bytes, *, size: int = 1000) -> Behavior:
    """Chunked transfer, no length."""

    def act(exchange: Exchange) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked", "ETag": etag_of(data)})
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            exchange.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        exchange.write(b"0\r\n\r\n")

    return act


def unfinished_chunks(data: bytes, *, after: int) -> Behavior:
    """Chunked transfer without the last chunk."""

    def act(exchange: Exchange) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked", "ETag": etag_of(data)})
        exchange.write(b"%x\r\n%s\r\n" % (after, data[:after]))

    return act


def unmeasured(data: bytes, *, headers: Mapping[str, str] | None = None) -> Behavior:
    """Neither length nor chunks: the end of the connection ends the file."""

    def act(exchange: Exchange) -> None:
        exchange.start(200, headers or {})
        exchange.write(data)

    return act


def empty() -> Behavior:
    return status(200)


def endless(block: bytes = b"\x80\x02model" * 1000) -> Behavior:
    """A body without end."""

    def act(exchange: Exchange) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked"})
        while not exchange.hang(0):
            exchange.write(b"%x\r\n%s\r\n" % (len(block), block))

    return act


def _begin(exchange: Exchange, data: bytes) -> int:
    """Send the headers of a correct response; returns the offset of its body."""
    tag = etag_of(data)
    start = _start(exchange, tag, None)
    if start is None:
        exchange.start(200, {"Content-Length": str(len(data)), "ETag": tag})
        return 0
    headers = {
        "Content-Length": str(len(data) - start),
        "Content-Range": _range(start, len(data)),
        "ETag": tag,
    }
    exchange.start(206, headers)
    return start


def _start(exchange: Exchange, tag: str | None, headers: Mapping[str, str] | None) -> int | None:
    """Offset of a correct response body; None for the complete file, also after a change of the file."""
    condition = exchange.seen.headers.get("if-range")
    if condition is not None and condition not in (tag, (headers or {}).get("Last-Modified")):
        return None
    return _asked(exchange)


def _asked(exchange: Exchange) -> int | None:
    match = re.fullmatch(r"bytes=(\d+)-", exchange.seen.headers.get("range", ""))
    return int(match[1]) if match else None


def _range(start: int, total: int) -> str:
    return f"bytes {start}-{total - 1}/{total}"
