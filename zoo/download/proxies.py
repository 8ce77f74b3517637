"""The proxy that the environment names for a URL, validated before the network stack uses it."""

from __future__ import annotations

from urllib.parse import urlsplit

from registry.errors import UsageError
from registry.url_check import check_host

_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a web address; None for a direct connection.

    Raises:
        UsageError: ``bad-setting``: the address of the proxy is invalid. It is not repeated, because it may
            hold a password.
    """
    from requests.utils import get_environ_proxies, select_proxy

    proxy: str | None = select_proxy(url, get_environ_proxies(url))
    if proxy is None:
        return None
    try:
        _validate(proxy)
    except ValueError as error:
        raise UsageError(
            "bad-setting",
            f"the proxy address in the environment cannot be used: {error}",
            expected="http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT",
            hint="correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY",
        ) from None
    return proxy


def _validate(proxy: str) -> None:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, _ = parts.hostname, parts.port
    except ValueError:  # its own reason may quote the password
        raise ValueError("its host or port cannot be read") from None
    if parts.scheme.lower() not in _SCHEMES:
        raise ValueError("its scheme is not supported")
    if not host:
        raise ValueError("it names no host")
    check_host(parts.netloc, host)
    if any(char.isspace() or not char.isprintable() for char in proxy):
        raise ValueError("it contains a space or a control character")
