"""Control characters from a server must not reach a message, a note or a file name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from registry.errors import ZooError
from tests.helpers.download_client import Fetcher
from tests.helpers.servers import Behavior, ScriptedServer, cut, raw_bytes, redirect, status

pytestmark = pytest.mark.table("control characters from a server")

ESCAPE = "\x1b]0;OWNED\x07\x1b[31m\x9b\x7f"
WIRE = ESCAPE.encode("latin-1")

SCRIPTS: dict[str, Callable[[bytes], list[Behavior]]] = {
    "Content-Encoding": lambda d: [status(200, headers={"Content-Encoding": ESCAPE}, body=d)],
    "Location to another host": lambda d: [redirect(f"http://evil.invalid/{ESCAPE}")],
    "Location with a control character in the host": lambda d: [redirect(f"https://{ESCAPE}.invalid/")],
    "Location to itself": lambda d: [redirect(f"/file?{ESCAPE}"), redirect(f"/file?{ESCAPE}")],
    "Location with another scheme": lambda d: [redirect(f"{ESCAPE}:x")],
    "Content-Range of a part": lambda d: [
        cut(d, after=4000),
        status(206, headers={"Content-Range": ESCAPE}, body=d[4000:]),
    ],
    "Content-Range of the whole": lambda d: [status(200, headers={"Content-Range": ESCAPE}, body=d)],
    "ETag of a part": lambda d: [
        cut(d, after=4000),
        status(
            206,
            headers={"Content-Range": "bytes 4000-9999/10000", "ETag": f'"{ESCAPE}"'},
            body=d[4000:],
        ),
    ],
    "ETag of the whole": lambda d: [
        status(200, headers={"ETag": f'"{ESCAPE}"', "Content-Length": "10000"}, body=d[:4000]),
        status(404),
    ],
    "Last-Modified": lambda d: [
        status(200, headers={"Last-Modified": ESCAPE, "Content-Length": "10000"}, body=d[:4000]),
        status(404),
    ],
    "Retry-After": lambda d: [status(503, headers={"Retry-After": ESCAPE})],
    "Content-Length": lambda d: [status(200, headers={"Content-Length": ESCAPE})],
    "Transfer-Encoding": lambda d: [
        status(200, headers={"Transfer-Encoding": ESCAPE, "Content-Length": "x"})
    ],
    "status line": lambda d: [raw_bytes(b"HTTP/1.1 " + WIRE + b"\r\n\r\n")],
    "reason phrase": lambda d: [raw_bytes(b"HTTP/1.1 500 " + WIRE + b"\r\nContent-Length: 0\r\n\r\n")],
    "no HTTP": lambda d: [raw_bytes(WIRE * 40 + b"\r\n\r\n")],
    "header name": lambda d: [raw_bytes(b"HTTP/1.1 200 OK\r\n" + WIRE + b": x\r\n\r\n")],
    "chunk size": lambda d: [
        raw_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + WIRE + b"\r\nxx")
    ],
    "error page": lambda d: [status(200, body=b"<html><body>\xc2\x9b</body></html>" * 20)],
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_they_are_escaped(fetcher: Fetcher, data: bytes, case: str) -> None:
    with ScriptedServer({"/file": SCRIPTS[case](data)}) as server, pytest.raises(ZooError) as caught:
        fetcher.get(server)

    error = caught.value
    texts = [
        error.message,
        error.expected,
        error.found,
        error.done,
        error.hint,
        *fetcher.notes,
        *fetcher.left(),
    ]
    unsafe = {char for text in texts for char in text or "" if unicodedata.category(char) in ("Cc", "Cf")}
    assert unsafe == set()
