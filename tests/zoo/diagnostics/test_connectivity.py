"""Which sources can be reached: each failure by its own name, in bounded time, with what to type."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import NetworkError
from tests.helpers.servers import (
    Exchange,
    LyingServer,
    encrypted,
    honest,
    protected,
    redirect,
    serve,
    stall,
    status,
    talking,
)
from zoo.diagnostics.connectivity import HostCheck, Place, check_host, host_of, hosts_of, mirrors_of
from zoo.download.policy import RetryPolicy
from zoo.settings import Settings

FILE = "/models/a.tar"
DATA = b"a model" * 1000
NAMED = f"https://models.invalid{FILE}"
FAST_RETRIES = RetryPolicy(connect_timeout=5.0, read_timeout=0.3, header_timeout=5.0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def through(*mirrors: str, policy: RetryPolicy | None = None, seconds: float = 30.0) -> tuple[HostCheck, ...]:
    settings = Settings(cache=Path("unused"), mirrors=mirrors)
    return check_host(mirrors_of([NAMED], settings), settings, policy, seconds=seconds)


def test_a_mirror_that_has_the_file_works_and_hands_out_nothing_of_it() -> None:
    with serve({FILE: DATA}) as server:
        (row,) = through(server.url)
    assert (row.works, row.failed, row.status, row.found, row.hint) == (True, None, 200, "200 OK", None)
    assert (row.source, row.role, row.asked) == (f"{server.url}/", "mirror", server.url + FILE)
    assert [seen.method for seen in server.log] == ["HEAD"]


@pytest.mark.parametrize("refusal", [405, 501])
def test_a_server_without_head_is_asked_for_one_byte(refusal: int) -> None:
    def act(exchange: Exchange) -> None:
        (status(refusal) if exchange.seen.method == "HEAD" else honest(DATA))(exchange)

    with LyingServer({FILE: act}) as server:
        (row,) = through(server.url)
    assert row.works
    assert [seen.method for seen in server.log] == ["HEAD", "GET"]
    assert server.ranges() == [None, "bytes=0-0"]


def test_redirects_are_followed_as_in_a_fetch() -> None:
    with LyingServer({FILE: redirect("/there"), "/there": honest(DATA)}) as server:
        assert through(server.url)[0].works
    with LyingServer({FILE: redirect(FILE)}) as server:
        (row,) = through(server.url)
    assert (row.failed, row.reached) == ("bad-answer", True)


@pytest.mark.parametrize(
    ("code", "hint"), [(404, "registry check --links"), (503, "ZOO_MIRROR=URL"), (401, "USER:PASSWORD@HOST")]
)
def test_a_refusal_is_told_by_its_status(code: int, hint: str) -> None:
    with LyingServer({FILE: status(code)}) as server:
        (row,) = through(server.url)
    assert (row.works, row.failed, row.status, row.reached) == (False, "status", code, True)
    assert row.found.startswith(str(code))
    assert row.hint is not None
    assert hint in row.hint


def test_a_port_that_nobody_listens_on_is_a_refused_connection(closed_port: int) -> None:
    (row,) = through(f"http://127.0.0.1:{closed_port}")
    assert (row.failed, row.status, row.reached) == ("connection-refused", None, False)
    assert row.hint is not None
    assert row.hint.startswith("correct ZOO_MIRROR, or export HTTP_PROXY=")


def test_a_name_that_nobody_knows_is_not_resolved() -> None:
    settings = Settings(cache=Path("unused"))
    (row,) = check_host(hosts_of([NAMED]), settings)
    assert (row.source, row.role) == ("https://models.invalid", "catalog")
    assert (row.failed, row.status, row.reached) == ("name-not-resolved", None, False)
    assert row.hint is not None
    assert row.hint.startswith("export HTTPS_PROXY=")


def test_a_server_that_is_slow_within_patience_works_and_one_beyond_it_timed_out() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.hang(0.5)
        honest(DATA)(exchange)

    def silent(exchange: Exchange) -> None:
        exchange.hang()

    with LyingServer({FILE: slow}) as server:
        assert through(server.url, policy=replace(FAST_RETRIES, read_timeout=20.0))[0].works
    with LyingServer({FILE: silent}) as server:
        assert through(server.url, policy=FAST_RETRIES)[0].failed == "timed-out"


def test_the_report_waits_for_nobody_beyond_its_bound() -> None:
    def silent(exchange: Exchange) -> None:
        exchange.hang()

    with LyingServer({FILE: silent}) as slow, serve({FILE: DATA}) as quick:
        first, second = through(slow.url, quick.url, seconds=0.7)
    assert (first.failed, first.found) == ("timed-out", "no answer within 0.7 s")
    assert second.works


def test_what_is_no_http_is_a_bad_answer() -> None:
    with LyingServer({FILE: talking(b"SSH-2.0-OpenSSH_9.2\r\n")}) as server:
        assert through(server.url)[0].failed == "bad-answer"


def test_a_body_that_stalls_is_not_waited_for() -> None:
    with LyingServer({FILE: stall(DATA, after=10)}) as server:
        assert through(server.url, policy=FAST_RETRIES)[0].works


def test_a_proxy_that_cannot_be_reached_is_the_one_to_blame(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cr3t@127.0.0.1:{closed_port}")
    (row,) = check_host(hosts_of([NAMED]), Settings(cache=Path("unused")))
    assert (row.failed, row.proxy, row.reached) == ("proxy", True, False)
    assert "s3cr3t" not in row.model_dump_json()


def test_a_proxy_that_wants_a_password_is_the_one_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    with LyingServer(fallback=lambda path: status(407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        (row,) = through("http://models.invalid")
    assert (row.failed, row.status, row.proxy, row.reached) == ("proxy", 407, True, False)
    assert row.hint is not None
    assert "the proxy's user and password" in row.hint


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with encrypted(certificate, {FILE: honest(DATA)}) as server:
        (row,) = through(server.url)
    assert (row.failed, row.status, row.reached) == ("certificate", None, False)
    assert row.hint is not None
    assert "REQUESTS_CA_BUNDLE" in row.hint
    assert server.log == []


def test_a_bundle_of_certificates_that_is_not_there_is_a_matter_of_certificates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    (row,) = check_host(hosts_of([NAMED]), Settings(cache=Path("unused")))
    assert row.failed == "certificate"


def test_a_folder_is_a_mirror_that_works_lacks_the_file_or_is_not_mounted(tmp_path: Path) -> None:
    file = tmp_path / FILE.lstrip("/")
    file.parent.mkdir()
    file.write_bytes(DATA)
    whole, bare, gone = through(str(tmp_path), str(file.parent), str(tmp_path / "gone"))
    assert (whole.works, whole.found, whole.proxy) == (True, "200 OK", False)
    assert (bare.failed, bare.status, bare.reached) == ("status", 404, True)
    assert (gone.failed, gone.status, gone.reached) == ("mirror", None, False)
    assert gone.hint is not None
    assert "mount it" in gone.hint


def test_the_password_of_a_mirror_opens_it_and_is_told_nobody() -> None:
    with LyingServer({FILE: protected(DATA, "me", "s3cr3t")}) as server:
        (row,) = through(server.url.replace("//", "//me:s3cr3t@"))
    assert row.works
    assert "s3cr3t" not in row.model_dump_json()


def test_each_host_is_asked_once_under_its_port() -> None:
    urls = [
        "https://b.example/1",
        "https://a.example/1",
        "https://B.example:443/2",
        "https://a.example:8443/1",
    ]
    assert [place.source for place in hosts_of(urls)] == [
        "https://b.example",
        "https://a.example",
        "https://a.example:8443",
    ]
    assert host_of("https://a.example:99999999/1") == "https://a.example:99999999/1"


def test_nobody_is_asked_where_connections_are_forbidden() -> None:
    with serve({FILE: DATA}) as server:
        place = Place(server.url, "catalog", server.url + FILE)
        with pytest.raises(NetworkError) as refused:
            check_host([place], Settings(cache=Path("unused"), offline=True))
    assert refused.value.code == "offline"
    assert server.log == []
