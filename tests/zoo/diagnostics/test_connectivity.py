"""Connectivity checks: each failure has a name and a hint, and the report takes bounded time."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import NetworkError
from tests.helpers.servers import (
    Exchange,
    ScriptedServer,
    encrypted,
    honest,
    protected,
    raw_bytes,
    redirect,
    serve,
    stall,
    status,
)
from tests.helpers.timing import deadline, time_factor
from zoo.diagnostics.connectivity import (
    Endpoint,
    HostCheck,
    check_endpoints,
    host_endpoints,
    host_of,
    mirror_endpoints,
)
from zoo.download.policy import RetryPolicy
from zoo.settings import Settings

FILE = "/models/a.tar"
DATA = b"a model" * 1000
NAMED = f"https://models.invalid{FILE}"
FAST_RETRIES = RetryPolicy(
    connect_timeout=deadline(5), read_timeout=0.3 * time_factor(), header_timeout=deadline(5)
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is in use and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def through(*mirrors: str, policy: RetryPolicy | None = None, seconds: float = 30.0) -> tuple[HostCheck, ...]:
    settings = Settings(cache=Path("unused"), mirrors=mirrors)
    return check_endpoints(mirror_endpoints([NAMED], settings), settings, policy, seconds=seconds)


def test_a_mirror_with_the_file_works_and_sends_no_body() -> None:
    with serve({FILE: DATA}) as server:
        (row,) = through(server.url)
    assert (row.works, row.failure, row.status, row.detail, row.hint) == (True, None, 200, "200 OK", None)
    assert (row.source, row.role, row.url) == (f"{server.url}/", "mirror", server.url + FILE)
    assert [seen.method for seen in server.log] == ["HEAD"]


@pytest.mark.parametrize("refusal", [405, 501])
def test_a_server_without_head_is_requested_for_one_byte(refusal: int) -> None:
    def act(exchange: Exchange) -> None:
        (status(refusal) if exchange.seen.method == "HEAD" else honest(DATA))(exchange)

    with ScriptedServer({FILE: act}) as server:
        (row,) = through(server.url)
    assert row.works
    assert [seen.method for seen in server.log] == ["HEAD", "GET"]
    assert server.ranges() == [None, "bytes=0-0"]


def test_redirects_are_followed_as_in_a_fetch() -> None:
    with ScriptedServer({FILE: redirect("/there"), "/there": honest(DATA)}) as server:
        assert through(server.url)[0].works
    with ScriptedServer({FILE: redirect(FILE)}) as server:
        (row,) = through(server.url)
    assert (row.failure, row.reachable) == ("bad-answer", True)


@pytest.mark.parametrize(
    ("code", "hint"), [(404, "registry check --links"), (503, "ZOO_MIRROR=URL"), (401, "USER:PASSWORD@HOST")]
)
def test_a_refusal_is_reported_with_its_status(code: int, hint: str) -> None:
    with ScriptedServer({FILE: status(code)}) as server:
        (row,) = through(server.url)
    assert (row.works, row.failure, row.status, row.reachable) == (False, "status", code, True)
    assert row.detail.startswith(str(code))
    assert row.hint is not None
    assert hint in row.hint


def test_a_closed_port_is_a_refused_connection(closed_port: int) -> None:
    (row,) = through(f"http://127.0.0.1:{closed_port}")
    assert (row.failure, row.status, row.reachable) == ("connection-refused", None, False)
    assert row.hint is not None
    assert row.hint.startswith("correct ZOO_MIRROR, or export HTTP_PROXY=")


def test_an_unknown_host_name_is_not_resolved() -> None:
    settings = Settings(cache=Path("unused"))
    (row,) = check_endpoints(host_endpoints([NAMED]), settings)
    assert (row.source, row.role) == ("https://models.invalid", "catalog")
    assert (row.failure, row.status, row.reachable) == ("name-not-resolved", None, False)
    assert row.hint is not None
    assert row.hint.startswith("export HTTPS_PROXY=")


def test_a_slow_server_works_within_the_timeout_and_fails_beyond_it() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.hang(0.5)
        honest(DATA)(exchange)

    def silent(exchange: Exchange) -> None:
        exchange.hang()

    with ScriptedServer({FILE: slow}) as server:
        assert through(server.url, policy=replace(FAST_RETRIES, read_timeout=deadline(20)))[0].works
    with ScriptedServer({FILE: silent}) as server:
        assert through(server.url, policy=FAST_RETRIES)[0].failure == "timed-out"


def test_the_report_ends_at_its_time_limit() -> None:
    def silent(exchange: Exchange) -> None:
        exchange.hang()

    with ScriptedServer({FILE: silent}) as slow, serve({FILE: DATA}) as quick:
        first, second = through(slow.url, quick.url, seconds=0.7)
    assert (first.failure, first.detail) == ("timed-out", "no answer within 0.7 s")
    assert second.works


def test_another_protocol_is_a_bad_answer() -> None:
    with ScriptedServer({FILE: raw_bytes(b"SSH-2.0-OpenSSH_9.2\r\n")}) as server:
        assert through(server.url)[0].failure == "bad-answer"


def test_a_body_that_stalls_is_not_waited_for() -> None:
    with ScriptedServer({FILE: stall(DATA, after=10)}) as server:
        assert through(server.url, policy=FAST_RETRIES)[0].works


def test_an_unreachable_proxy_is_a_proxy_failure(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cr3t@127.0.0.1:{closed_port}")
    (row,) = check_endpoints(host_endpoints([NAMED]), Settings(cache=Path("unused")))
    assert (row.failure, row.proxy, row.reachable) == ("proxy", True, False)
    assert "s3cr3t" not in row.model_dump_json()


def test_a_proxy_that_requires_a_password_is_a_proxy_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(fallback=lambda path: status(407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        (row,) = through("http://models.invalid")
    assert (row.failure, row.status, row.proxy, row.reachable) == ("proxy", 407, True, False)
    assert row.hint is not None
    assert "the proxy's user and password" in row.hint


def test_an_untrusted_certificate_is_refused(certificate: Path) -> None:
    with encrypted(certificate, {FILE: honest(DATA)}) as server:
        (row,) = through(server.url)
    assert (row.failure, row.status, row.reachable) == ("certificate", None, False)
    assert row.hint is not None
    assert "REQUESTS_CA_BUNDLE" in row.hint
    assert server.log == []


def test_a_missing_certificate_bundle_is_a_certificate_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    (row,) = check_endpoints(host_endpoints([NAMED]), Settings(cache=Path("unused")))
    assert row.failure == "certificate"


def test_a_folder_mirror_works_lacks_the_file_or_is_not_mounted(tmp_path: Path) -> None:
    file = tmp_path / FILE.lstrip("/")
    file.parent.mkdir()
    file.write_bytes(DATA)
    whole, bare, gone = through(str(tmp_path), str(file.parent), str(tmp_path / "gone"))
    assert (whole.works, whole.detail, whole.proxy) == (True, "200 OK", False)
    assert (bare.failure, bare.status, bare.reachable) == ("status", 404, True)
    assert (gone.failure, gone.status, gone.reachable) == ("mirror", None, False)
    assert gone.hint is not None
    assert "mount it" in gone.hint


def test_the_password_of_a_mirror_is_used_and_not_reported() -> None:
    with ScriptedServer({FILE: protected(DATA, "me", "s3cr3t")}) as server:
        (row,) = through(server.url.replace("//", "//me:s3cr3t@"))
    assert row.works
    assert "s3cr3t" not in row.model_dump_json()


def test_each_host_and_port_is_one_endpoint() -> None:
    urls = [
        "https://b.example/1",
        "https://a.example/1",
        "https://B.example:443/2",
        "https://a.example:8443/1",
    ]
    assert [endpoint.source for endpoint in host_endpoints(urls)] == [
        "https://b.example",
        "https://a.example",
        "https://a.example:8443",
    ]
    assert host_of("https://a.example:99999999/1") == "https://a.example:99999999/***"


def test_offline_mode_opens_no_connection() -> None:
    with serve({FILE: DATA}) as server:
        endpoint = Endpoint(server.url, server.url, "catalog", server.url + FILE)
        with pytest.raises(NetworkError) as refused:
            check_endpoints([endpoint], Settings(cache=Path("unused"), offline=True))
    assert refused.value.code == "offline"
    assert server.log == []
