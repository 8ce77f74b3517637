"""Faults of servers, against a whole cache: retried or refused, with no partial file left."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from registry.errors import ZooError
from registry.lock import Lock
from tests.helpers.download_client import impatient
from tests.helpers.sample_archives import MODEL, digest
from tests.helpers.servers import (
    Behavior,
    ScriptedServer,
    chunked,
    cut,
    drip,
    dripping_head,
    empty,
    encrypted,
    endless,
    gzipped,
    honest,
    html,
    ignoring_range,
    lfs_pointer,
    mislabeled_range,
    raw_bytes,
    redirect,
    reset,
    serve,
    shortened,
    stall,
    status,
    unfinished_chunks,
    unmeasured,
    wrong_range,
)
from tests.helpers.store_fixture import INFERENCE, TAR, StoreFixture, pinned
from zoo.store import Limits

PATH = "/models/picodet.tar"
FETCHED = ""
NEXT_YEAR = {"Date": "Tue, 01 Mar 2022 08:00:00 GMT", "Retry-After": "Wed, 01 Mar 2023 08:00:00 GMT"}
IN_A_MINUTE = {"Date": "Tue, 01 Mar 2022 08:00:00 GMT", "Retry-After": "Tue, 01 Mar 2022 08:01:00 GMT"}
MD5 = base64.b64encode(hashlib.md5(TAR).digest()).decode()
CRC = str(zlib.crc32(TAR))
NEWER = b"newer" * 9000


@dataclass(frozen=True)
class Fault:
    """Behavior of a server, request by request, and the result of the fetch.

    Attributes:
        acts: The behaviors; the last one stays.
        first: Code of the error when nothing is known about the file yet; none when it is fetched.
        known: The same when its digest is known; the same as ``first`` by default.
        quiet: Whether the client has to time out.
    """

    acts: Sequence[Behavior]
    first: str = FETCHED
    known: str | None = None
    quiet: bool = False


FAULTS: dict[str, Fault] = {
    "slow drip": Fault([drip(TAR, step=4000, pause=0.02)]),
    "slow drip, too slow for ever": Fault([drip(TAR, step=1, pause=0.11)], "download-stalled", quiet=True),
    "stall": Fault([stall(TAR, after=5000), honest(TAR)], quiet=True),
    "stall, for ever": Fault([stall(TAR, after=0)], "download-stalled", quiet=True),
    "reset mid-body": Fault([reset(TAR, after=4000), honest(TAR)]),
    "truncated, wrong Content-Length": Fault([cut(TAR, after=4000), honest(TAR)]),
    "truncated, wrong Content-Length, for ever": Fault([cut(TAR, after=0)], "connection-lost"),
    "truncated, right Content-Length": Fault([shortened(TAR, to=5000)], "corrupt-archive", "digest-changed"),
    "200 to a Range": Fault([cut(TAR, after=4000), ignoring_range(TAR)]),
    "wrong Content-Range": Fault([cut(TAR, after=4000), wrong_range(TAR, shift=-100), honest(TAR)]),
    "right Content-Range, wrong bytes": Fault(
        [cut(TAR, after=4000), mislabeled_range(TAR, shift=-100), honest(TAR)], "corrupt-archive", FETCHED
    ),
    "416": Fault([cut(TAR, after=4000), status(416), honest(TAR)]),
    "416 to no Range": Fault([status(416)], "server-error"),
    "206 to no Range": Fault([status(206, body=TAR)], "server-error"),
    "changed ETag between attempts": Fault([cut(NEWER, after=4000), honest(TAR)]),
    **{f"{code} loop": Fault([redirect(PATH, code)], "too-many-redirects") for code in (301, 302, 307, 308)},
    "302 to plain http elsewhere": Fault([redirect("http://localhost.invalid/a")], "insecure-redirect"),
    "302 to a local file": Fault([redirect("file:///etc/passwd")], "insecure-redirect"),
    "302 to nowhere": Fault([redirect(None)], "server-error"),
    **{str(code): Fault([status(code)], "not-on-server") for code in (403, 404, 410)},
    **{str(code): Fault([status(code)], "server-error") for code in (400, 401, 418)},
    "429, Retry-After in seconds": Fault([status(429, headers={"Retry-After": "7"}), honest(TAR)]),
    "429, Retry-After as a date": Fault([status(429, headers=IN_A_MINUTE), honest(TAR)]),
    "429, Retry-After tomorrow": Fault([status(429, headers={"Retry-After": "86400"})], "server-error"),
    "429, Retry-After next year": Fault([status(429, headers=NEXT_YEAR)], "server-error"),
    **{f"{code}, once": Fault([status(code), honest(TAR)]) for code in (500, 502, 503, 504)},
    **{f"{code}, for ever": Fault([status(code)], "server-error") for code in (500, 502, 503, 504)},
    "HTML page with 200": Fault([html()], "unexpected-response"),
    "Git-LFS pointer": Fault([lfs_pointer()], "unexpected-response"),
    "gzip Content-Encoding": Fault([gzipped(TAR)], "unexpected-response"),
    "chunked without length": Fault([chunked(TAR)]),
    "chunked, cut off": Fault([unfinished_chunks(TAR, after=3000), honest(TAR)]),
    "neither length nor chunks": Fault([unmeasured(TAR)], "server-error", FETCHED),
    "zero bytes": Fault([empty()], "unexpected-response"),
    "endless body": Fault([endless()], "download-too-large"),
    "Content-Length of a terabyte": Fault(
        [status(200, headers={"Content-Length": str(1 << 40)})], "download-too-large"
    ),
    "Content-MD5 contradicts, once": Fault([honest(TAR[::-1], headers={"Content-MD5": MD5}), honest(TAR)]),
    "Content-MD5 contradicts, for ever": Fault(
        [honest(TAR[::-1], headers={"Content-MD5": MD5})], "digest-mismatch", "digest-changed"
    ),
    "x-bce-content-crc32 contradicts, once": Fault(
        [honest(TAR[::-1], headers={"x-bce-content-crc32": CRC}), honest(TAR)]
    ),
    "another file of the same size": Fault([honest(TAR[::-1])], "corrupt-archive", "digest-changed"),
    "no HTTP at all": Fault([raw_bytes(b"220 ftp.example ready\r\n")], "server-error"),
    "an end before any answer": Fault([raw_bytes(b"")], "network-unreachable"),
    "a header that drips": Fault(
        [dripping_head(b"HTTP/1.1 200 OK\r\nX: ", b"x")], "download-stalled", quiet=True
    ),
    "interim answers without end": Fault(
        [dripping_head(b"", b"HTTP/1.1 100 Continue\r\n\r\n")], "download-stalled", quiet=True
    ),
    "an endless header line": Fault([raw_bytes(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000)], "server-error"),
    "a thousand headers": Fault(
        [raw_bytes(b"HTTP/1.1 200 OK\r\n" + b"X-Header: x\r\n" * 1000 + b"\r\n")], "server-error"
    ),
    "a negative Content-Length": Fault(
        [raw_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + TAR)], "server-error", FETCHED
    ),
    "two Content-Lengths": Fault(
        [raw_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + TAR)],
        "server-error",
        "server-error",
    ),
    "chunk sizes that are none": Fault(
        [raw_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n" + TAR)], "connection-lost"
    ),
}


@pytest.mark.table("faults of servers")
@pytest.mark.parametrize("known", [False, True], ids=["first sight", "known digest"])
@pytest.mark.parametrize("story", FAULTS)
def test_a_fault(store_fixture: StoreFixture, story: str, known: bool) -> None:
    fault = FAULTS[story]
    ends = fault.first if fault.known is None or not known else fault.known
    pins = pinned(INFERENCE, TAR) if known else Lock()
    if fault.quiet:
        store_fixture.policy = impatient(store_fixture.policy)
    with ScriptedServer({PATH: list(fault.acts)}) as server:
        error = fetched_or_error(store_fixture, server, pins)

        assert (error.code if error else FETCHED) == ends
        if error is not None:
            assert error.exit_code == (5 if error.code in OF_CONTENT else 4)
            assert error.done or error.found
            assert error.hint
        assert len(server.log) <= store_fixture.policy.max_attempts
        nothing_torn(store_fixture, artifact_root=error is None)

        # The same cache recovers as soon as the server does.
        server.script(PATH, honest(TAR))
        nothing_wrong(store_fixture, fetched_or_error(store_fixture, server, pins))


OF_CONTENT = {
    "unexpected-response",
    "download-too-large",
    "digest-mismatch",
    "digest-changed",
    "corrupt-archive",
}
"""Errors about the content, not about the connection."""


def fetched_or_error(store_fixture: StoreFixture, server: ScriptedServer, pins: Lock) -> ZooError | None:
    try:
        store_fixture.fetch(server, pins=pins, limits=Limits(download_bytes=100_000, slack=50_000))
    except ZooError as error:
        return error
    return None


def nothing_torn(store_fixture: StoreFixture, *, artifact_root: bool) -> None:
    """Only whole files, partial downloads that can be continued, and the quarantine are left."""
    assert store_fixture.store.verify().clean
    assert bool(list(store_fixture.root.glob("artifacts/*/*"))) == artifact_root
    assert list(store_fixture.root.rglob(".*")) == []
    if artifact_root:
        nothing_wrong(store_fixture, None)


def nothing_wrong(store_fixture: StoreFixture, error: ZooError | None) -> None:
    assert error is None, str(error)
    (folder,) = store_fixture.root.glob("artifacts/*/*/files")
    assert {name: (folder / name).read_bytes() for name in MODEL} == MODEL
    assert list(store_fixture.root.glob("partial/*")) == []
    assert store_fixture.store.verify().clean


@pytest.mark.table("faults of servers")
class TestEncrypted:
    def test_https_is_not_left_for_http_even_on_the_same_host(
        self, store_fixture: StoreFixture, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with (
            serve({PATH: TAR}) as plain,
            encrypted(certificate, {PATH: redirect(plain.url + PATH)}) as server,
        ):
            error = fetched_or_error(store_fixture, server, Lock())

            assert error is not None
            assert (error.code, error.exit_code) == ("insecure-redirect", 4)
            assert plain.log == []
            server.script(PATH, honest(TAR))
            nothing_wrong(store_fixture, fetched_or_error(store_fixture, server, Lock()))

    def test_an_untrusted_certificate_is_refused_at_once(
        self, store_fixture: StoreFixture, certificate: Path
    ) -> None:
        with encrypted(certificate, {PATH: honest(TAR)}) as server:
            error = fetched_or_error(store_fixture, server, Lock())

        assert error is not None
        assert (error.code, error.exit_code) == ("network-unreachable", 4)
        assert "certificate" in str(error.found).lower()
        assert server.log == []


@pytest.mark.table("faults of servers")
@pytest.mark.parametrize("after", [1, 100, 5000, len(TAR) - 1])
@pytest.mark.parametrize("act", [cut, reset, stall], ids=["cut", "reset", "stall"])
def test_a_connection_that_ends_at_any_byte(
    store_fixture: StoreFixture, act: Callable[..., Behavior], after: int
) -> None:
    store_fixture.policy = replace(impatient(store_fixture.policy), stall_bytes=1)
    with ScriptedServer({PATH: [act(TAR, after=after), honest(TAR)]}) as server:
        nothing_wrong(store_fixture, fetched_or_error(store_fixture, server, Lock()))

    assert digest(TAR) == store_fixture.store.seen().artifacts[INFERENCE.urls[0]].digest
