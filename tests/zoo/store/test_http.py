"""Downloads against a server that misbehaves to order: each row a story and how it must end."""

from __future__ import annotations

import base64
import hashlib
import socket
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import IntegrityError, NetworkError, ZooError
from registry.schema import Digest
from tests.servers import (
    Behaviour,
    Exchange,
    LyingServer,
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
    mislabelled_range,
    protected,
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
from zoo.store import Limits, RetryPolicy
from zoo.store.body import Terms
from zoo.store.http import Downloaded, download

Script = Callable[[bytes], Sequence[Behaviour]]
NEWER = b"newer" * 2000
QUIET = {
    "silence is resumed",
    "silence before the first byte is tried again",
    "a trickle counts as silence",
    "a body that never comes",
    "a trickle for ever",
}
"""Stories in which the client must lose patience."""


def digest(data: bytes) -> Digest:
    return Digest(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


class Fetcher:
    """Downloads ``/file`` of a scripted server into a fresh folder."""

    def __init__(self, folder: Path, policy: RetryPolicy) -> None:
        self.part = folder / "partial" / "file.part"
        self.policy = policy
        self.notes: list[str] = []
        self.pauses: list[float] = []

    def terms(self, server: LyingServer, **changes: object) -> Terms:
        policy = replace(self.policy, sleep=self.pauses.append)
        return replace(Terms(mirror=server.url, policy=policy, note=self.notes.append), **changes)  # type: ignore[arg-type]

    def get(self, server: LyingServer, path: str = "/file", **changes: object) -> Downloaded:
        return download([server.url + path], self.part, self.terms(server, **changes))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.part.parent.glob("*"))


def impatient(policy: RetryPolicy) -> RetryPolicy:
    """For servers that go quiet: soon is late enough."""
    return replace(policy, read_timeout=0.4, stall_window=0.2)


@pytest.fixture
def fetcher(tmp_path: Path, hasty: RetryPolicy) -> Fetcher:
    return Fetcher(tmp_path, hasty)


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
    "a trickle counts as silence": (
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
            mislabelled_range(d, shift=-100),
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


def cut_with(data: bytes, *, after: int, headers: dict[str, str]) -> Behaviour:
    return status(
        200, headers={"ETag": '"same"', **headers, "Content-Length": str(len(data))}, body=data[:after]
    )


def cut_weak(data: bytes, *, after: int) -> Behaviour:
    return cut_with(data, after=after, headers={"ETag": 'W/"same"'})


@pytest.mark.parametrize("story", SUCCESSES)
def test_ends_well(story: str, fetcher: Fetcher, data: bytes) -> None:
    script, ranges = SUCCESSES[story]
    if story in QUIET:
        fetcher.policy = impatient(fetcher.policy)
    with LyingServer({"/file": script(data)}) as server:
        got = fetcher.get(server)

    assert got.digest == digest(data)
    assert got.path.read_bytes() == data
    asked = [want if want == "any" else have for have, want in zip(server.ranges(), ranges, strict=True)]
    assert asked == ranges


FAILURES: dict[str, tuple[Script, type[ZooError], str, int]] = {
    "403": (lambda d: [status(403)], NetworkError, "not-on-server", 1),
    "404": (lambda d: [status(404)], NetworkError, "not-on-server", 1),
    "410": (lambda d: [status(410)], NetworkError, "not-on-server", 1),
    "400": (lambda d: [status(400)], NetworkError, "server-error", 1),
    "401": (lambda d: [status(401)], NetworkError, "server-error", 1),
    "206 that nobody asked for": (lambda d: [status(206, body=d)], NetworkError, "server-error", 1),
    "416 that nobody asked for": (lambda d: [status(416)], NetworkError, "server-error", 1),
    "500 for ever": (lambda d: [status(500)], NetworkError, "server-error", 3),
    "a number that is no status": (lambda d: [status(999)], NetworkError, "server-error", 1),
    "503 for longer than we wait": (
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
    "an HTML page": (lambda d: [html()], IntegrityError, "not-what-was-asked", 1),
    "a Git-LFS pointer": (lambda d: [lfs_pointer()], IntegrityError, "not-what-was-asked", 1),
    "no bytes": (lambda d: [empty()], IntegrityError, "not-what-was-asked", 1),
    "compressed on the way": (lambda d: [gzipped(d)], IntegrityError, "not-what-was-asked", 1),
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


@pytest.mark.parametrize("story", FAILURES)
def test_ends_in_a_clear_error(story: str, fetcher: Fetcher, data: bytes) -> None:
    script, family, code, requests = FAILURES[story]
    if story in QUIET:
        fetcher.policy = impatient(fetcher.policy)
    with LyingServer({"/file": script(data)}) as server:
        with pytest.raises(family) as caught:
            fetcher.get(server, limits=Limits(download_bytes=100_000))

        assert caught.value.code == code
        assert f"{server.host}/file" in caught.value.message
        assert caught.value.hint
        assert len(server.log) == requests


@pytest.mark.parametrize(
    "story", [name for name, row in FAILURES.items() if row[1] is IntegrityError and row[3] == 1] + ["404"]
)
def test_a_refused_download_leaves_nothing(story: str, fetcher: Fetcher, data: bytes) -> None:
    script, family, _, _ = FAILURES[story]
    with LyingServer({"/file": script(data)}) as server, pytest.raises(family):
        fetcher.get(server, limits=Limits(download_bytes=100_000))

    assert fetcher.left() == []


def test_endless_redirects_are_bounded(fetcher: Fetcher) -> None:
    hops = {f"/{number}": redirect(f"/{number + 1}") for number in range(100)}
    with LyingServer(hops) as server, pytest.raises(NetworkError) as caught:
        fetcher.get(server, "/0")

    assert caught.value.code == "too-many-redirects"
    assert len(server.log) == fetcher.policy.redirects + 1


def test_a_server_that_only_resets_is_given_up(fetcher: Fetcher, data: bytes) -> None:
    with LyingServer({"/file": reset(data, after=0)}) as server, pytest.raises(NetworkError) as caught:
        fetcher.get(server)

    # Whether the client still sees the headers is a matter of luck.
    assert caught.value.code in ("connection-lost", "network-unreachable")
    assert len(server.log) == 3


def test_the_body_of_a_redirect_is_not_read(fetcher: Fetcher, data: bytes) -> None:
    def act(exchange: Exchange) -> None:
        exchange.start(302, {"Location": "/other", "Content-Length": "1000000000"})
        exchange.hang()

    with LyingServer({"/file": act, "/other": honest(data)}) as server:
        assert fetcher.get(server).digest == digest(data)


class TestDigest:
    def test_a_known_digest_is_checked(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/file": data}) as server:
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)

    @pytest.mark.parametrize(
        ("sent", "code"), [(b"y" * 10_000, "digest-mismatch"), (b"y" * 99, "size-mismatch")]
    )
    def test_other_bytes_are_refused_and_kept_for_the_caller(
        self, fetcher: Fetcher, data: bytes, sent: bytes, code: str
    ) -> None:
        with serve({"/file": sent}) as server:
            with pytest.raises(IntegrityError) as caught:
                fetcher.get(server, expected=digest(data))

            assert caught.value.code == code
            assert digest(data).sha256 in str(caught.value.expected)
            assert digest(sent).sha256 in str(caught.value.found)
            assert fetcher.part.read_bytes() == sent

            # What lies there is never taken for the beginning of the right file.
            server.script("/file", honest(data))
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)
            assert server.ranges() == [None, None]

    def test_a_truth_told_with_a_wrong_length_is_still_refused(self, fetcher: Fetcher, data: bytes) -> None:
        act = shortened(data, to=5000)
        with LyingServer({"/file": act}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server, expected=digest(data))

        assert caught.value.code == "size-mismatch"

    def test_a_resumed_file_that_does_not_fit_is_fetched_once_more_from_the_start(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        script = [cut(data, after=4000), mislabelled_range(data, shift=-100), honest(data)]
        with LyingServer({"/file": script}) as server:
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)

        assert server.ranges() == [None, "bytes=4000-", None]

    def test_an_endless_body_ends_soon_behind_the_known_size(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/file": endless()}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server, expected=digest(data), limits=Limits(slack=100_000))

        assert caught.value.code == "download-too-large"

    def test_an_empty_file_may_be_what_is_expected(self, fetcher: Fetcher) -> None:
        with serve({"/file": b""}) as server:
            assert fetcher.get(server, expected=digest(b"")).digest.size == 0


class TestResume:
    def interrupt(self, fetcher: Fetcher, server: LyingServer, **changes: object) -> None:
        impatient = replace(fetcher.policy, attempts=1)
        with pytest.raises(NetworkError) as caught:
            fetcher.get(server, policy=impatient, **changes)
        assert "kept the 4000 bytes" in str(caught.value.done)

    def test_a_later_call_goes_on(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            got = fetcher.get(server)

        assert got.digest == digest(data)
        assert server.ranges() == [None, "bytes=4000-"]
        assert server.log[1].headers["if-range"] == f'"{hashlib.md5(data).hexdigest()}"'

    def test_a_complete_part_needs_no_server(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/file": data}) as server:
            fetcher.get(server)
            assert fetcher.get(server).digest == digest(data)

        assert len(server.log) == 1

    def test_the_part_of_another_address_is_not_used(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/file": cut(NEWER, after=4000), "/other": honest(data)}) as server:
            self.interrupt(fetcher, server)
            assert fetcher.get(server, "/other").digest == digest(data)

        assert server.ranges() == [None, None]

    @pytest.mark.parametrize("torn", ["", "{", '{"url": 1}', "\0" * 50])
    def test_a_torn_state_file_means_from_the_start(self, fetcher: Fetcher, data: bytes, torn: str) -> None:
        with LyingServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            fetcher.part.with_name("file.part.json").write_text(torn)
            assert fetcher.get(server).digest == digest(data)

        assert server.ranges() == [None, None]

    def test_bytes_that_may_be_a_hole_are_not_built_on_without_a_digest(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        with LyingServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            with fetcher.part.open("ab") as file:
                file.write(b"\0" * 500)  # what a file system may show after a loss of power
            assert fetcher.get(server).digest == digest(data)

        assert server.ranges() == [None, "bytes=4000-"]

    def test_without_a_validator_only_a_known_digest_allows_to_go_on(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        beginning = status(200, headers={"Content-Length": "10000"}, body=data[:4000])
        with LyingServer({"/file": [beginning, beginning, honest(data, etag=None)]}) as server:
            self.interrupt(fetcher, server, expected=digest(data))
            self.interrupt(fetcher, server)
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)

        assert server.ranges() == [None, None, "bytes=4000-"]
        assert "if-range" not in server.log[2].headers

    def test_a_date_is_a_validator_too(self, fetcher: Fetcher, data: bytes) -> None:
        dated = {"Last-Modified": "Tue, 01 Mar 2022 08:00:00 GMT"}
        beginning = status(200, headers={**dated, "Content-Length": "10000"}, body=data[:4000])
        with LyingServer({"/file": [beginning, honest(data, etag=None, headers=dated)]}) as server:
            assert fetcher.get(server).digest == digest(data)

        assert server.log[1].headers["if-range"] == dated["Last-Modified"]
        assert server.ranges() == [None, "bytes=4000-"]

    def test_an_error_page_that_breaks_off_is_still_recognised(self, fetcher: Fetcher) -> None:
        page = b"<!DOCTYPE html><html><body>" + b"sorry " * 100
        script = [cut(page, after=100), honest(page)]
        with LyingServer({"/file": script}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server)

        assert caught.value.code == "not-what-was-asked"
        assert server.ranges() == [None, "bytes=100-"]


class TestAddresses:
    def test_the_next_one_is_asked_when_a_file_is_missing(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/b": data}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.terms(server))

        assert got.url == server.url + "/b"
        assert got.digest == digest(data)

    def test_the_next_one_is_asked_when_a_page_comes(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/a": html(), "/b": honest(data)}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.terms(server))

        assert got.digest == digest(data)

    def test_other_bytes_are_an_event_whatever_the_next_one_has(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/a": NEWER, "/b": data}) as server, pytest.raises(IntegrityError):
            download(
                [server.url + "/a", server.url + "/b"],
                fetcher.part,
                fetcher.terms(server, expected=digest(data)),
            )

        assert server.count("/b") == 0

    def test_missing_everywhere_names_every_address(self, fetcher: Fetcher) -> None:
        with serve({}) as server, pytest.raises(NetworkError) as caught:
            download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.terms(server))

        assert caught.value.code == "not-on-server"
        assert server.url + "/a" in str(caught.value)
        assert server.url + "/b" in str(caught.value)

    def test_a_broken_server_says_more_than_a_missing_file(self, fetcher: Fetcher) -> None:
        with LyingServer({"/b": status(500)}) as server, pytest.raises(NetworkError) as caught:
            download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.terms(server))

        assert caught.value.code == "server-error"


class TestPatience:
    def test_pauses_double_up_to_a_bound(self) -> None:
        policy = RetryPolicy(jitter=lambda: 1.0)

        assert [policy.pause(failures) for failures in (1, 2, 3, 10, 10_000)] == [0.5, 1.0, 2.0, 30.0, 30.0]

    def test_the_server_may_say_how_long(self, fetcher: Fetcher, data: bytes) -> None:
        later = {"Date": "Tue, 01 Mar 2022 08:00:00 GMT", "Retry-After": "Tue, 01 Mar 2022 08:00:42 GMT"}
        script = [
            status(503, headers={"Retry-After": "7"}),
            status(503, headers=later),
            honest(data),
        ]
        with LyingServer({"/file": script}) as server:
            fetcher.get(server)

        # The date counts from the server's own clock: ours is four years ahead of it.
        assert fetcher.pauses == [7.0, 42.0]

    @pytest.mark.parametrize("nonsense", ["soon", "-1", "1e9", "Tue, 99 Foo 2022", ""])
    def test_nonsense_counts_as_nothing(self, fetcher: Fetcher, data: bytes, nonsense: str) -> None:
        script = [status(503, headers={"Retry-After": nonsense}), honest(data)]
        with LyingServer({"/file": script}) as server:
            fetcher.get(server)

        assert fetcher.pauses == [fetcher.policy.backoff]

    def test_every_retry_is_announced(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/file": [status(502), honest(data)]}) as server:
            fetcher.get(server)

        assert len(fetcher.notes) == 1
        assert "502 Bad Gateway" in fetcher.notes[0]

    def test_nobody_there(self, fetcher: Fetcher) -> None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
            with pytest.raises(NetworkError) as caught:
                download([url + "/file"], fetcher.part, Terms(policy=fetcher.policy, mirror=url))

        assert caught.value.code == "network-unreachable"
        assert "refused" in str(caught.value.found)
        assert "3 tries" in str(caught.value.found)


class TestSecrets:
    def test_credentials_of_a_mirror_reach_the_mirror(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/file": protected(data, "me", "s3cr3t:@")}) as server:
            base = server.url.replace("//", "//me:s3cr3t%3A%40@")
            got = download([server.url + "/file"], fetcher.part, fetcher.terms(server, mirror=base))

        assert got.digest == digest(data)

    def test_they_do_not_follow_a_redirect_to_another_origin(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/file": data}) as other, LyingServer({"/file": redirect(other.url + "/file")}) as server:
            base = server.url.replace("//", "//me:s3cr3t@")
            got = download([server.url + "/file"], fetcher.part, fetcher.terms(server, mirror=base))

        assert got.digest == digest(data)
        assert "authorization" in server.log[0].headers
        assert "authorization" not in other.log[0].headers

    def test_netrc_is_read_for_the_mirror_alone(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password s3cr3t\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with LyingServer({"/file": protected(data, "me", "s3cr3t")}) as server:
            assert fetcher.get(server).digest == digest(data)
            with pytest.raises(NetworkError) as caught:
                download([server.url + "/file?b"], fetcher.part, replace(fetcher.terms(server), mirror=None))

        assert "401" in str(caught.value)

    @pytest.mark.parametrize(
        "act", [status(404), status(500), html(), redirect("/file?token=hush"), stall(b"x", after=0)]
    )
    def test_no_message_or_file_shows_them(self, fetcher: Fetcher, act: Behaviour, tmp_path: Path) -> None:
        fetcher.policy = impatient(fetcher.policy)
        with LyingServer({"/file": act}) as server:
            base = server.url.replace("//", "//me:s3cr3t@")
            with pytest.raises(ZooError) as caught:
                download([server.url + "/file?token=hush"], fetcher.part, fetcher.terms(server, mirror=base))

        told = [str(caught.value), repr(caught.value.__cause__), *fetcher.notes]
        told += [path.read_text() for path in tmp_path.rglob("*.json")]
        assert not any(secret in text for text in told for secret in ("s3cr3t", "hush"))

    def test_nor_when_there_is_no_connection(self, fetcher: Fetcher) -> None:
        url = "http://127.0.0.1:1"
        with pytest.raises(NetworkError) as caught:
            download(
                [url + "/file?token=hush"],
                fetcher.part,
                Terms(policy=fetcher.policy, mirror="http://me:s3cr3t@127.0.0.1:1"),
            )

        assert "hush" not in str(caught.value)
        assert "s3cr3t" not in str(caught.value)


def test_bodies_are_asked_for_as_they_are(fetcher: Fetcher, data: bytes) -> None:
    with serve({"/file": data}) as server:
        fetcher.get(server)

    assert server.log[0].headers["accept-encoding"] == "identity"
    assert server.log[0].headers["user-agent"].startswith("paddle-zoo/")


def test_a_proxy_of_the_environment_is_used(
    fetcher: Fetcher, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve({"/file": data}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        base = "http://mirror.invalid"
        got = download([base + "/file"], fetcher.part, Terms(policy=fetcher.policy, mirror=base))

    assert got.digest == digest(data)
    assert proxy.log[0].headers["host"] == "mirror.invalid"


class Bar:
    """Counts what a progress bar would show."""

    def __init__(self) -> None:
        self.starts: list[int | None] = []
        self.amount = 0
        self.ended = 0

    def start(self, total: int | None, label: str) -> None:
        assert label == "file"
        self.starts.append(total)
        self.amount = 0

    def advance(self, amount: int) -> None:
        self.amount += amount

    def done(self) -> None:
        self.ended += 1


def test_progress_counts_what_is_there_already(fetcher: Fetcher, data: bytes) -> None:
    bar = Bar()
    with LyingServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
        fetcher.get(server, progress=bar)

    assert bar.starts == [10_000, 10_000]
    assert bar.amount == 10_000
    assert bar.ended == 2
