"""Proxies that the environment names."""

from __future__ import annotations

import pytest

from registry.errors import NetworkError, UsageError, ZooError
from tests.helpers.download_client import Fetcher
from tests.helpers.servers import serve
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.probe import probe

pytestmark = pytest.mark.table("proxy settings")

SECRET = "S3CRET"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://user:{SECRET}@{'a' * 64}:9",
        f"http://user:{SECRET}@a..b:9",
        f"http://user:{SECRET}@.a:9",
        f"http://user:{SECRET}@{'a.' * 130}a:9",
        f"http://user:{SECRET}@{'ä' * 70}.example:9",
        f"http://user:{SECRET}@127.0.0.1:port",
        f"http://user:{SECRET}@127.0.0.1:99999",
        f"http://user:{SECRET}@127.0.0.1:-1",
        f"http://user:{SECRET}@[::1",
        f"http://user:{SECRET}@::1]:9",
        f"http://user:{SECRET}@[::1]x:9",
        f"http://user:{SECRET}@[nonsense]:9",
        f"foo://user:{SECRET}@127.0.0.1:9",
        f"://user:{SECRET}@127.0.0.1:9",
        f"user:{SECRET}@",
        f"http://user:{SECRET}@",
        f"user:{SECRET}@host:99999",
        f"http://user:p/{SECRET}@127.0.0.1:9",
        f"http://user:{SECRET}@ho st:9",
        f"http://user:{SECRET}@ho%20st:9",
        f"socks5://user:{SECRET}@{'a' * 64}:9",
        f"http://[{SECRET}",
        "http://",
        "http:///x",
        "\x1b]0;x\x07",
    ],
)
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_an_invalid_proxy_is_an_error_of_our_tree(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    base = "http://10.255.255.1:8"
    with pytest.raises(ZooError) as caught:
        download([f"{base}/f"], fetcher.part, DownloadOptions(policy=fetcher.policy, mirrors=(base,)))

    assert isinstance(caught.value, (UsageError, NetworkError))
    assert caught.value.code in ("bad-setting", "network-unreachable")
    assert SECRET not in str(caught.value) + "".join(fetcher.notes)
    assert probe(f"{base}/f", fetcher.policy, (base,)).failure == "proxy"


@pytest.mark.parametrize(
    "value", ["[::1", "a..b", "*", ",,,", "127.0.0.1/99", "a" * 300, "\x1b", "10.0.0.0/8"]
)
def test_any_no_proxy_is_accepted(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, value: str, data: bytes
) -> None:
    monkeypatch.setenv("NO_PROXY", value)
    monkeypatch.setenv("no_proxy", value)
    with serve({"/file": data}) as server:
        assert fetcher.get(server).digest.size == len(data)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"machine", b"machine x login", b"\0" * 50])
def test_a_damaged_netrc_is_ignored(
    fetcher: Fetcher,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    data: bytes,
) -> None:
    netrc = tmp_path_factory.mktemp("netrc") / "netrc"
    netrc.write_bytes(content)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve({"/file": data}) as server:
        assert fetcher.get(server).digest.size == len(data)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\xff\xfe\x00"])
def test_a_damaged_certificate_bundle_is_an_error_of_our_tree(
    fetcher: Fetcher,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
) -> None:
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises(NetworkError):
        download(["https://127.0.0.1:9/f"], fetcher.part, DownloadOptions(policy=fetcher.policy))
