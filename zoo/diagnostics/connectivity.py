"""Checks which mirrors and catalog hosts can be reached, with a hint for each that cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

from registry.errors import NetworkError, UsageError
from registry.schema.base import Model
from zoo.catalogs.sources import load_registry
from zoo.download.mirrors import base_url, display_url, rewrite
from zoo.download.policy import RetryPolicy
from zoo.download.probe import Failure, ProbeResult, probe
from zoo.download.proxies import proxy_for
from zoo.download.redaction import redact
from zoo.download.response import ABSENT_STATUSES, CREDENTIAL_HINTS
from zoo.download.urls import HTTP_SCHEMES, origin
from zoo.settings import Settings

REPORT_SECONDS = 30.0
"""Time limit of the whole report: a name lookup has no time limit."""

_OTHER_SOURCE = "export ZOO_MIRROR=URL for a mirror within reach, or --offline for what is in the cache"
_HINTS: dict[Failure, str] = {
    "proxy": "correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY",
    "certificate": "export REQUESTS_CA_BUNDLE=FILE with the certificate of your network's authority",
    "bad-answer": _OTHER_SOURCE,
    "status": _OTHER_SOURCE,
    "mirror": "mount it, or correct ZOO_MIRROR",
}


class HostCheck(Model):
    """The result of checking one source of files.

    Attributes:
        source: The mirror's base address, or scheme and host of catalog addresses.
        role: ``mirror`` or ``catalog``; a mirror replaces all hosts of the catalog.
        url: The requested address.
        works: Whether the file is there.
        failure: What failed first; None when it works.
        status: HTTP status code; None when there was no answer.
        detail: The answer or the failure as text.
        seconds: Duration of the request.
        proxy: Whether a proxy was used; its address may hold a secret and is not repeated.
        hint: What to type when it does not work.
        reachable: Whether the source answered, with the file or without it.
    """

    source: str
    role: Literal["mirror", "catalog"]
    url: str
    works: bool
    failure: Failure | None
    status: int | None
    detail: str
    seconds: float
    proxy: bool
    hint: str | None
    reachable: bool


@dataclass(frozen=True)
class Endpoint:
    """A source of files, and an address to request from it.

    Attributes:
        key: Identifies the source: the mirror's base address without credentials, or scheme and host.
        source: The source for messages.
        role: ``mirror`` or ``catalog``.
        url: The address.
    """

    key: str
    source: str
    role: Literal["mirror", "catalog"]
    url: str


def check_hosts(settings: Settings) -> tuple[HostCheck, ...]:
    """Check the mirrors, and the hosts of all artifacts in the catalogs.

    Raises:
        ZooError: As for :func:`check_endpoints`; an invalid catalog or mirror.
    """
    require_network(settings)
    artifacts = (artifact for entry in load_registry(settings) for artifact in entry.artifacts)
    urls = [url for artifact in artifacts for url in artifact.urls]
    return check_endpoints((*mirror_endpoints(urls, settings), *host_endpoints(urls)), settings)


def mirror_endpoints(urls: Sequence[str], settings: Settings) -> tuple[Endpoint, ...]:
    """The user's mirrors, each with its address of the first file.

    Raises:
        UsageError: ``bad-mirror``.
    """
    if not urls:
        return ()
    return tuple(
        Endpoint(base_url(each), display_url(each), "mirror", rewrite(urls[0], each))
        for each in settings.mirrors
    )


def host_endpoints(urls: Iterable[str]) -> tuple[Endpoint, ...]:
    """The hosts of addresses, each with the first of its addresses."""
    first_urls: dict[str, str] = {}
    for url in urls:
        first_urls.setdefault(host_of(url), url)
    return tuple(Endpoint(host, host, "catalog", url) for host, url in first_urls.items())


def host_of(url: str) -> str:
    """Scheme and host of a web address; the redacted address itself if it is invalid."""
    try:
        return str(origin(url))
    except ValueError:
        return redact(url)


def check_endpoints(
    endpoints: Sequence[Endpoint],
    settings: Settings,
    policy: RetryPolicy | None = None,
    *,
    seconds: float = REPORT_SECONDS,
) -> tuple[HostCheck, ...]:
    """Probe all endpoints at the same time.

    Args:
        endpoints: The endpoints.
        settings: Mirrors and offline mode.
        policy: Time limits; those of a fetch by default.
        seconds: Time limit of the whole check.

    Raises:
        NetworkError: ``offline``: connections are forbidden.
    """
    require_network(settings)
    policy = policy or RetryPolicy()
    probes = [_start_probe(endpoint, policy, settings.mirrors) for endpoint in endpoints]
    wait(probes, timeout=seconds)
    late = ProbeResult(None, "timed-out", f"no answer within {seconds:g} s", seconds)
    return tuple(
        _host_check(endpoint, each.result() if each.done() else late)
        for endpoint, each in zip(endpoints, probes, strict=True)
    )


def require_network(settings: Settings) -> None:
    """Refuse to open connections in offline mode.

    Raises:
        NetworkError: ``offline``.
    """
    if settings.offline:
        raise NetworkError(
            "offline",
            "this check needs network access, but offline mode is on",
            found="ZOO_OFFLINE",
            done="no connection was opened",
            hint="unset ZOO_OFFLINE",
        )


def _start_probe(endpoint: Endpoint, policy: RetryPolicy, mirrors: Sequence[str]) -> Future[ProbeResult]:
    """Start a probe in a thread that does not keep the process alive when its result is not awaited."""
    future: Future[ProbeResult] = Future()

    def run() -> None:
        try:
            future.set_result(probe(endpoint.url, policy, mirrors))
        except BaseException as error:  # raised again where the result is read
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _host_check(endpoint: Endpoint, result: ProbeResult) -> HostCheck:
    return HostCheck(
        source=endpoint.source,
        role=endpoint.role,
        url=redact(endpoint.url),
        works=result.failure is None,
        failure=result.failure,
        status=result.status,
        detail=result.detail,
        seconds=round(result.seconds, 3),
        proxy=_uses_proxy(endpoint.url),
        hint=_hint(endpoint, result),
        reachable=result.reachable,
    )


def _uses_proxy(url: str) -> bool:
    try:
        return urlsplit(url).scheme in HTTP_SCHEMES and proxy_for(url) is not None
    except UsageError:  # the environment names one, and it is invalid
        return True


def _hint(endpoint: Endpoint, result: ProbeResult) -> str | None:
    if result.failure is None:
        return None
    if result.status in CREDENTIAL_HINTS:
        return CREDENTIAL_HINTS[result.status]
    if result.status in ABSENT_STATUSES:
        return "it answers but lacks this file: zoo registry check --links lists every one it lacks"
    return result.hint or _HINTS.get(result.failure) or _connection_hint(endpoint)


def _connection_hint(endpoint: Endpoint) -> str:
    """The hint for a failed connection."""
    proxy = "HTTP_PROXY" if urlsplit(endpoint.url).scheme == "http" else "HTTPS_PROXY"
    first = "correct ZOO_MIRROR, or " if endpoint.role == "mirror" else ""
    return f"{first}export {proxy}=http://HOST:PORT if the network requires a proxy, {_OTHER_SOURCE}"
