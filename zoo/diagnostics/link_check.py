"""Whether what a catalog points to is still there: every address of an artifact asked for, none fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import registry
from registry.errors import NetworkError
from registry.schema.base import Model
from zoo._utils.threads import worker_pool
from zoo.diagnostics.connectivity import HostCheck, check_host, host_of, hosts_of, mirrors_of, require_network
from zoo.download.mirrors import display_url, rewrite
from zoo.download.policy import RetryPolicy
from zoo.download.probe import Failure, ProbeResult, probe
from zoo.download.response import RETRYABLE_STATUSES
from zoo.download.urls import redact
from zoo.settings import Settings

JOBS = 8
"""Addresses asked for at the same time: few enough for a host that counts."""

TRIES = 3
"""How often an address is asked for whose server says that it is busy."""


class DeadLink(Model):
    """An address in the catalog that leads to no file.

    Attributes:
        entry: Id of the entry.
        artifact: Id of the artifact.
        url: The address in the catalog.
        asked: What was asked for last: the same, or its place on a mirror.
        failed: What failed first.
        status: Status code of HTTP; None when there was no answer.
        found: The answer or the failure in words.
    """

    entry: str
    artifact: str
    url: str
    asked: str
    failed: Failure
    status: int | None
    found: str


class Links(Model):
    """What a look at all addresses found.

    Attributes:
        links: Number of addresses, counted once for each artifact that has them.
        addresses: Number of different ones.
        sources: The mirrors, or the hosts where there is none.
        dead: The addresses that lead nowhere, in the catalog's order.
    """

    links: int
    addresses: int
    sources: tuple[HostCheck, ...]
    dead: tuple[DeadLink, ...]


@dataclass(frozen=True)
class _Asked:
    """The last place an address was looked for at."""

    url: str
    found: ProbeResult


def check_links(path: Path | None, settings: Settings, policy: RetryPolicy | None = None) -> Links:
    """Asks for every address of every artifact; a server that cannot be reached is asked only once.

    An address is dead when no mirror has it, or its host has not where there is no mirror.

    Args:
        path: Catalog file or folder; None for the shipped one.
        settings: Names the mirrors and says whether connections are forbidden.
        policy: Patience; that of a fetch by default.

    Raises:
        CatalogError: The catalog breaks the schema.
        NetworkError: ``network-unreachable``: no source could be reached; ``offline``.
        UsageError: ``bad-mirror``.
    """
    require_network(settings)
    patience = policy or RetryPolicy()
    entries = registry.load(path) if path else registry.load()
    links = [
        (entry.id, artifact.id, url)
        for entry in entries
        for artifact in entry.artifacts
        for url in artifact.urls
    ]
    urls = list(dict.fromkeys(url for _, _, url in links))
    places = mirrors_of(urls, settings) or hosts_of(urls)
    bound = patience.connect_timeout + patience.header_timeout
    sources = check_host(places, settings, patience, seconds=bound)
    if sources and not any(source.reached for source in sources):
        raise _unreachable(sources)
    by_source = {source.source: source for source in sources}
    with worker_pool(JOBS) as pool:
        answers = pool.map(lambda url: _ask(url, settings.mirrors, by_source, patience), urls)
        asked = dict(zip(urls, answers, strict=True))
    dead = [_dead(entry, artifact, url, asked[url]) for entry, artifact, url in links]
    return Links(
        links=len(links),
        addresses=len(urls),
        sources=sources,
        dead=tuple(link for link in dead if link is not None),
    )


def _ask(url: str, mirrors: Sequence[str], sources: Mapping[str, HostCheck], policy: RetryPolicy) -> _Asked:
    """An answer for one address: of the first mirror that has it, or else of the last one."""
    places = {rewrite(url, mirror): sources[display_url(mirror)] for mirror in mirrors}
    asked = []
    for address, source in (places or {url: sources[host_of(url)]}).items():
        if source.reached:
            asked.append(_Asked(address, _with_retries(address, policy, mirrors)))
        else:
            asked.append(_Asked(address, ProbeResult(source.status, source.failed, source.found, 0.0)))
        if asked[-1].found.failed is None:
            break
    # One that answered says more than one that did not.
    return max(asked, key=lambda each: (each.found.failed is None, each.found.reached))


def _with_retries(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> ProbeResult:
    for tries in range(1, TRIES):
        found = probe(url, policy, mirrors)
        if found.status not in RETRYABLE_STATUSES:
            return found
        policy.sleep(policy.backoff_seconds(tries))
    return probe(url, policy, mirrors)


def _dead(entry: str, artifact: str, url: str, asked: _Asked) -> DeadLink | None:
    if asked.found.failed is None:
        return None
    return DeadLink(
        entry=entry,
        artifact=artifact,
        url=redact(url),
        asked=redact(asked.url),
        failed=asked.found.failed,
        status=asked.found.status,
        found=asked.found.found,
    )


def _unreachable(sources: Sequence[HostCheck]) -> NetworkError:
    return NetworkError(
        "network-unreachable",
        "no link could be checked: nobody who may have the files can be reached",
        found="; ".join(f"{source.source}: {source.failed} ({source.found})" for source in sources),
        done="asked each of them once",
        hint=sources[0].hint,
    )
