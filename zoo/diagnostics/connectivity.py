"""Which of the places that files are fetched from can be reached, and what to type where one cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

from registry.errors import NetworkError
from registry.schema.base import Model
from zoo.catalogs.sources import registry_of
from zoo.download.mirrors import display_url, rewrite
from zoo.download.policy import RetryPolicy
from zoo.download.probe import Failure, ProbeResult, probe
from zoo.download.response import ABSENT_STATUSES, CREDENTIAL_HINTS
from zoo.download.session import through_proxy
from zoo.download.urls import HTTP_SCHEMES, origin, redact
from zoo.settings import Settings

SECONDS = 30.0
"""Bound on the whole report: looking up a name has no time limit of its own."""

_ELSEWHERE = "export ZOO_MIRROR=URL for a mirror within reach, or --offline for what is in the store"
_HINTS: dict[Failure, str] = {
    "proxy": "correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY",
    "certificate": "export REQUESTS_CA_BUNDLE=FILE with the certificate of your network's authority",
    "bad-answer": _ELSEWHERE,
    "status": _ELSEWHERE,
    "mirror": "mount it, or correct ZOO_MIRROR",
}


class HostCheck(Model):
    """One place that files are fetched from.

    Attributes:
        source: The mirror's base, or scheme and host of addresses in the catalog.
        role: ``mirror`` or ``catalog``; a mirror takes the place of all hosts of the catalog.
        asked: The address that was asked for.
        works: Whether the file is there.
        failed: What failed first; None when it works.
        status: Status code of HTTP; None when there was no answer.
        found: The answer or the failure in words.
        seconds: How long it took.
        proxy: Whether it was asked through a proxy; its address may hold a secret and is not repeated.
        hint: What to type when it does not work.
        reached: Whether somebody who may have the file answered.
    """

    source: str
    role: Literal["mirror", "catalog"]
    asked: str
    works: bool
    failed: Failure | None
    status: int | None
    found: str
    seconds: float
    proxy: bool
    hint: str | None
    reached: bool


@dataclass(frozen=True)
class Place:
    """A source of files, and an address at it.

    Attributes:
        source: The mirror's base, or scheme and host.
        role: ``mirror`` or ``catalog``.
        url: The address.
    """

    source: str
    role: Literal["mirror", "catalog"]
    url: str


def check_hosts(settings: Settings) -> tuple[HostCheck, ...]:
    """Asks the mirrors and the hosts of all artifacts in the catalogs that hold.

    Raises:
        ZooError: As for ``reach``; what a catalog or the name of a mirror is refused for.
    """
    require_network(settings)
    artifacts = (artifact for entry in registry_of(settings) for artifact in entry.artifacts)
    urls = [url for artifact in artifacts for url in artifact.urls]
    return check_host((*mirrors_of(urls, settings), *hosts_of(urls)), settings)


def mirrors_of(urls: Sequence[str], settings: Settings) -> tuple[Place, ...]:
    """The user's mirrors, each to be asked for the first address.

    Raises:
        UsageError: ``bad-mirror``.
    """
    if not urls:
        return ()
    return tuple(Place(display_url(each), "mirror", rewrite(urls[0], each)) for each in settings.mirrors)


def hosts_of(urls: Iterable[str]) -> tuple[Place, ...]:
    """The hosts of addresses, each to be asked for its first one."""
    firsts: dict[str, str] = {}
    for url in urls:
        firsts.setdefault(host_of(url), url)
    return tuple(Place(host, "catalog", url) for host, url in firsts.items())


def host_of(url: str) -> str:
    """Scheme and host of a web address; the address itself where it has none that can be used."""
    try:
        place = origin(url)
    except ValueError:
        return redact(url)
    standard = {"http": 80, "https": 443}[place.scheme]
    return f"{place.scheme}://{place.host}" + ("" if place.port == standard else f":{place.port}")


def check_host(
    places: Sequence[Place],
    settings: Settings,
    policy: RetryPolicy | None = None,
    *,
    seconds: float = SECONDS,
) -> tuple[HostCheck, ...]:
    """Asks all places at once, each for a few bytes.

    Args:
        places: What to ask.
        settings: Names the mirrors and says whether connections are forbidden.
        policy: Time limits; those of a fetch by default.
        seconds: When to wait for no further answer.

    Raises:
        NetworkError: ``offline``: connections are forbidden.
    """
    require_network(settings)
    patience = policy or RetryPolicy()
    asked = [_begun(place, patience, settings.mirrors) for place in places]
    wait(asked, timeout=seconds)
    late = ProbeResult(None, "timed-out", f"no answer within {seconds:g} s", seconds)
    return tuple(
        _row(place, each.result() if each.done() else late) for place, each in zip(places, asked, strict=True)
    )


def require_network(settings: Settings) -> None:
    """Refuses to ask anybody where the user forbade it.

    Raises:
        NetworkError: ``offline``.
    """
    if settings.offline:
        raise NetworkError(
            "offline",
            "servers are to be asked, and nothing may be asked",
            found="ZOO_OFFLINE",
            done="no connection was opened",
            hint="unset ZOO_OFFLINE",
        )


def _begun(place: Place, policy: RetryPolicy, mirrors: Sequence[str]) -> Future[ProbeResult]:
    """A request under way. Its thread does not keep the process when its answer is not waited for."""
    promise: Future[ProbeResult] = Future()

    def ask() -> None:
        try:
            promise.set_result(probe(place.url, policy, mirrors))
        except BaseException as error:  # handed to whoever takes the result
            promise.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return promise


def _row(place: Place, found: ProbeResult) -> HostCheck:
    return HostCheck(
        source=place.source,
        role=place.role,
        asked=redact(place.url),
        works=found.failed is None,
        failed=found.failed,
        status=found.status,
        found=found.found,
        seconds=round(found.seconds, 3),
        proxy=urlsplit(place.url).scheme in HTTP_SCHEMES and through_proxy(place.url),
        hint=_hint(place, found),
        reached=found.reached,
    )


def _hint(place: Place, found: ProbeResult) -> str | None:
    if found.failed is None:
        return None
    if found.status in CREDENTIAL_HINTS:
        return CREDENTIAL_HINTS[found.status]
    if found.status in ABSENT_STATUSES:
        return "it answers but lacks this file: zoo registry check --links lists every one it lacks"
    return found.hint or _HINTS.get(found.failed) or _way_out(place)


def _way_out(place: Place) -> str:
    """What may help where there is no connection."""
    proxy = "HTTP_PROXY" if urlsplit(place.url).scheme == "http" else "HTTPS_PROXY"
    first = "correct ZOO_MIRROR, or " if place.role == "mirror" else ""
    return f"{first}export {proxy}=http://HOST:PORT where only a proxy leads out, {_ELSEWHERE}"
