"""Checks every artifact address of a catalog without downloading anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import registry
from registry.errors import NetworkError
from registry.schema.base import Model
from zoo._utils.threads import worker_pool
from zoo.diagnostics.connectivity import (
    HostCheck,
    check_endpoints,
    host_endpoints,
    host_of,
    mirror_endpoints,
    require_network,
)
from zoo.download.mirrors import base_url, rewrite
from zoo.download.policy import RetryPolicy
from zoo.download.probe import Failure, ProbeResult, probe
from zoo.download.redaction import redact
from zoo.download.response import RETRYABLE_STATUSES
from zoo.settings import Settings

JOBS = 8
"""Simultaneous requests: few enough for a host that limits them."""

ATTEMPTS = 3
"""Requests for an address whose server answers with a temporary failure."""


class DeadLink(Model):
    """A catalog address without a file.

    Attributes:
        entry: Id of the entry.
        artifact: Id of the artifact.
        url: The address in the catalog.
        requested_url: The last requested address: the same, or its counterpart on a mirror.
        failure: What failed first.
        status: HTTP status code; None when there was no answer.
        detail: The answer or the failure as text.
    """

    entry: str
    artifact: str
    url: str
    requested_url: str
    failure: Failure
    status: int | None
    detail: str


class LinkReport(Model):
    """The result of checking all addresses.

    Attributes:
        links: Number of addresses, counted once for each artifact that has them.
        addresses: Number of distinct addresses.
        sources: The mirrors, or the hosts where there is no mirror.
        dead: The dead addresses, in the catalog's order.
    """

    links: int
    addresses: int
    sources: tuple[HostCheck, ...]
    dead: tuple[DeadLink, ...]


@dataclass(frozen=True)
class _ProbedUrl:
    """The last requested URL for an address, and its result."""

    url: str
    result: ProbeResult


def check_links(path: Path | None, settings: Settings, policy: RetryPolicy | None = None) -> LinkReport:
    """Request every address of every artifact; a server that cannot be reached is requested only once.

    An address is dead when no mirror has it, or its host does not have it where there is no mirror.

    Args:
        path: Catalog file or folder; None for the shipped one.
        settings: Mirrors and offline mode.
        policy: Time limits and retries; those of a fetch by default.

    Raises:
        CatalogError: The catalog breaks the schema.
        NetworkError: ``network-unreachable``: no source could be reached; ``offline``.
        UsageError: ``bad-mirror``.
    """
    require_network(settings)
    policy = policy or RetryPolicy()
    entries = registry.load(path) if path else registry.load()
    links = [
        (entry.id, artifact.id, url)
        for entry in entries
        for artifact in entry.artifacts
        for url in artifact.urls
    ]
    urls = list(dict.fromkeys(url for _, _, url in links))
    endpoints = mirror_endpoints(urls, settings) or host_endpoints(urls)
    bound = policy.connect_timeout + policy.header_timeout
    sources = check_endpoints(endpoints, settings, policy, seconds=bound)
    if sources and not any(source.reachable for source in sources):
        raise _unreachable(sources)
    by_key = {endpoint.key: source for endpoint, source in zip(endpoints, sources, strict=True)}
    with worker_pool(JOBS) as pool:
        results = pool.map(lambda url: _probe_sources(url, settings.mirrors, by_key, policy), urls)
        probed = dict(zip(urls, results, strict=True))
    dead = [_dead_link(entry, artifact, url, probed[url]) for entry, artifact, url in links]
    return LinkReport(
        links=len(links),
        addresses=len(urls),
        sources=sources,
        dead=tuple(link for link in dead if link is not None),
    )


def _probe_sources(
    url: str, mirrors: Sequence[str], sources: Mapping[str, HostCheck], policy: RetryPolicy
) -> _ProbedUrl:
    """Probe one address: the result of the first mirror that has the file, or else of the last one."""
    candidates = {rewrite(url, mirror): sources[base_url(mirror)] for mirror in mirrors}
    probed = []
    for address, source in (candidates or {url: sources[host_of(url)]}).items():
        if source.reachable:
            probed.append(_ProbedUrl(address, _probe_with_retries(address, policy, mirrors)))
        else:
            unreachable = ProbeResult(source.status, source.failure, source.detail, 0.0)
            probed.append(_ProbedUrl(address, unreachable))
        if probed[-1].result.failure is None:
            break
    # An answer is more informative than a failed connection.
    return max(probed, key=lambda each: (each.result.failure is None, each.result.reachable))


def _probe_with_retries(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> ProbeResult:
    for attempt in range(1, ATTEMPTS):
        result = probe(url, policy, mirrors)
        if result.status not in RETRYABLE_STATUSES:
            return result
        policy.sleep(policy.backoff_seconds(attempt))
    return probe(url, policy, mirrors)


def _dead_link(entry: str, artifact: str, url: str, probed: _ProbedUrl) -> DeadLink | None:
    if probed.result.failure is None:
        return None
    return DeadLink(
        entry=entry,
        artifact=artifact,
        url=redact(url),
        requested_url=redact(probed.url),
        failure=probed.result.failure,
        status=probed.result.status,
        detail=probed.result.detail,
    )


def _unreachable(sources: Sequence[HostCheck]) -> NetworkError:
    return NetworkError(
        "network-unreachable",
        "no link could be checked: none of the mirrors or hosts is reachable",
        found="; ".join(f"{source.source}: {source.failure} ({source.detail})" for source in sources),
        done="each of them was requested once",
        hint=sources[0].hint,
    )
