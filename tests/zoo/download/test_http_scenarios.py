"""Downloads from a server with scripted faults: each row is a scenario and its outcome."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence

import pytest

from registry.errors import IntegrityError, NetworkError, ZooError
from tests.helpers.download_client import Fetcher, impatient
from tests.helpers.sample_archives import digest
from tests.helpers.servers import (
    Behavior,
    Exchange,
    ScriptedServer,
    chunked,
    cut,
    drip,
    empty,
    endless,
    gzipped,
    honest,
    html,
    ignoring_range,
    lfs_pointer,
    mislabeled_range,
    redirect,
    reset,
    stall,
    status,
    unfinished_chunks,
    unmeasured,
    wrong_range,
)
from zoo.store import Limits

pytestmark = pytest.mark.table("downloads, request by request")


Script = Callable[[bytes], Sequence[Behavior]]
NEWER = b"newer" * 2000
QUIET = {
    "silence is resumed",
    "silence before the first byte is tried again",
    "a slow trickle counts as silence",
    "a body that never comes",
    "a trickle for ever",
}
"""Scenarios in which the client must run into a timeout."""


def crc(data: bytes) -> str:
    return str(zlib.crc32(data))


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


SUCCESSES: dict[str, tuple[Script, list[str | None]]] = {
    "an honest server": (lambda d: [honest(d)], [None]),
    "a reset in the middle is resumed": (lambda d: [reset(d, after=4000), honest(d)], [None, "any"]),
    "early ends are resumed as long as there is progress": (
        lambda d: [cut(d, after=2000)] * 4 + [honest(d)],
        [None, "bytes=2000-", "bytes=4000-", "bytes=6000-", "bytes=8000-"],
    ),
    "an end before Content-Length is resumed": (
        lambda d: [cut(d, after=6000), honest(d)],
        [None, "bytes=6000-"],
    ),
    "silence is resumed": (lambda d: [stall(d, after=5000), honest(d)], [None, "bytes=5000-"]),
    "silence before the first byte is tried again": (lambda d: [stall(d, after=0), honest(d)], [None, None]),
    "a slow trickle counts as silence": (
        lambda d: [drip(d, step=10, pause=0.11), honest(d)],
        [None, "any"],
    ),
    "200 to a range starts over": (
        lambda d: [cut(d, after=4000), ignoring_range(d)],
        [None, "bytes=4000-"],
    ),
    "a range from elsewhere starts over": (
        lambda d: [cut(d, after=4000), wrong_range(d, shift=-100), honest(d)],
        [None, "bytes=4000-", None],
    ),
    "416 starts over": (
        lambda d: [cut(d, after=4000), status(416), honest(d)],
        [None, "bytes=4000-", None],
    ),
    "206 without Content-Range starts over": (
        lambda d: [cut(d, after=4000), status(206, body=b"x" * 6000), honest(d)],
        [None, "bytes=4000-", None],
    ),
    "200 with Content-Range to a range starts over": (
        lambda d: [
            cut(d, after=4000),
            status(200, headers={"Content-Range": "bytes 4000-9999/10000"}, body=d[4000:]),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "200 with the Content-Range of the whole file": (
        lambda d: [status(200, headers={"Content-Range": "bytes 0-9999/10000"}, body=d)],
        [None],
    ),
    "206 with another length than its Content-Range starts over": (
        lambda d: [
            cut(d, after=4000),
            status(206, headers={"Content-Range": "bytes 4000-9999/10000"}, body=d[4000:5000]),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "206 with a Content-Length of thousands of digits starts over": (
        lambda d: [
            cut(d, after=4000),
            status(
                206, headers={"Content-Range": f"bytes 4000-{'9' * 5000}/10000", "Content-Length": "6000"}
            ),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "206 with a reversed Content-Range starts over": (
        lambda d: [
            cut(d, after=4000),
            status(206, headers={"Content-Range": "bytes 4000-3999/10000"}, body=b""),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "a server that serves no ranges is not asked for one": (
        lambda d: [cut_with(d, after=4000, headers={"Accept-Ranges": "none"}), honest(d)],
        [None, None],
    ),
    "a server that ignored a range is not asked for one again": (
        lambda d: [cut(d, after=4000), cut_with(d, after=3000, headers={}), honest(d)],
        [None, "bytes=4000-", None],
    ),
    "a new entity tag starts over through If-Range": (
        lambda d: [cut(NEWER, after=4000), honest(d)],
        [None, "bytes=4000-"],
    ),
    "a new entity tag starts over where If-Range is ignored": (
        lambda d: [
            cut(d, after=4000),
            status(206, headers={"Content-Range": "bytes 4000-9999/10000", "ETag": '"x"'}),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "another total starts over": (
        lambda d: [
            cut(d, after=4000),
            status(206, headers={"Content-Range": "bytes 4000-8999/9000"}, body=b"x" * 5000),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "a weak entity tag is no ground to resume on": (
        lambda d: [cut_weak(d, after=4000), honest(d)],
        [None, None],
    ),
    "500, 502 and 503 pass": (lambda d: [status(500), status(503), honest(d)], [None, None, None]),
    "429 passes": (lambda d: [status(429, headers={"Retry-After": "1"}), honest(d)], [None, None]),
    "chunks without a length": (lambda d: [chunked(d)], [None]),
    "unfinished chunks are resumed": (
        lambda d: [unfinished_chunks(d, after=3000), honest(d)],
        [None, "bytes=3000-"],
    ),
    "no length, but a checksum": (lambda d: [unmeasured(d, headers={"Content-MD5": md5(d)})], [None]),
    "the server's MD5 agrees": (lambda d: [honest(d, headers={"Content-MD5": md5(d)})], [None]),
    "the server's MD5 finds damage on the way": (
        lambda d: [honest(d[::-1], headers={"Content-MD5": md5(d)}), honest(d)],
        [None, None],
    ),
    "the server's CRC-32 finds damage on the way": (
        lambda d: [honest(d[::-1], headers={"x-bce-content-crc32": crc(d)}), honest(d)],
        [None, None],
    ),
    "a checksum of the whole also holds for a resumed file": (
        lambda d: [
            cut_with(d, after=4000, headers={"Content-MD5": md5(d)}),
            mislabeled_range(d, shift=-100),
            honest(d),
        ],
        [None, "bytes=4000-", None],
    ),
    "a checksum that is none does not count": (lambda d: [honest(d, headers={"Content-MD5": "x"})], [None]),
    "302, 307 and a relative address": (
        lambda d: [redirect("/file?1", 307), redirect("file?2", 302), honest(d)],
        [None, None, None],
    ),
}


def cut_with(data: bytes, *, after: int, headers: dict[str, str]) -> Behavior:
    return status(
        200, headers={"ETag": '"same"', **headers, "Content-Length": str(len(data))}, body=data[:after]
    )


def cut_weak(data: bytes, *, after: int) -> Behavior:
    return cut_with(data, after=after, headers={"ETag": 'W/"same"'})


@pytest.mark.parametrize("scenario", SUCCESSES)
def test_succeeds(scenario: str, fetcher: Fetcher, data: bytes) -> None:
    script, ranges = SUCCESSES[scenario]
    if scenario in QUIET:
        fetcher.policy = impatient(fetcher.policy)
    with ScriptedServer({"/file": script(data)}) as server:
        got = fetcher.get(server)

    assert got.digest == digest(data)
    assert got.path.read_bytes() == data
    requested = [
        expected if expected == "any" else actual
        for actual, expected in zip(server.ranges(), ranges, strict=True)
    ]
    assert requested == ranges


FAILURES: dict[str, tuple[Script, type[ZooError], str, int]] = {
    "403": (lambda d: [status(403)], NetworkError, "not-on-server", 1),
    "404": (lambda d: [status(404)], NetworkError, "not-on-server", 1),
    "410": (lambda d: [status(410)], NetworkError, "not-on-server", 1),
    "400": (lambda d: [status(400)], NetworkError, "server-error", 1),
    "401": (lambda d: [status(401)], NetworkError, "server-error", 1),
    "206 without a range request": (lambda d: [status(206, body=d)], NetworkError, "server-error", 1),
    "416 without a range request": (lambda d: [status(416)], NetworkError, "server-error", 1),
    "200 with a part of the file": (
        lambda d: [status(200, headers={"Content-Range": "bytes 0-4999/10000"}, body=d[:5000])],
        NetworkError,
        "server-error",
        1,
    ),
    "200 with the end of the file": (
        lambda d: [status(200, headers={"Content-Range": "bytes 4000-9999/10000"}, body=d[4000:])],
        NetworkError,
        "server-error",
        1,
    ),
    "200 with a Content-Range of another length": (
        lambda d: [status(200, headers={"Content-Range": "bytes 0-9999/10000"}, body=d[:5000])],
        NetworkError,
        "server-error",
        1,
    ),
    "200 with an unsatisfied Content-Range": (
        lambda d: [status(200, headers={"Content-Range": "bytes */10000"}, body=d)],
        NetworkError,
        "server-error",
        1,
    ),
    "200 with a Content-Length of thousands of digits": (
        lambda d: [status(200, headers={"Content-Length": "9" * 5000}, body=d)],
        NetworkError,
        "server-error",
        1,
    ),
    "200 with an unreadable Content-Range": (
        lambda d: [status(200, headers={"Content-Range": "x"}, body=d)],
        NetworkError,
        "server-error",
        1,
    ),
    "500 for ever": (lambda d: [status(500)], NetworkError, "server-error", 3),
    "an unknown status": (lambda d: [status(999)], NetworkError, "server-error", 1),
    "503 with a Retry-After beyond the limit": (
        lambda d: [status(503, headers={"Retry-After": "86400"})],
        NetworkError,
        "server-error",
        1,
    ),
    "503 until next year": (
        lambda d: [
            status(
                503,
                headers={
                    "Date": "Tue, 01 Mar 2022 08:00:00 GMT",
                    "Retry-After": "Wed, 01 Mar 2023 08:00:00 GMT",
                },
            )
        ],
        NetworkError,
        "server-error",
        1,
    ),
    "a body that never comes": (lambda d: [stall(d, after=0)], NetworkError, "download-stalled", 3),
    "a trickle for ever": (
        lambda d: [drip(d, step=1, pause=0.11)],
        NetworkError,
        "download-stalled",
        3,
    ),
    "shorter than it says, for ever": (
        lambda d: [cut(d, after=0)],
        NetworkError,
        "connection-lost",
        3,
    ),
    "neither length nor chunks nor checksum": (lambda d: [unmeasured(d)], NetworkError, "server-error", 1),
    "an HTML page": (lambda d: [html()], IntegrityError, "unexpected-response", 1),
    "a Git-LFS pointer": (lambda d: [lfs_pointer()], IntegrityError, "unexpected-response", 1),
    "no bytes": (lambda d: [empty()], IntegrityError, "unexpected-response", 1),
    "compressed on the way": (lambda d: [gzipped(d)], IntegrityError, "unexpected-response", 1),
    "more than allowed, announced": (
        lambda d: [status(200, headers={"Content-Length": "100001"})],
        IntegrityError,
        "download-too-large",
        1,
    ),
    "more than allowed, without end": (lambda d: [endless()], IntegrityError, "download-too-large", 1),
    "damaged on the way, for ever": (
        lambda d: [honest(d, headers={"Content-MD5": md5(b"")})],
        IntegrityError,
        "digest-mismatch",
        3,
    ),
    "a redirect to itself": (lambda d: [redirect("/file")], NetworkError, "too-many-redirects", 1),
    "progress without end": (
        lambda d: [cut(d, after=300)],
        NetworkError,
        "connection-lost",
        8,
    ),
    "a redirect to nowhere": (lambda d: [redirect(None)], NetworkError, "server-error", 1),
    "a redirect to another host without encryption": (
        lambda d: [redirect("http://localhost.invalid/file")],
        NetworkError,
        "insecure-redirect",
        1,
    ),
    "a redirect to the file system": (
        lambda d: [redirect("file:///etc/passwd")],
        NetworkError,
        "insecure-redirect",
        1,
    ),
    "a redirect to nonsense": (lambda d: [redirect("https://[::/x")], NetworkError, "insecure-redirect", 1),
}


@pytest.mark.parametrize("scenario", FAILURES)
def test_fails_with_a_clear_error(scenario: str, fetcher: Fetcher, data: bytes) -> None:
    script, family, code, requests = FAILURES[scenario]
    if scenario in QUIET:
        fetcher.policy = impatient(fetcher.policy)
    with ScriptedServer({"/file": script(data)}) as server:
        with pytest.raises(family) as caught:
            fetcher.get(server, limits=Limits(download_bytes=100_000))

        assert caught.value.code == code
        assert f"{server.host}/file" in caught.value.message
        assert caught.value.hint
        assert len(server.log) == requests


@pytest.mark.parametrize(
    "scenario", [name for name, row in FAILURES.items() if row[1] is IntegrityError and row[3] == 1] + ["404"]
)
def test_a_refused_download_leaves_nothing(scenario: str, fetcher: Fetcher, data: bytes) -> None:
    script, family, _, _ = FAILURES[scenario]
    with ScriptedServer({"/file": script(data)}) as server, pytest.raises(family):
        fetcher.get(server, limits=Limits(download_bytes=100_000))

    assert fetcher.left() == []


def test_endless_redirects_are_bounded(fetcher: Fetcher) -> None:
    hops = {f"/{number}": redirect(f"/{number + 1}") for number in range(100)}
    with ScriptedServer(hops) as server, pytest.raises(NetworkError) as caught:
        fetcher.get(server, "/0")

    assert caught.value.code == "too-many-redirects"
    assert len(server.log) == fetcher.policy.redirects + 1


def test_a_server_that_only_resets_is_given_up(fetcher: Fetcher, data: bytes) -> None:
    with ScriptedServer({"/file": reset(data, after=0)}) as server, pytest.raises(NetworkError) as caught:
        fetcher.get(server)

    # Whether the client still receives the headers depends on timing.
    assert caught.value.code in ("connection-lost", "network-unreachable")
    assert len(server.log) == 3


def test_the_body_of_a_redirect_is_not_read(fetcher: Fetcher, data: bytes) -> None:
    def act(exchange: Exchange) -> None:
        exchange.start(302, {"Location": "/other", "Content-Length": "1000000000"})
        exchange.hang()

    with ScriptedServer({"/file": act, "/other": honest(data)}) as server:
        assert fetcher.get(server).digest == digest(data)
