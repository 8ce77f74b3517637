"""Downloads that finish: resumed, retried within bounds, digested on the way, and refused when they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from registry.errors import IntegrityError, NetworkError, ZooError
from registry.lock import describe as status_text
from registry.schema import Digest
from zoo._utils.checksums import Fingerprint
from zoo._utils.disk import require_room
from zoo.download.body import DownloadOptions, PartialContent, receive, too_large
from zoo.download.connect import open_transport
from zoo.download.partial import PartialFile, PartialState, safe_offset
from zoo.download.response import Answer, RetryableError, read_answer
from zoo.download.transport import Transport
from zoo.download.urls import redact


@dataclass(frozen=True)
class Downloaded:
    """A complete download.

    Attributes:
        path: The part file, now whole; the caller moves it where it belongs.
        url: Where it came from, redact.
        digest: SHA-256 and size.
        etag: The server's entity tag.
        last_modified: The server's date of the file.
    """

    path: Path
    url: str
    digest: Digest
    etag: str | None
    last_modified: str | None


def download(urls: Sequence[str], part: Path, options: DownloadOptions) -> Downloaded:
    """Downloads a file from the first of several addresses that has it.

    The bytes gather in ``part``, with a small state file beside it; both stay when the download fails in a
    way that a later call can continue. The caller holds the lock that guards ``part``.

    Args:
        urls: Addresses in order of preference.
        part: Where to gather the bytes.
        options: What is expected, and how patient to be.

    Raises:
        NetworkError: ``not-on-server``, ``server-error``, ``network-unreachable``, ``connection-lost``,
            ``download-stalled``, ``too-many-redirects``, ``insecure-redirect``.
        IntegrityError: ``digest-mismatch`` or ``size-mismatch`` (the bytes stay in ``part`` for the caller to
            put aside), ``unexpected-response``, ``download-too-large``.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    failures: list[ZooError] = []
    for url in options.health.sort(urls, options.note):
        try:
            with open_transport(url, options.policy, options.mirrors) as transport:
                got = _Download(transport, url, PartialFile(part), options).run()
        except NetworkError as error:
            # A server that does not have one file is as healthy as before.
            if error.code != "not-on-server":
                options.health.failed(url)
            failures.append(error)
        except IntegrityError as error:
            # Where one server shows an error page, another may have the file. Other bytes are an event.
            if error.code != "unexpected-response":
                raise
            options.health.failed(url)
            failures.append(error)
        else:
            options.health.worked(url)
            return got
    raise _summary(failures)


def _summary(failures: Sequence[ZooError]) -> ZooError:
    """The error to report when no address worked: the first one that is more than a missing file."""
    told = next((error for error in failures if error.code != "not-on-server"), failures[0])
    if len(failures) > 1:
        others = [f"{error.message} ({error.found})" for error in failures if error is not told]
        told.found = "; ".join([told.found or told.message, *others])
    return told


