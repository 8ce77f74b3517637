"""Digests, and what an unfinished download is good for."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from registry.errors import IntegrityError, NetworkError
from tests.helpers.download_client import Fetcher
from tests.helpers.sample_archives import digest
from tests.helpers.servers import (
    LyingServer,
    cut,
    endless,
    honest,
    html,
    mislabeled_range,
    serve,
    shortened,
    status,
)
from zoo.download.client import download
from zoo.store import Limits

NEWER = b"newer" * 2000


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
        script = [cut(data, after=4000), mislabeled_range(data, shift=-100), honest(data)]
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

    def test_an_error_page_that_breaks_off_is_still_recognized(self, fetcher: Fetcher) -> None:
        page = b"<!DOCTYPE html><html><body>" + b"sorry " * 100
        script = [cut(page, after=100), honest(page)]
        with LyingServer({"/file": script}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server)

        assert caught.value.code == "unexpected-response"
        assert server.ranges() == [None, "bytes=100-"]


class TestAddresses:
    def test_the_next_one_is_asked_when_a_file_is_missing(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/b": data}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert got.url == server.url + "/b"
        assert got.digest == digest(data)

    def test_the_next_one_is_asked_when_a_page_comes(self, fetcher: Fetcher, data: bytes) -> None:
        with LyingServer({"/a": html(), "/b": honest(data)}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert got.digest == digest(data)

    def test_other_bytes_are_an_event_whatever_the_next_one_has(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/a": NEWER, "/b": data}) as server, pytest.raises(IntegrityError):
            download(
                [server.url + "/a", server.url + "/b"],
                fetcher.part,
                fetcher.options(server, expected=digest(data)),
            )

        assert server.count("/b") == 0

    def test_missing_everywhere_names_every_address(self, fetcher: Fetcher) -> None:
        with serve({}) as server, pytest.raises(NetworkError) as caught:
            download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert caught.value.code == "not-on-server"
        assert server.url + "/a" in str(caught.value)
        assert server.url + "/b" in str(caught.value)

    def test_a_broken_server_says_more_than_a_missing_file(self, fetcher: Fetcher) -> None:
        with LyingServer({"/b": status(500)}) as server, pytest.raises(NetworkError) as caught:
            download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert caught.value.code == "server-error"
