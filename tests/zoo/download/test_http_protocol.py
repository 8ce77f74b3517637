"""Retries, credentials, proxies and progress of HTTP downloads."""

from __future__ import annotations

import socket
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import NetworkError, ZooError
from tests.helpers.download_client import Fetcher, impatient
from tests.helpers.sample_archives import digest
from tests.helpers.servers import (
    Behavior,
    ScriptedServer,
    cut,
    honest,
    html,
    protected,
    redirect,
    serve,
    stall,
    status,
)
from tests.helpers.servers.socks import socks_proxy
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.store import RetryPolicy


class TestRetries:
    def test_pauses_double_up_to_a_bound(self) -> None:
        policy = RetryPolicy(jitter=lambda: 1.0)

        assert [policy.backoff_seconds(failures) for failures in (1, 2, 3, 10, 10_000)] == [
            0.5,
            1.0,
            2.0,
            30.0,
            30.0,
        ]

    def test_retry_after_sets_the_pause(self, fetcher: Fetcher, data: bytes) -> None:
        later = {"Date": "Tue, 01 Mar 2022 08:00:00 GMT", "Retry-After": "Tue, 01 Mar 2022 08:00:42 GMT"}
        script = [
            status(503, headers={"Retry-After": "7"}),
            status(503, headers=later),
            honest(data),
        ]
        with ScriptedServer({"/file": script}) as server:
            fetcher.get(server)

        # The date is relative to the server's own clock, which is four years behind.
        assert fetcher.pauses == [7.0, 42.0]

    @pytest.mark.parametrize("nonsense", ["soon", "-1", "1e9", "Tue, 99 Foo 2022", ""])
    def test_an_invalid_retry_after_is_ignored(self, fetcher: Fetcher, data: bytes, nonsense: str) -> None:
        script = [status(503, headers={"Retry-After": nonsense}), honest(data)]
        with ScriptedServer({"/file": script}) as server:
            fetcher.get(server)

        assert fetcher.pauses == [fetcher.policy.backoff]

    def test_every_retry_is_announced(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/file": [status(502), honest(data)]}) as server:
            fetcher.get(server)

        assert len(fetcher.notes) == 1
        assert "502 Bad Gateway" in fetcher.notes[0]

    def test_a_port_without_a_listener(self, fetcher: Fetcher) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with pytest.raises(NetworkError) as caught:
                download(
                    [url + "/file"], fetcher.part, DownloadOptions(policy=fetcher.policy, mirrors=(url,))
                )

        assert caught.value.code == "network-unreachable"
        assert "refused" in str(caught.value.found)
        assert "3 tries" in str(caught.value.found)


class TestSecrets:
    def test_credentials_of_a_mirror_reach_the_mirror(self, fetcher: Fetcher, data: bytes) -> None:
        with ScriptedServer({"/file": protected(data, "me", "s3cr3t:@")}) as server:
            base = server.url.replace("//", "//me:s3cr3t%3A%40@")
            got = download([server.url + "/file"], fetcher.part, fetcher.options(server, mirrors=(base,)))

        assert got.digest == digest(data)

    def test_credentials_do_not_follow_a_redirect_to_another_origin(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        with (
            serve({"/file": data}) as other,
            ScriptedServer({"/file": redirect(other.url + "/file")}) as server,
        ):
            base = server.url.replace("//", "//me:s3cr3t@")
            got = download([server.url + "/file"], fetcher.part, fetcher.options(server, mirrors=(base,)))

        assert got.digest == digest(data)
        assert "authorization" in server.log[0].headers
        assert "authorization" not in other.log[0].headers

    def test_each_mirror_gets_its_own_credentials_and_the_catalog_host_none(
        self, fetcher: Fetcher, data: bytes
    ) -> None:
        with serve({}) as one, serve({}) as two, serve({"/file": data}) as host:
            mirrors = tuple(
                server.url.replace("//", f"//me:of-{name}@") for name, server in (("one", one), ("two", two))
            )
            options = replace(fetcher.options(one), mirrors=mirrors)
            download([server.url + "/file" for server in (one, two, host)], fetcher.part, options)

        shown = [b64decode(server.log[0].headers["authorization"].split()[1]) for server in (one, two)]
        assert shown == [b"me:of-one", b"me:of-two"]
        assert "authorization" not in host.log[0].headers

    def test_netrc_is_read_for_the_mirror_alone(
        self, fetcher: Fetcher, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login me password s3cr3t\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with ScriptedServer({"/file": protected(data, "me", "s3cr3t")}) as server:
            assert fetcher.get(server).digest == digest(data)
            with pytest.raises(NetworkError) as caught:
                download([server.url + "/file?b"], fetcher.part, replace(fetcher.options(server), mirrors=()))

        assert "401" in str(caught.value)

    @pytest.mark.parametrize(
        "act", [status(404), status(500), html(), redirect("/file?token=hush"), stall(b"x", after=0)]
    )
    def test_no_message_and_no_file_contains_credentials(
        self, fetcher: Fetcher, act: Behavior, tmp_path: Path
    ) -> None:
        fetcher.policy = impatient(fetcher.policy)
        with ScriptedServer({"/file": act}) as server:
            base = server.url.replace("//", "//me:s3cr3t@")
            with pytest.raises(ZooError) as caught:
                download(
                    [server.url + "/file?token=hush"], fetcher.part, fetcher.options(server, mirrors=(base,))
                )

        texts = [str(caught.value), repr(caught.value.__cause__), *fetcher.notes]
        texts += [path.read_text() for path in tmp_path.rglob("*.json")]
        assert not any(secret in text for text in texts for secret in ("s3cr3t", "hush"))

    def test_a_failed_connection_does_not_reveal_credentials(self, fetcher: Fetcher) -> None:
        url = "http://127.0.0.1:1"
        with pytest.raises(NetworkError) as caught:
            download(
                [url + "/file?token=hush"],
                fetcher.part,
                DownloadOptions(policy=fetcher.policy, mirrors=("http://me:s3cr3t@127.0.0.1:1",)),
            )

        assert "hush" not in str(caught.value)
        assert "s3cr3t" not in str(caught.value)


def test_bodies_are_requested_without_compression(fetcher: Fetcher, data: bytes) -> None:
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
        got = download(
            [base + "/file"], fetcher.part, DownloadOptions(policy=fetcher.policy, mirrors=(base,))
        )

    assert got.digest == digest(data)
    assert proxy.log[0].headers["host"] == "mirror.invalid"


def test_a_socks_proxy_of_the_environment_is_used(
    fetcher: Fetcher, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve({"/file": data}) as server, socks_proxy() as (proxy, seen):
        monkeypatch.setenv("all_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        base = server.url.replace("127.0.0.1", "mirror.invalid")
        got = download(
            [base + "/file"], fetcher.part, DownloadOptions(policy=fetcher.policy, mirrors=(base,))
        )

    assert got.digest == digest(data)
    assert seen == ["mirror.invalid"]


class Bar:
    """Records what a progress bar would show."""

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


def test_progress_includes_the_bytes_received_before(fetcher: Fetcher, data: bytes) -> None:
    bar = Bar()
    with ScriptedServer({"/file": [cut(data, after=4000), honest(data)]}) as server:
        fetcher.get(server, progress=bar)

    assert bar.starts == [10_000, 10_000]
    assert bar.amount == 10_000
    assert bar.ended == 2