class _Download:
    """One address, tried until it is done or given up."""

    def __init__(self, transport: Transport, url: str, part: PartialFile, options: DownloadOptions) -> None:
        self._transport = transport
        self._url = url
        self._part = part
        self._terms = options

    def run(self) -> Downloaded:
        failures = 0
        policy = self._terms.policy
        for tries in range(1, policy.max_attempts + 1):
            before = self._part.size
            try:
                return self._try()
            except RetryableError as failed:
                gained = self._part.size - before >= policy.stall_bytes and not failed.restart
                failures = 1 if gained else failures + 1
                pause = policy.backoff_seconds(failures) if failed.after is None else failed.after
                hopeless = failures >= policy.attempts or tries == policy.max_attempts
                if hopeless or pause > policy.max_retry_after:
                    raise self._given_up(failed, tries) from None
                if failed.restart:
                    self._part.discard()
                self._terms.note(f"{failed.error.message}; trying again in {pause:.1f} s")
                policy.sleep(pause)
        raise AssertionError("a policy allows at least one try")

    def _try(self) -> Downloaded:
        partial = self._load_partial()
        if partial is not None and partial.complete:
            return self._finish(partial, resumed=True)
        asked = partial.resume if partial is not None else None
        with self._transport.get(self._url, asked.headers() if asked else {}) as reply:
            answer = read_answer(
                self._url,
                reply.status,
                reply.headers,
                asked=asked,
                has_digest=self._terms.expected is not None,
                now=datetime.now(timezone.utc),
            )
            if partial is not None and answer.kind == "rest":
                self._refuse_size(answer.total, partial.size)
                partial.state = partial.state.model_copy(update={"total": answer.total, "etag": answer.etag})
            else:
                self._refuse_size(answer.total, 0)
                asked, partial = (
                    None,
                    PartialContent(self._begin(answer), Fingerprint(answer.checksums, aside=True)),
                )
            receive(reply.blocks, self._url, self._part, partial, self._terms)
        return self._finish(partial, resumed=asked is not None)

    def _load_partial(self) -> PartialContent | None:
        """What an earlier try left that is of use, hashed anew from the disk."""
        has_digest = self._terms.expected is not None
        state = self._part.load(redact(self._url), has_digest=has_digest)
        offset = safe_offset(state, self._part.size, self._terms.expected)
        if state is None or offset == 0:
            return None
        self._part.cut(offset)
        fingerprint = Fingerprint(state.checksums, aside=True)
        fingerprint.update_from(self._part.path)
        return PartialContent(state, fingerprint)

    def _begin(self, answer: Answer) -> PartialState:
        state = PartialState(
            url=redact(self._url),
            etag=answer.etag,
            last_modified=answer.last_modified,
            total=answer.total,
            checksums=answer.checksums,
        )
        self._part.begin(state)
        return state

    def _finish(self, partial: PartialContent, *, resumed: bool) -> Downloaded:
        digest, expected = partial.fingerprint.digest, self._terms.expected
        damage = partial.fingerprint.contradiction()
        if damage:
            raise RetryableError(_damaged(self._url, damage), restart=True)
        if expected is not None and expected != digest:
            error = _other_bytes(self._url, expected, digest)
            if resumed:  # pieces of two versions, or a piece that never reached the disk
                raise RetryableError(error, restart=True)
            self._part.forget_state()
            raise error
        self._part.keep(partial.state.model_copy(update={"total": digest.size}), digest.size)
        return Downloaded(
            self._part.path,
            redact(self._url),
            digest,
            etag=partial.state.etag,
            last_modified=partial.state.last_modified,
        )

    def _refuse_size(self, total: int | None, here: int) -> None:
        """Refuses what is larger than it may be, or than there is room for, before a byte of it is stored."""
        if total is None:
            return
        if total > self._terms.largest:
            raise too_large(self._url, f"{total} bytes announced", self._terms.largest)
        require_room(self._part.path.parent, total - here)

    def _given_up(self, failed: RetryableError, tries: int) -> ZooError:
        error, size = failed.error, self._part.size
        error.found = f"{error.found or error.message}; given up after {tries} tries"
        if failed.after is not None:
            error.found += f"; the server asks to wait {failed.after:.0f} s"
        if error.done is None:
            error.done = (
                f"kept the {size} bytes so far, to go on from there" if size else "nothing was stored"
            )
        return error


def _damaged(url: str, damage: str) -> IntegrityError:
    return IntegrityError(
        "digest-mismatch",
        f"{redact(url)}: the file was damaged on the way",
        found=damage,
        hint="try again later, or choose another source with --mirror URL",
    )


def _other_bytes(url: str, expected: Digest, found: Digest) -> IntegrityError:
    same_size = expected.size == found.size
    return IntegrityError(
        "digest-mismatch" if same_size else "size-mismatch",
        f"{redact(url)}: the server sent another file than the one that is known",
        expected=status_text(expected),
        found=status_text(found),
        hint="choose another source with --mirror URL",
    )
