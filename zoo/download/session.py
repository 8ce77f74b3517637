"""HTTP requests: redirects followed by hand, credentials for one origin only, errors of our own tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from registry.errors import NetworkError
from zoo.download.errors import causes, connection_lost, download_stalled, root_cause
from zoo.download.mirrors import Credentials, credentials_in, is_http
from zoo.download.policy import RetryPolicy
from zoo.download.proxies import proxy_for
from zoo.download.redaction import redact
from zoo.download.response import OTHER_SOURCE_HINT, REDIRECTS, RETRY_HINT, RetryableError
from zoo.download.transport import Reply
from zoo.download.urls import Origin, origin, redirect_display, redirect_target

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

BLOCK = 256 * 1024


class Session:
    """Sends requests to servers. Use as a context manager.

    Proxies and certificate bundles are taken from the environment as in other programs. Credentials are sent
    to the origin of the address they belong to and to no other, from the address or from ``netrc``. Catalog
    hosts serve public files, and the target of a redirect was not named by the user, so ``netrc`` is not read
    for them.

    Args:
        policy: Time limits and the number of redirects.
        mirrors: Base addresses the user named.
        named: Addresses of single files the user named.
    """

    def __init__(self, policy: RetryPolicy, mirrors: Sequence[str], named: Sequence[str] = ()) -> None:
        # Not at the top: the CLI must start without loading requests.
        from importlib.metadata import version

        import requests

        from zoo.download.header_timeout import HeaderTimeoutAdapter

        self._policy = policy
        origins = {url: origin(url) for url in (*filter(is_http, mirrors), *named)}
        self._plain_http = {each for each in origins.values() if each.scheme == "http"}
        self._requests = requests.Session()
        for scheme in ("http://", "https://"):
            self._requests.mount(scheme, HeaderTimeoutAdapter(policy.header_timeout))
        self._requests.headers["User-Agent"] = f"paddle-zoo/{version('paddle-zoo')}"
        # Bodies are kept as they are: digests are over the published bytes.
        self._requests.headers["Accept-Encoding"] = "identity"
        known = {each: found for url, each in origins.items() if (found := _find_credentials(url))}
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
        """Request a URL and follow redirects; the body of the final response is not read yet.

        Args:
            url: The URL.
            headers: Further request headers; sent again after each redirect.

        Raises:
            RetryableError: The connection failed.
            NetworkError: ``too-many-redirects``, ``insecure-redirect``, or an invalid certificate.
            UsageError: ``bad-setting``: the environment names a proxy that cannot be used.
        """
        with self._follow("GET", url, headers) as reply:
            yield reply

    @contextmanager
    def head(self, url: str) -> Iterator[Reply]:
        """As :meth:`get`, for status and headers alone.

        Args:
            url: The URL.

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
                    yield Reply(response.status_code, response.headers, read_blocks(response, url))
                    return
                target = redirect_target(target, response.headers.get("Location"), self._plain_http)
            if target in seen:
                raise _too_many_redirects(url, f"a loop through {redirect_display(target)}")
            seen.add(target)
        raise _too_many_redirects(url, f"more than {self._policy.redirects} redirects")

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> Response:
        import requests
        import urllib3

        proxy_for(url)
        timeouts = (self._policy.connect_timeout, self._policy.read_timeout)
        try:
            # Not Session.get: even when told not to follow a redirect it reads its body whole into memory.
            prepared = self._requests.prepare_request(requests.Request(method, url, headers=dict(headers)))
            settings: Any = self._requests.merge_environment_settings(url, {}, True, True, None)
            return self._requests.get_adapter(url).send(prepared, timeout=timeouts, **settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            _raise_network_error(error, url, body_started=False)
        except UnicodeError:  # the network stack encodes host names after they were checked
            raise _unreachable(url, "the host name cannot be encoded") from None
        except OSError as error:  # a certificate bundle named in the environment does not exist
            raise _unreachable(url, root_cause(error)) from None


def read_blocks(response: Response, url: str) -> Iterator[bytes]:
    """The body as it arrives, one block for each read of the socket, so that a slow body is noticed.

    Args:
        response: A response of :meth:`Session.get`.
        url: The requested URL, for messages.

    Raises:
        RetryableError: The body broke off or stalled.
    """
    import urllib3

    while True:
        try:
            block = response.raw.read1(BLOCK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _raise_network_error(error, url, body_started=True)
        if not block:
            return
        yield block


def _find_credentials(url: str) -> Credentials | None:
    from requests.utils import get_netrc_auth

    found = credentials_in(urlsplit(url))
    if found is None:
        try:
            netrc = get_netrc_auth(url)
        except UnicodeError:  # not text; requests ignores every other damage of the file
            netrc = None
        found = Credentials(*netrc) if netrc else None
    return found


def _authenticate(request: PreparedRequest, known: Mapping[Origin, Credentials]) -> PreparedRequest:
    from requests.auth import HTTPBasicAuth

    found = known.get(origin(request.url)) if request.url is not None else None
    if found is not None:
        HTTPBasicAuth(found.user.encode(), found.password.encode())(request)
    return request


def _raise_network_error(error: Exception, url: str, *, body_started: bool) -> NoReturn:
    """Raise the error of our tree for an error of the network stack.

    The message of the latter is not used, and the chain is cut: both may quote the address with its secrets.

    Args:
        error: What requests or urllib3 raised.
        url: The requested URL.
        body_started: Whether a part of the body may have arrived.
    """
    import requests
    import urllib3

    cause = root_cause(error)
    if isinstance(error, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        raise download_stalled(url, "no byte within the time limit") from None
    if body_started:
        raise connection_lost(url, cause) from None
    invalid = isinstance(error, requests.exceptions.InvalidHeader) or _is_invalid_response(causes(error)[-1])
    failure = _invalid_response(url, cause) if invalid else _unreachable(url, cause)
    permanent = (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidHeader,
        urllib3.exceptions.LocationValueError,
    )
    if isinstance(error, permanent) or "certificate verify failed" in cause.lower():
        raise failure from None
    raise RetryableError(failure) from None


def _is_invalid_response(cause: BaseException) -> bool:
    """Whether the server answered, but not in HTTP. A closed connection has a class derived from both."""
    return isinstance(cause, HTTPException) and not isinstance(cause, ConnectionError)


def _invalid_response(url: str, found: str) -> NetworkError:
    return NetworkError(
        "server-error",
        f"{redact(url)}: the server's response is not valid HTTP",
        found=found,
        hint=RETRY_HINT,
    )


def _unreachable(url: str, found: str) -> NetworkError:
    return NetworkError(
        "network-unreachable",
        f"{redact(url)}: no connection to the server",
        found=found,
        hint=f"check the network and the proxy settings, or {OTHER_SOURCE_HINT}",
    )


def _too_many_redirects(url: str, found: str) -> NetworkError:
    return NetworkError(
        "too-many-redirects",
        f"{redact(url)}: too many redirects, or redirects in a loop",
        found=found,
        done="nothing was stored",
        hint=OTHER_SOURCE_HINT,
    )
