"""One HTTP conversation: redirects by hand, credentials for one server only, errors in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from registry.errors import NetworkError
from zoo.download.errors import causes, connection_lost, download_stalled, root_cause
from zoo.download.mirrors import Credentials, credentials, is_http
from zoo.download.policy import RetryPolicy
from zoo.download.response import REDIRECTS, RetryableError
from zoo.download.transport import Reply
from zoo.download.urls import Origin, origin, redact, redirect_target

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

BLOCK = 256 * 1024


class Session:
    """Asks servers for files. Use as a context manager.

    Proxies and certificate bundles are taken from the environment as everywhere else. Credentials are sent to
    the origin of the mirror they belong to and to no other, from its address or from ``netrc``. Catalog
    hosts serve public files, and a host reached by a redirect is not one the user named, so ``netrc`` is not
    read for them.

    Args:
        policy: Time limits and the number of redirects.
        mirrors: Base addresses the user named.
    """

    def __init__(self, policy: RetryPolicy, mirrors: Sequence[str]) -> None:
        # Not at the top: the CLI must start without loading requests.
        from importlib.metadata import version

        import requests

        from zoo.download.header_timeout import HeaderTimeoutAdapter

        self._policy = policy
        named = {mirror: origin(mirror) for mirror in mirrors if is_http(mirror)}
        self._plain_http = {place for place in named.values() if place.scheme == "http"}
        self._requests = requests.Session()
        for scheme in ("http://", "https://"):
            self._requests.mount(scheme, HeaderTimeoutAdapter(policy.header_timeout))
        self._requests.headers["User-Agent"] = f"paddle-zoo/{version('paddle-zoo')}"
        # Bodies are kept as they are: digests are over the published bytes.
        self._requests.headers["Accept-Encoding"] = "identity"
        known = {place: found for mirror, place in named.items() if (found := _known_credentials(mirror))}
        # An auth callable, even one that does nothing, keeps requests from reading netrc for every host.
        self._requests.auth = lambda request: _authenticate(request, known)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._requests.close()

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[Reply]:
        """The final response for a URL, its body not read yet.

        Args:
            url: What to ask for.
            headers: Further request headers; sent again after each redirect.

        Raises:
            RetryableError: The server could not be reached or broke off.
            NetworkError: ``too-many-redirects``, ``insecure-redirect``, or a certificate that does not hold.
        """
        with self._follow("GET", url, headers) as reply:
            yield reply

    @contextmanager
    def head(self, url: str) -> Iterator[Reply]:
        """As :meth:`get`, for the status and the headers alone.

        Args:
            url: What to ask for.

        Raises:
            ZooError: As for :meth:`get`.
        """
        with self._follow("HEAD", url, {}) as reply:
            yield reply

    @contextmanager
    def _follow(self, method: str, url: str, headers: Mapping[str, str]) -> Iterator[Reply]:
        target, seen = url, {url}
        for _ in range(self._policy.redirects + 1):
            with self._send(method, target, headers) as response:
                if response.status_code not in REDIRECTS:
                    yield Reply(response.status_code, response.headers, blocks(response, url))
                    return
                target = redirect_target(target, response.headers.get("Location"), self._plain_http)
            if target in seen:
                raise _too_many_redirects(url, f"a loop through {redact(target)}")
            seen.add(target)
        raise _too_many_redirects(url, f"more than {self._policy.redirects} redirects")

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> Response:
        import requests

        times = (self._policy.connect_timeout, self._policy.read_timeout)
        try:
            # Not Session.get: even when told not to follow a redirect it reads its body whole into memory.
            prepared = self._requests.prepare_request(requests.Request(method, url, headers=dict(headers)))
            settings: Any = self._requests.merge_environment_settings(url, {}, True, True, None)
            return self._requests.get_adapter(url).send(prepared, timeout=times, **settings)
        except requests.RequestException as error:
            _raise_network_error(error, url, broken=False)
        except OSError as error:  # a certificate bundle named in the environment that is not there
            raise _unreachable(url, root_cause(error)) from None


def blocks(response: Response, url: str) -> Iterator[bytes]:
    """The body as it arrives, one piece for each read of the socket, so that a trickle can be noticed.

    Args:
        response: An answer of :meth:`Session.get`.
        url: What was asked, for messages.

    Raises:
        RetryableError: The body broke off or download_stalled.
    """
    import urllib3

    while True:
        try:
            block = response.raw.read1(BLOCK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _raise_network_error(error, url, broken=True)
        if not block:
            return
        yield block


def _known_credentials(mirror: str) -> Credentials | None:
    from requests.utils import get_netrc_auth

    found = credentials(mirror)
    if found is None:
        netrc = get_netrc_auth(mirror)
        found = Credentials(*netrc) if netrc else None
    return found


def _authenticate(request: PreparedRequest, known: Mapping[Origin, Credentials]) -> PreparedRequest:
    from requests.auth import HTTPBasicAuth

    found = known.get(origin(request.url)) if request.url is not None else None
    if found is not None:
        HTTPBasicAuth(found.user.encode(), found.password.encode())(request)
    return request


def _raise_network_error(error: Exception, url: str, *, broken: bool) -> NoReturn:
    """Sorts an error of the network stack.

    Its own text is not used, and the chain is cut: both may quote the address with what is secret in it.

    Args:
        error: What requests or urllib3 raised.
        url: What was asked.
        broken: Whether the body had begun.
    """
    import requests
    import urllib3

    cause = root_cause(error)
    if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        raise download_stalled(url, "no byte within the time limit") from None
    if broken:
        raise connection_lost(url, cause) from None
    invalid = isinstance(error, requests.exceptions.InvalidHeader) or _is_invalid_response(causes(error)[-1])
    failure = _invalid_response(url, cause) if invalid else _unreachable(url, cause)
    final = (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidHeader,
    )
    if isinstance(error, final) or "certificate verify failed" in cause.lower():
        raise failure from None
    raise RetryableError(failure) from None


def through_proxy(url: str) -> bool:
    """Whether the environment sends requests for a web address through a proxy."""
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, get_environ_proxies(url)) is not None


def _is_invalid_response(cause: BaseException) -> bool:
    """Whether there was an answer, but none of HTTP; the end of a connection is told by a kin of both."""
    return isinstance(cause, HTTPException) and not isinstance(cause, ConnectionError)


def _invalid_response(url: str, found: str) -> NetworkError:
    return NetworkError(
        "server-error",
        f"{redact(url)}: the server's answer is not what HTTP allows",
        found=found[:200],
        hint="try again later, or choose another source with --mirror URL",
    )


def _unreachable(url: str, found: str) -> NetworkError:
    return NetworkError(
        "network-unreachable",
        f"{redact(url)}: no connection to the server",
        found=found,
        hint="check the network and the proxy settings, or choose another source with --mirror URL",
    )


def _too_many_redirects(url: str, found: str) -> NetworkError:
    return NetworkError(
        "too-many-redirects",
        f"{redact(url)}: the server sends us from address to address",
        found=found,
        done="nothing was stored",
        hint="choose another source with --mirror URL",
    )
