"""Digest checks, and resuming of incomplete downloads."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from registry.errors import IntegrityError, NetworkError
from tests.helpers.download_client import Fetcher
from tests.helpers.sample_archives import digest
from tests.helpers.servers import (
    ScriptedServer,
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

            # The wrong bytes are never resumed.
            server.script("/file", honest(data))
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)
            assert server.ranges() == [None, None]

    def test_a_truncated_file_with_a_matching_length_is_refused(self, fetcher: Fetcher, data: bytes) -> None:
        act = shortened(data, to=5000)
        with ScriptedServer({"/file": act}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server, expected=digest(data))

        assert caught.value.code == "size-mismatch"

    def test_a_resumed_file_with_a_wrong_digest_is_downloaded_again_from_the_start(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        script = [cut(data, after=4000), mislabeled_range(data, shift=-100), honest(data)]
        with ScriptedServer({"/file": script}) as server:
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)

        assert server.ranges() == [None, "bytes=4000-", None]

    def test_an_endless_body_is_cut_off_soon_after_the_known_size(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        with ScriptedServer({"/file": endless()}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server, expected=digest(data), limits=Limits(slack=100_000))

        assert caught.value.code == "download-too-large"

    def test_an_empty_file_may_be_what_is_expected(self, fetcher: Fetcher) -> None:
        with serve({"/file": b""}) as server:
            assert fetcher.get(server, expected=digest(b"")).digest.size == 0


class TestResume:
    def interrupt(self, fetcher: Fetcher, server: ScriptedServer, **changes: object) -> None:
        impatient = replace(fetcher.policy, attempts=1)
        with pytest.raises(NetworkError) as caught:
            fetcher.get(server, policy=impatient, **changes)
        assert "kept the 4000 bytes" in str(caught.value.done)

    def test_a_later_call_resumes(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            got = fetcher.get(server)

        assert got.digest == digest(data)
        assert server.ranges() == [None, "bytes=4000-"]
        assert server.log[1].headers["if-range"] == f'"{hashlib.md5(data).hexdigest()}"'

    def test_a_complete_partial_file_needs_no_request(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/file": data}) as server:
            fetcher.get(server)
            assert fetcher.get(server).digest == digest(data)

        assert len(server.log) == 1

    def test_the_partial_file_of_another_address_is_not_used(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/file": cut(NEWER, after=4000), "/other": honest(data)}) as server:
            self.interrupt(fetcher, server)
            assert fetcher.get(server, "/other").digest == digest(data)

        assert server.ranges() == [None, None]

    @pytest.mark.parametrize("torn", ["", "{", '{"url": 1}', "\0" * 50])
    def test_a_damaged_state_file_means_a_restart(self, fetcher: Fetcher, data: bytes, torn: str) -> None:
        with ScriptedServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            fetcher.part.with_name("file.part.json").write_text(torn)
            assert fetcher.get(server).digest == digest(data)

        assert server.ranges() == [None, None]

    def test_unsynced_bytes_are_not_resumed_without_a_digest(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
            self.interrupt(fetcher, server)
            with fetcher.part.open("ab") as file:
                file.write(b"\0" * 500)  # what a file system may show after a loss of power
            assert fetcher.get(server).digest == digest(data)

        assert server.ranges() == [None, "bytes=4000-"]

    def test_without_a_validator_only_a_known_digest_allows_resuming(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        beginning = status(200, headers={"Content-Length": "10000"}, body=data[:4000])
        with ScriptedServer({"/file": [beginning, beginning, honest(data, etag=None)]}) as server:
            self.interrupt(fetcher, server, expected=digest(data))
            self.interrupt(fetcher, server)
            assert fetcher.get(server, expected=digest(data)).digest == digest(data)

        assert server.ranges() == [None, None, "bytes=4000-"]
        assert "if-range" not in server.log[2].headers

    def test_a_date_is_a_validator_too(self, fetcher: Fetcher, data: bytes) -> None:
        dated = {"Last-Modified": "Tue, 01 Mar 2022 08:00:00 GMT"}
        beginning = status(200, headers={**dated, "Content-Length": "10000"}, body=data[:4000])
        with ScriptedServer({"/file": [beginning, honest(data, etag=None, headers=dated)]}) as server:
            assert fetcher.get(server).digest == digest(data)

        assert server.log[1].headers["if-range"] == dated["Last-Modified"]
        assert server.ranges() == [None, "bytes=4000-"]

    def test_a_truncated_error_page_is_still_recognized(self, fetcher: Fetcher) -> None:
        page = b"<!DOCTYPE html><html><body>" + b"sorry " * 100
        script = [cut(page, after=100), honest(page)]
        with ScriptedServer({"/file": script}) as server, pytest.raises(IntegrityError) as caught:
            fetcher.get(server)

        assert caught.value.code == "unexpected-response"
        assert server.ranges() == [None, "bytes=100-"]


class TestAddresses:
    def test_the_next_address_is_tried_when_a_file_is_missing(self, fetcher: Fetcher, data: bytes) -> None:
        with serve({"/b": data}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert got.url == server.url + "/b"
        assert got.digest == digest(data)

    def test_the_next_address_is_tried_after_an_error_page(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/a": html(), "/b": honest(data)}) as server:
            got = download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert got.digest == digest(data)

    def test_wrong_bytes_are_reported_whatever_the_next_address_has(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
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

    def test_a_server_error_takes_precedence_over_a_missing_file(self, fetcher: Fetcher) -> None:
        with ScriptedServer({"/b": status(500)}) as server, pytest.raises(NetworkError) as caught:
            download([server.url + "/a", server.url + "/b"], fetcher.part, fetcher.options(server))

        assert caught.value.code == "server-error"


class TestHints:
    """The hint after a lost connection promises to resume only where that is possible."""

    @pytest.mark.parametrize(
        ("headers", "known", "hint"),
        [
            ({"ETag": '"a"'}, False, "resumes the download at byte 4000"),
            ({"Last-Modified": "Tue, 01 Mar 2022 08:00:00 GMT"}, False, "resumes the download at byte 4000"),
            ({}, True, "resumes the download at byte 4000"),
            ({}, False, "it starts over"),
            ({"ETag": 'W/"a"'}, False, "it starts over"),
            ({"ETag": '"a"', "Accept-Ranges": "none"}, False, "it starts over"),
            ({"Accept-Ranges": "none"}, True, "it starts over"),
        ],
    )
    def test_after_a_lost_connection(
        self, fetcher: Fetcher, data: bytes, headers: dict[str, str], known: bool, hint: str
    ) -> None:
        fetcher.policy = replace(fetcher.policy, attempts=1)
        beginning = status(200, headers={**headers, "Content-Length": "10000"}, body=data[:4000])
        with ScriptedServer({"/file": beginning}) as server, pytest.raises(NetworkError) as caught:
            fetcher.get(server, expected=digest(data) if known else None)

        assert caught.value.code == "connection-lost"
        assert hint in str(caught.value.hint)

    def test_after_a_server_ignored_the_range(self, fetcher: Fetcher, data: bytes) -> None:
        script = [cut(data, after=4000), status(200, headers={"Content-Length": "10000"}, body=data[:100])]
        fetcher.policy = replace(fetcher.policy, attempts=2)
        with ScriptedServer({"/file": script}) as server, pytest.raises(NetworkError) as caught:
            fetcher.get(server, expected=digest(data))

        assert server.ranges()[:2] == [None, "bytes=4000-"]
        assert "it starts over" in str(caught.value.hint)
